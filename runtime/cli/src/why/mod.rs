//! `sandgate why`: tells the story of a call, from the running gateway's memory or the call log's file.

mod paste;
mod reason;
mod signers;
mod story;
mod verb;

use std::path::PathBuf;

use paste::Written;
use sandgate_daemon::admin::{self, Ask, AskError, SocketPath};
use sandgate_daemon::call_span::CallSpan;
use sandgate_daemon::candidate::CandidateResult;
use sandgate_daemon::locate::{Located, Unknown};
use sandgate_telemetry::call_log::record::Record;
use sandgate_telemetry::call_log::search::{self, SearchError};
use sandgate_telemetry::matched_values::MatchedValue;
use sandgate_text::printable;
use serde_json::value::RawValue;
use story::story;

use crate::egress::{Made, shown};

pub use verb::{Why, carry_out};

/// A call's records, oldest first: when it was forwarded and when it ended, one of which may be missing; then the
/// results of candidates that differed, which only the running gateway knows.
#[derive(Debug)]
pub struct Found {
    /// The records as they were written.
    pub records: Vec<Box<RawValue>>,
    /// The configuration's file, if known.
    pub config: Option<PathBuf>,
    /// The socket of the gateway that had the records.
    socket: Option<SocketPath>,
}

/// Why there is no story.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// The given text cannot be a call's id.
    #[error(
        "{0:?} is no call's id: those are hexadecimal digits; a refusal names its own as `callId`"
    )]
    NoId(String),
    /// No such call was found.
    #[error("{call} is not known: {}", .looked.join("; "))]
    NotFound {
        /// The call that was looked for.
        call: String,
        /// Where it was looked for, and what was found there.
        looked: Vec<String>,
    },
    /// The gateway answered with an error.
    #[error(transparent)]
    Ask(AskError),
    /// The call log's file cannot be searched, or the id is ambiguous.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A record cannot be parsed.
    #[error("the record of this call cannot be read: {0}; `--json` shows it as it is")]
    Record(serde_json::Error),
}

/// Finds a call: first in the running gateway, then in the call log's file and its rotated files. `call` is the call's
/// id or the beginning of it; `None` means the last call that ended. If `log` is given, only that file is searched.
///
/// # Errors
///
/// The call is not found, or more than one id fits.
fn find(
    located: Result<Located, Unknown>,
    call: Option<&str>,
    log: Option<PathBuf>,
) -> Result<Found, WhyError> {
    let wanted = call.map(|call| call.trim().trim_matches('"').to_ascii_lowercase());
    if let Some(wanted) = &wanted
        && (wanted.is_empty() || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err(WhyError::NoId(wanted.clone()));
    }
    let mut looked = Vec::new();
    let config = located.as_ref().ok().map(|known| known.config.clone());
    let mut file = log.clone();
    if log.is_none() {
        match located {
            Ok(located) => {
                match ask(&located, wanted.clone()) {
                    Ok(records) if !records.is_empty() => {
                        return Ok(Found {
                            records,
                            config,
                            socket: located.socket,
                        });
                    }
                    Ok(_) => looked.push("the gateway that runs remembers no such call".to_owned()),
                    Err(Silent::Because(why)) => looked.push(why),
                    Err(Silent::Refused(error)) => return Err(WhyError::Ask(error)),
                }
                file = located.call_log;
                if file.is_none() {
                    looked.push(
                        "the configuration has no file as its call log (a saved log can be searched with --log FILE)"
                            .into(),
                    );
                }
            }
            Err(unknown) => looked.push(unknown.to_string()),
        }
    }
    if let Some(file) = file {
        let mut records = search::search(&file, wanted.as_deref(), log.is_none())?;
        if !records.is_empty() {
            records.extend(meanwhile(&file, &records, log.is_none())?);
            return Ok(Found {
                records,
                config,
                socket: None,
            });
        }
        looked.push(format!("it is not in {}", file.display()));
    }
    Err(WhyError::NotFound {
        call: match wanted {
            Some(wanted) => format!("call {wanted}"),
            None => "the last call".into(),
        },
        looked,
    })
}

/// The story of these records for people. No matched words are in it.
///
/// # Errors
///
/// A record cannot be parsed.
pub(crate) fn told(records: Vec<Box<RawValue>>, config: PathBuf) -> Result<String, WhyError> {
    let found = Found {
        records,
        config: Some(config),
        socket: None,
    };
    found.text()
}

/// The connections of the call's server that were open during the call, from the call log's file.
fn meanwhile(
    file: &std::path::Path,
    records: &[Box<RawValue>],
    rotated: bool,
) -> Result<Vec<Box<RawValue>>, SearchError> {
    let spans = records
        .iter()
        .filter_map(|record| CallSpan::of(record.get()));
    let spans: Vec<_> = spans.collect();
    let Some((server, (from, to))) = CallSpan::whole(&spans) else {
        return Ok(Vec::new());
    };
    let made = Made::in_file(file, rotated, server)?;
    let open = made.into_iter().filter(|one| one.meets(from, to));
    Ok(open
        .filter_map(|one| RawValue::from_string(one.line).ok())
        .collect())
}

/// The gateway gave no records.
enum Silent {
    /// The call can be looked for elsewhere.
    Because(String),
    /// The gateway refused.
    Refused(AskError),
}

fn ask(located: &Located, call: Option<String>) -> Result<Vec<Box<RawValue>>, Silent> {
    let socket = located
        .socket()
        .map_err(|unknown| Silent::Because(unknown.to_string()))?;
    admin::ask(socket, Ask::Why { call }).map_err(|error| match error {
        AskError::Refused(_) | AskError::Unintelligible { .. } => Silent::Refused(error),
        other => Silent::Because(other.to_string()),
    })
}

impl Found {
    /// The matched words that the gateway still has. An older gateway does not know the question.
    fn words(&self, records: &[Record]) -> String {
        let asked = self
            .socket
            .as_ref()
            .zip(records.first())
            .map(|(socket, record)| {
                let call = record.id.clone();
                admin::ask::<Vec<MatchedValue>>(socket, Ask::MatchedValues { call })
            });
        let words = asked.and_then(Result::ok).unwrap_or_default();
        let lines = words.iter().map(|word| {
            let (name, rule, at) = (&word.interceptor, &word.rule, &word.pointer);
            let line = format!("  {name}  {rule} at {at}: {:?}", word.text);
            format!("{}\n", printable(&line))
        });
        let lines: String = lines.collect();
        match lines.is_empty() {
            true => lines,
            false => format!("the words that matched, as long as the gateway has them\n{lines}"),
        }
    }

    /// The story as text for people.
    ///
    /// # Errors
    ///
    /// A record cannot be parsed.
    pub fn text(&self) -> Result<String, WhyError> {
        let (mut records, mut tried) = (Vec::<Record>::new(), Vec::<CandidateResult>::new());
        let mut made = Vec::new();
        for record in &self.records {
            if let Some(one) = Made::of(record.get()) {
                made.push(one);
                continue;
            }
            // A candidate's record has members of its own.
            match serde_json::from_str(record.get()) {
                Ok(one) => tried.push(one),
                Err(_) => {
                    let record = serde_json::from_str(record.get());
                    records.push(record.map_err(WhyError::Record)?);
                }
            }
        }
        let written = self.config.as_deref().and_then(Written::read);
        let mut text = story(&records, &tried, written.as_ref());
        if let Some(first) = made.first() {
            let server = printable(&first.server);
            text += &format!(
                "connections of {server} that were open during the call, whoever they were for\n"
            );
            text += &shown(&made);
        }
        text += &self.signers();
        text += &self.words(&records);
        Ok(text)
    }

    /// Who signed what the call went through, where the gateway that had the records still tells.
    fn signers(&self) -> String {
        let Some(socket) = &self.socket else {
            return String::new();
        };
        let status = admin::ask(socket, Ask::Status);
        status.map_or_else(
            |_| String::new(),
            |status| signers::lines(&self.records, &status),
        )
    }
}
