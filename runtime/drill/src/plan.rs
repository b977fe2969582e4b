//! Which drills there are, and what each does before it is begun.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use sandgate_config::Loaded;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::error::DrillError;
use crate::keep::Keep;
use crate::rehearsal::Rehearsal;
use crate::report::Report;
use crate::{copy, drills};

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
const AT_MOST_S: u64 = 300;

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

    /// Does the drill, and takes everything back that it did, also when `told` is cancelled.
    ///
    /// # Errors
    ///
    /// The drill could not be done to its end.
    pub async fn rehearse(
        self,
        loaded: &Loaded,
        wanted: &Wanted,
        told: CancellationToken,
    ) -> Result<Report, DrillError> {
        let cast = copy::Cast::of(loaded, wanted)?;
        let began = std::time::SystemTime::now();
        let keep = wanted.keep.as_deref();
        let keep = keep.map(|folder| Keep::new(folder, self.plan().name, began));
        let keep = keep.transpose()?;
        let doing = async {
            let mut late = pin!(tokio::time::sleep(Duration::from_secs(AT_MOST_S)));
            let rehearsal = tokio::select! {
                rehearsal = Rehearsal::set(self, loaded, &cast) => rehearsal?,
                () = told.cancelled() => return Err(DrillError::Stopped),
                () = &mut late => return Err(DrillError::TooLong(AT_MOST_S)),
            };
            let steps = tokio::select! {
                steps = self.steps(&rehearsal) => steps,
                () = told.cancelled() => Err(DrillError::Stopped),
                () = &mut late => Err(DrillError::TooLong(AT_MOST_S)),
            };
            let kept = rehearsal.strike(keep).await?;
            Ok((steps?, kept))
        };
        let (done, kept) = Box::pin(doing).await?;
        let mut report = Report::new(self.plan(), &cast, loaded, began, done);
        report.kept = kept;
        Ok(report)
    }

    async fn steps(self, rehearsal: &Rehearsal) -> Result<crate::report::Done, DrillError> {
        let control = rehearsal.control().await?;
        let steps = match self {
            Self::SecretLeak => drills::leaks::secrets(rehearsal).await,
            Self::PersonalData => drills::leaks::personal_data(rehearsal).await,
            Self::Injection => drills::injection::steps(rehearsal).await,
            Self::PoisonedTool => drills::poisoned_tool::steps(rehearsal).await,
            Self::PathEscape => drills::path_escape::steps(rehearsal).await,
            Self::Stop => Box::pin(drills::stop::steps(rehearsal)).await,
            Self::KeyOut => Box::pin(drills::key_out::steps(rehearsal)).await,
            Self::ServerHangs => Box::pin(drills::server_hangs::steps(rehearsal)).await,
            Self::LogFull => Box::pin(drills::log_full::steps(rehearsal)).await,
        }?;
        Ok(crate::report::Done { control, steps })
    }
}
