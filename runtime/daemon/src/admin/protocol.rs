//! The protocol of the admin socket: one line of JSON each way, then the end. The question names the version of the
//! protocol, so that an older program and a newer gateway notice that they do not understand each other.

use sandgate_gateway::StopKind;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the protocol.
pub(super) const VERSION: u32 = 1;
/// The longest question in bytes: far more than a call's id needs.
pub(super) const MAX_QUESTION: u64 = 4 << 10;
/// The longest answer in bytes: a call's two records with payloads of the largest size fit.
pub(super) const MAX_ANSWER: u64 = 64 << 20;

/// The most calls of one answer.
pub(super) const MOST_CALLS: usize = 100;

/// A question to a running gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Asks for the gateway's status.
    Status,
    /// Asks to reload the configuration now.
    Reload,
    /// Asks for the records of a call.
    Why {
        /// The call's id, or the beginning of it. `None`: the last call that ended.
        #[serde(default)]
        call: Option<String>,
    },
    /// Asks for the records of the last calls that ended, the last first.
    Calls {
        /// The most records; more than 100 count as so many.
        most: usize,
    },
    /// Asks for the remembered connections of a contained server, oldest first.
    Egress {
        /// The server's name.
        server: String,
    },
    /// Stops something, now.
    Stop {
        /// What it is.
        kind: StopKind,
        /// Its name.
        name: String,
        /// How long, in milliseconds. `None`: until it is resumed.
        #[serde(default)]
        for_ms: Option<u64>,
        /// Why.
        why: String,
        /// Whether the configuration need not know the name.
        #[serde(default)]
        unknown: bool,
    },
    /// Lifts a stop.
    Resume {
        /// What is stopped.
        kind: StopKind,
        /// Its name.
        name: String,
        /// Why.
        #[serde(default)]
        why: Option<String>,
    },
    /// Puts another key or value in force, now.
    Rotate {
        /// What it is.
        kind: RotateKind,
        /// A client's name, `SERVER/NAME` of a secret, or the absolute path of the next key's file.
        name: String,
        /// The SHA-256 of a client's new key, in hexadecimal.
        #[serde(default)]
        hash: Option<String>,
    },
    /// Asks for all stops.
    Stops,
    /// Asks for the alerts: their rules, what lasts, how messages fare.
    Alerts,
    /// Sends a message to the receiver of an alert, now.
    AlertTest {
        /// The rule's name.
        name: String,
    },
    /// Asks for a link into the console.
    Console {
        /// Whether whoever comes by it may only look.
        #[serde(default)]
        read_only: bool,
    },
    /// Tells that a drill begins, which is recorded.
    DrillBegin {
        /// Its name.
        name: String,
        /// In how many milliseconds it ends, whether that is told or not.
        for_ms: u64,
    },
    /// Tells that a drill has ended.
    DrillEnd {
        /// Its number.
        id: u64,
        /// What came of it.
        outcome: String,
    },
    /// Asks for the words that policies matched in a call, if they are kept.
    MatchedValues {
        /// The call's whole id.
        call: String,
    },
}

/// What is put in the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotateKind {
    /// The key of a client.
    Client,
    /// A server's secret.
    Secret,
    /// The key that signs the call log.
    AuditKey,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) ask: Ask,
}

/// The version alone, which every version of the protocol has.
#[derive(Deserialize)]
struct Spoken {
    version: u32,
}

/// An answer: `ok`, or `error`, a text for people.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) version: u32,
    /// The version of the program that answers.
    pub(super) gateway: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ok: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Question {
    /// Parses a line. The error is the answer's text.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let spoken: Spoken = serde_json::from_slice(line).map_err(|_| {
            "this is not a question: send one line of JSON with `version`".to_owned()
        })?;
        if spoken.version != VERSION {
            return Err(format!(
                "the gateway ({}) speaks version {VERSION} of this protocol, you speak {}: use the `sandgate` it was started with",
                env!("CARGO_PKG_VERSION"),
                spoken.version
            ));
        }
        serde_json::from_slice(line).map_err(|error| format!("this cannot be asked: {error}"))
    }
}

impl Answer {
    /// The answer as a line, with its line end.
    pub(super) fn line(told: Result<Box<RawValue>, String>) -> Vec<u8> {
        let (ok, error) = match told {
            Ok(ok) => (Some(ok), None),
            Err(error) => (None, Some(error)),
        };
        let answer = Self {
            version: VERSION,
            gateway: env!("CARGO_PKG_VERSION").to_owned(),
            ok,
            error,
        };
        let mut line = serde_json::to_vec(&answer).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_question_is_one_line_and_of_this_version() {
        let question = Question {
            version: VERSION,
            ask: Ask::Why {
                call: Some("06".into()),
            },
        };
        let line = serde_json::to_vec(&question).unwrap();
        assert_eq!(Question::read(&line).unwrap().ask, question.ask);
        let read = |line: &str| Question::read(line.as_bytes()).map(|question| question.ask);
        assert_eq!(read(r#"{"version":1,"ask":"status"}"#), Ok(Ask::Status));
        assert_eq!(
            read(r#"{"version":1,"ask":"why"}"#),
            Ok(Ask::Why { call: None })
        );
        assert_eq!(
            read(r#"{"version":1,"ask":"calls","most":3}"#),
            Ok(Ask::Calls { most: 3 })
        );
        for (line, said) in [
            ("status", "not a question"),
            (r#"{"version":2,"ask":"status"}"#, "you speak 2"),
            (r#"{"version":1,"ask":"shutdown"}"#, "shutdown"),
            (r#"{"version":1}"#, "cannot be asked"),
        ] {
            assert!(read(line).unwrap_err().contains(said), "{line}");
        }
    }
}
