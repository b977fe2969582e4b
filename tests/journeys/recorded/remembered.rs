//! A policy that counts by its memory, draws random numbers and looks at the clock: replayed, it begins with nothing, meets
//! the calls in their order at their times, and comes to the same each time.

use std::path::Path;

use serde_json::{Value, json};

use crate::recorded::stand::{Stand, interceptor, says};

fn third(folder: &Path, name: &str) -> String {
    interceptor(
        folder,
        name,
        "refuses-every-third",
        "grants = { state = true }\n",
    )
}

/// What a replay told, but for how long it took.
fn told(stand: &Stand, config: &Path, args: &[&str]) -> String {
    let mut replayed = stand.replayed(config, args);
    let took = replayed.as_object_mut().unwrap().remove("took_ms");
    assert!(took.is_some());
    replayed.to_string()
}

fn refused(replayed: &Value) -> Vec<(&str, &str)> {
    let differences = replayed["differences"].as_array().unwrap().iter();
    differences
        .filter(|one| one["what"] == "decision")
        .map(|one| (one["time"].as_str().unwrap(), one["is"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_a_policy_counts_draws_and_reads_from_the_clock_is_the_same_in_every_replay() {
    let folder = tempfile::tempdir().unwrap();
    let mut stand = Stand::recording(&third(folder.path(), "third"), &[]);
    for n in 0..20 {
        stand.call("lookup", json!({ "row": n }), &says("open"));
    }
    stand.end();
    let config = stand.gateway.config_file();
    assert_eq!(
        told(&stand, &config, &["--findings"]),
        told(&stand, &config, &["--findings"])
    );
    // The same calls are refused as live, at the times of the recording; what was drawn live was another number.
    let replayed = stand.replayed(&config, &[]);
    let refused = refused(&replayed);
    assert_eq!(refused.len(), 6, "{replayed}");
    for (n, (time, code)) in (1..).zip(&refused) {
        let came = humantime::parse_rfc3339(time).unwrap();
        let came = came
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        assert!(code.contains(&format!("third.n{}.r", 3 * n)), "{code}");
        assert!(code.ends_with(&format!(".t{came})")), "{code} at {time}");
    }
    assert!(
        replayed["differences"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["what"] != "outcome")
    );

    // Two configurations have a memory each: neither counts the other's calls.
    let two = stand.config("two.toml", &third(folder.path(), "third"));
    let against = ["--against", config.to_str().unwrap(), "--findings"];
    assert_eq!(stand.replayed(&two, &against)["differences"], json!([]));
}

#[test]
fn limits_act_by_the_clock_of_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let mut stand = Stand::recording(&third(folder.path(), "third"), &[]);
    for n in 0..9 {
        stand.call("lookup", json!({ "row": n }), &says("open"));
    }
    stand.end();
    // Had they come hours apart, none had been the third of its minute.
    let hour = std::cell::Cell::new(0);
    stand.rewrite(|mut one| {
        if one["method"] == "tools/call" {
            hour.set(hour.get() + 1);
            one["time"] = json!(format!("2026-01-01T{:02}:00:00.000000Z", hour.get()));
        }
        Some(one)
    });
    let replayed = stand.replayed(&stand.gateway.config_file(), &[]);
    let outcomes: Vec<&str> = replayed["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["what"] == "outcome")
        .map(|one| one["is"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["forwarded"; 3], "{replayed}");
}
