//! What a gateway holds after many changes.

use harness::{Figures, Gateway, Save};

use super::stage::Stage;

/// Each change compiles the policy anew: a set of entities that was not there before.
const CHANGES: u8 = 24;
/// By then each thread that compiles has had its turn.
const WARM: u8 = 8;
/// Less than the machine code of the versions since then, 2.3 MB each.
const SPREAD: u64 = 30 << 20;

fn policy(change: u8) -> String {
    let entities = ["email", "phone", "credit-card", "iban", "us-ssn"];
    let chosen = entities.iter().enumerate();
    let chosen: Vec<_> = chosen
        .filter(|(bit, _)| (change + 1) >> bit & 1 == 1)
        .map(|(_, entity)| entity)
        .collect();
    format!(
        "[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\nsettings = {{ entities = {chosen:?} }}\n"
    )
}

#[test]
fn what_old_versions_of_a_policy_took_is_given_back() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", &policy(0)));
    let mut early = 0;
    for change in 1..=CHANGES {
        let text = stage.config("", &policy(change));
        Save::RenameOver.write(&gateway.config_file(), text.as_bytes());
        let shown = gateway.command(&["reload"]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        if change == WARM {
            std::thread::sleep(std::time::Duration::from_secs(1));
            early = Figures::of(gateway.process.id()).resident;
        }
    }
    let bound = early + SPREAD;
    let late = Figures::settled(gateway.process.id(), |now| now.resident <= bound);
    assert!(
        late.resident <= bound,
        "{} MiB after {WARM} changes, {} MiB after {CHANGES}",
        early >> 20,
        late.resident >> 20
    );
}
