//! What a drill found out: steps with what was done, expected and seen, and what to change.

mod markdown;
mod page;

use std::path::PathBuf;
use std::time::SystemTime;

use sandgate_config::Loaded;
use sandgate_text::time;
use serde::Serialize;

use crate::advice::{Advice, advise};
use crate::cast::Cast;
pub(crate) use crate::done::{Control, Done};
use crate::outside::reached;
use crate::plan::Plan;
use crate::step::{Step, Verdict};

/// The report of a drill.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The drill, and what it did.
    pub drill: Plan,
    /// The configuration's file.
    pub config: String,
    /// SHA-256 of the configuration's text, in hexadecimal.
    pub config_sha256: String,
    /// The version of the program.
    pub version: &'static str,
    /// When it began (RFC 3339, UTC).
    pub began: String,
    /// Whose name the stand-in bore.
    pub server: String,
    #[serde(skip)]
    stands_for: bool,
    /// Who called. `None`: somebody without a key.
    pub client: Option<String>,
    /// Whether the running gateway recorded the drill, and why not.
    pub recorded: Result<(), String>,
    /// What interceptors reached that is real, each by its name.
    pub reached: Vec<String>,
    /// Where the drill's call log is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<PathBuf>,
    control: Control,
    /// The steps.
    pub steps: Vec<Step>,
    /// What to change.
    pub advice: Vec<Advice>,
}

impl Report {
    pub(crate) fn new(
        drill: Plan,
        cast: &Cast,
        loaded: &Loaded,
        began: SystemTime,
        done: Done,
    ) -> Self {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(loaded.source.text().as_bytes());
        Self {
            drill,
            config: loaded.source.path().display().to_string(),
            config_sha256: sandgate_text::hex::encode(digest),
            version: env!("CARGO_PKG_VERSION"),
            began: time(began),
            server: cast.server.clone(),
            stands_for: loaded.config.servers.contains_key(&cast.server),
            client: cast.client.clone(),
            recorded: Err("not told".to_owned()),
            reached: reached(&loaded.config),
            kept: None,
            control: done.control,
            advice: advise(&done.steps, &loaded.config, cast),
            steps: done.steps,
        }
    }

    /// Whether everything was as expected: nothing passed unseen.
    pub fn is_as_expected(&self) -> bool {
        let unseen = |step: &Step| step.verdict == Verdict::PassedUnseen;
        !self.steps.iter().any(unseen)
    }

    /// The outcome in a few words.
    pub fn outcome(&self) -> String {
        let count = |verdict| {
            self.steps
                .iter()
                .filter(|step| step.verdict == verdict)
                .count()
        };
        format!(
            "{} stopped, {} noticed, {} passed unseen",
            count(Verdict::Stopped),
            count(Verdict::Noticed),
            count(Verdict::PassedUnseen)
        )
    }

    /// The facts above the table.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let caller = match &self.client {
            Some(client) => format!("client {client}, with a key made for the drill"),
            None => {
                "somebody without a key, as whom other users of this machine could have called too"
                    .to_owned()
            }
        };
        let recorded = match &self.recorded {
            Ok(()) => "drill-began and drill-ended, in the running gateway's call log".to_owned(),
            Err(why) => format!("no: {why}"),
        };
        let server = match self.stands_for {
            true => format!("{}, with a stand-in in its place", self.server),
            false => format!("a stand-in, called {}: none is configured", self.server),
        };
        let mut facts = vec![
            ("What", self.drill.does.to_owned()),
            ("When", self.began.clone()),
            (
                "Configuration",
                format!("{}, sha256 {}", self.config, self.config_sha256),
            ),
            ("Program", format!("sandgate {}", self.version)),
            ("Server", server),
            ("Caller", caller),
            (
                "Control",
                format!("harmless calls passed, in {}", millis(self.control.us)),
            ),
            ("Recorded", recorded),
            (
                "Reached for real",
                markdown::listed(&self.reached, "nothing"),
            ),
            ("Outcome", self.outcome()),
        ];
        if let Some(kept) = &self.kept {
            facts.push(("Call log", kept.display().to_string()));
        }
        facts
    }
}

/// What a drill does not show.
const NOT_REHEARSED: &str = "Not rehearsed: real servers, their containment and secrets; issuers of tokens; TLS; the receivers of \
     alerts (sandgate alerts test NAME); what interceptors remember of real conversations; lock files of tool-pins; \
     rates of clients and views.";

fn millis(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::Seen;
    use crate::step::Guard;

    fn seen(by: Option<(&str, bool)>) -> Seen {
        let detection = |(did, in_force): (&str, bool)| crate::records::Detection {
            by: "pii".to_owned(),
            did: did.to_owned(),
            code: "timeout".to_owned(),
            in_force,
        };
        Seen {
            answer: crate::client::Answer {
                status: http::StatusCode::OK,
                text: String::new(),
                took: std::time::Duration::ZERO,
            },
            heard_before: 0,
            record: None,
            detections: by.map(detection).into_iter().collect(),
            alerts: Vec::new(),
        }
    }

    #[test]
    fn a_step_is_stopped_by_a_decision_in_force_alone() {
        let verdict = |by, harmed| {
            let guard = Guard::Plugin("pii-scrubber");
            Step::of_call("It", guard, &seen(by), harmed, ["came", "did not come"])
                .map(|step| step.verdict)
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            verdict(Some(("refused", true)), false),
            Ok(Verdict::Stopped)
        );
        assert_eq!(verdict(Some(("failed", false)), true), Ok(Verdict::Noticed));
        assert_eq!(verdict(None, true), Ok(Verdict::PassedUnseen));
        for (by, said) in [
            (None, "It: did not come;"),
            (
                Some(("failed", false)),
                "It: did not come (pii failed: timeout);",
            ),
        ] {
            let said = verdict(by, false).is_err_and(|error| error.starts_with(said));
            assert!(said, "{by:?}");
        }
    }

    #[test]
    fn what_others_named_is_no_markup_and_ends_no_cell() {
        let hostile = "a|b <script>alert(1)</script> `x`\n## [y](z)";
        let step = Step {
            done: hostile.to_owned(),
            expected: "stopped, or noticed",
            seen: hostile.to_owned(),
            verdict: Verdict::PassedUnseen,
            by: vec![hostile.to_owned()],
            alerts: vec![hostile.to_owned()],
            us: 1_250,
            call: None,
            guard: Guard::Stops,
        };
        let report = Report {
            drill: crate::Drill::Stop.plan(),
            config: hostile.to_owned(),
            config_sha256: String::new(),
            version: "0",
            began: String::new(),
            server: hostile.to_owned(),
            stands_for: true,
            client: Some(hostile.to_owned()),
            recorded: Err(hostile.to_owned()),
            reached: vec![hostile.to_owned()],
            kept: Some(hostile.into()),
            control: Control { us: 0 },
            steps: vec![step],
            advice: vec![Advice {
                why: hostile.to_owned(),
                lines: String::new(),
            }],
        };
        let markdown = report.markdown();
        let row = markdown.lines().find(|line| line.starts_with("| 1 |"));
        let row = row.unwrap_or_default();
        assert_eq!(row.replace("\\|", "").matches('|').count(), 10, "{row}");
        assert!(
            row.contains("1.2 ms") && row.contains("\\<script\\>"),
            "{row}"
        );
        assert!(!markdown.contains("\n## [y]"), "{markdown}");
        let html = report.html();
        assert!(
            !html.contains("<script") && html.contains("&lt;script&gt;"),
            "{html}"
        );
    }
}
