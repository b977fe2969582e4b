//! Which drills there are, and what each does before it is begun.

use std::path::PathBuf;

use serde::Serialize;

/// A drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drill {
    /// Credentials in a reply and in an argument.
    SecretLeak,
    /// Personal data in replies.
    PersonalData,
    /// A text that instructs the agent, and a call that obeys.
    Injection,
    /// A tool whose description changes.
    PoisonedTool,
    /// Arguments that lead out of where they belong.
    PathEscape,
    /// A tool is stopped while it is called.
    Stop,
    /// A client is locked out.
    KeyOut,
    /// A server takes calls and does not answer.
    ServerHangs,
    /// The call log cannot be written.
    LogFull,
}

/// What a drill does, for people.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Plan {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What it needs of the configuration.
    pub needs: &'static str,
    /// The seconds that it takes at most, the start of the second gateway included.
    pub at_most_s: u64,
}

/// What a drill disturbs: the same for all of them.
pub const DISTURBS: &str = "processor time of this machine, and what interceptors with the grants `http`, `dirs` and `env` reach: that is \
     real, and directories are read-only";

/// A drill takes at most so long; policies may have to be compiled first.
pub(crate) const AT_MOST_S: u64 = 300;

/// How a drill is to be done.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The server that the stand-in stands for. `None`: the first.
    pub server: Option<String>,
    /// The client that calls. `None`: the first, or where none is configured, somebody without a key.
    pub client: Option<String>,
    /// The name of the tool that reads. `None`: `read_ticket`.
    pub read: Option<String>,
    /// The name of the tool that sends. `None`: `send_email`.
    pub send: Option<String>,
    /// A folder that exists, for the drill's call log as `drill-NAME-TIME.jsonl`. `None`: it goes with the drill.
    pub keep: Option<PathBuf>,
}

impl Drill {
    /// All drills.
    pub const ALL: [Self; 9] = [
        Self::SecretLeak,
        Self::PersonalData,
        Self::Injection,
        Self::PoisonedTool,
        Self::PathEscape,
        Self::Stop,
        Self::KeyOut,
        Self::ServerHangs,
        Self::LogFull,
    ];

    /// The drill of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|drill| drill.plan().name == name)
    }

    /// What it does.
    pub fn plan(self) -> Plan {
        let (name, does, needs) = match self {
            Self::SecretLeak => (
                "secret-leak",
                "a tool's reply carries made-up keys, and a call sends them on",
                "nothing",
            ),
            Self::PersonalData => (
                "personal-data",
                "a tool's replies carry a made-up e-mail address, card and IBAN",
                "nothing",
            ),
            Self::Injection => (
                "injection",
                "a ticket's text instructs the agent, and the agent sends what it read to a stranger",
                "nothing",
            ),
            Self::PoisonedTool => (
                "poisoned-tool",
                "a tool's description changes after it was seen, and speaks to the model; the tool is called",
                "nothing",
            ),
            Self::PathEscape => (
                "path-escape",
                "arguments climb out of a folder, and lead to a cloud's metadata service",
                "nothing",
            ),
            Self::Stop => (
                "stop",
                "a tool is stopped while 50 calls of it are under way: how soon, and whether one begins after",
                "nothing",
            ),
            Self::KeyOut => (
                "key-out",
                "a client's key is out: a wrong key is tried, then the client is stopped while it calls",
                "[clients], to show anything",
            ),
            Self::ServerHangs => (
                "server-hangs",
                "a server takes calls and does not answer: how long until their clients are told, and who else waits",
                "nothing",
            ),
            Self::LogFull => (
                "log-full",
                "the call log takes no more lines: what becomes of calls, who is told, and what the log says afterwards",
                "nothing",
            ),
        };
        Plan {
            name,
            does,
            needs,
            at_most_s: AT_MOST_S,
        }
    }

    /// Whether it sends more calls at once than a policy of rates may allow.
    pub(crate) fn floods(self) -> bool {
        matches!(self, Self::Stop | Self::KeyOut | Self::ServerHangs)
    }
}
