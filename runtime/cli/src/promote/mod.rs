//! `sandgate promote`: puts an interceptor's candidate in its place, in the configuration's file and in the gateway
//! that runs with it; in both or in neither.

mod edit;
mod verb;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sandgate_assembly::{Assembler, Loading, host_setup};
use sandgate_config::{Environment, FileError, Files, Loaded, Report};
use sandgate_daemon::admin::{self, Ask, AskError, SocketPath};
use sandgate_daemon::candidate::CandidateStatus;
use sandgate_daemon::digest::short;
use sandgate_daemon::reload_report::ReloadReport;
use sandgate_daemon::status::{InterceptorStatus, Status};

pub use verb::{Promote, carry_out};

/// The suffix of the file that keeps the previous configuration.
pub const KEPT: &str = ".before-promote";
/// The suffix of the file that keeps the configuration as it was before a candidate was rejected.
const KEPT_BEFORE_REJECT: &str = ".before-reject";

/// A planned promotion. Nothing has changed yet.
#[derive(Debug)]
pub struct Plan {
    name: String,
    file: PathBuf,
    before: String,
    after: String,
    becomes: Becomes,
    /// The running gateway's socket. `None` if no running gateway can be asked.
    gateway: Option<SocketPath>,
    seen: Option<CandidateStatus>,
    doubts: Vec<String>,
}

/// The plugin that is live afterwards.
#[derive(Debug)]
struct Becomes {
    plugin: String,
    version: String,
    digest: String,
}

/// The result of a promotion.
#[derive(Debug)]
pub struct Promoted {
    text: String,
}

/// Why nothing was promoted.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// The configuration is wrong, as it is or as it would be.
    #[error("{}", .0.summary())]
    Config(Box<Report>),
    /// There is no such interceptor, or it has no candidate.
    #[error("{why}; {others}")]
    Nothing {
        /// What is missing.
        why: String,
        /// What could be promoted.
        others: String,
    },
    /// The file is written in a way that cannot safely be edited.
    #[error(
        "{}: this file cannot be edited without changing more than meant; move the candidate's keys by hand", .0.display()
    )]
    Unclear(PathBuf),
    /// The file cannot be written. Nothing has changed.
    #[error(
        "{0}; nothing has changed. A new file takes its place, so run this as a user who may write in its folder, or move the \
         candidate's keys by hand"
    )]
    File(#[from] FileError),
    /// The gateway refused the reload. The file is as it was.
    #[error("the gateway did not take it, and the file is as it was: {0}")]
    NotTaken(String),
    /// The gateway refused the reload, and the file could not be restored.
    #[error(
        "the gateway did not take it: {why}\nthe file could not be put back ({file}): what it held is in {}", .kept.display()
    )]
    NotPutBack {
        /// Why the gateway refused.
        why: String,
        /// Why the file could not be restored.
        file: FileError,
        /// The file that keeps the previous configuration.
        kept: PathBuf,
    },
}

impl From<Report> for PromoteError {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}

/// Checks everything that a promotion needs, and changes nothing.
///
/// # Errors
///
/// The candidate cannot be promoted.
pub async fn plan(asked: &Promote, environment: &Environment) -> Result<Plan, PromoteError> {
    let file = &asked.reached.configured.config;
    let loaded = Loaded::read(file)?;
    let before = loaded.source.text().to_owned();
    let interceptors = &loaded.config.interceptors;
    let (index, promoted) = interceptors
        .iter()
        .enumerate()
        .find(|(_, one)| one.name == asked.name)
        .and_then(|(index, one)| Some((index, one.promoted()?)))
        .ok_or_else(|| nothing(&loaded, &asked.name))?;
    let unclear = || PromoteError::Unclear(file.clone());
    let after = edit::promoted(&before, &asked.name).ok_or_else(unclear)?;
    let next = Loaded::parse(file, after.clone())?;
    // The edited text must say exactly what is intended: one candidate in its interceptor's place, and nothing else.
    let mut meant = loaded.config.clone();
    meant.interceptors[index] = promoted;
    let value = |config| serde_json::to_value(config).unwrap_or_default();
    if value(&next.config) != value(&meant) {
        return Err(unclear());
    }
    let becomes = check(&next, index, environment).await?;
    let (gateway, seen, doubts) = ask(asked, environment, &becomes);
    Ok(Plan {
        name: asked.name.clone(),
        file: file.clone(),
        before,
        after,
        becomes,
        gateway,
        seen,
        doubts,
    })
}

/// Takes an interceptor's candidate out of the file, and has the running gateway reload. Returns what came of it.
///
/// # Errors
///
/// There is no candidate, or the gateway does not take the change. The file is as it was.
pub(crate) fn reject(file: &Path, name: &str, socket: &SocketPath) -> Result<String, PromoteError> {
    let loaded = Loaded::read(file)?;
    let before = loaded.source.text().to_owned();
    let interceptors = &loaded.config.interceptors;
    let index = interceptors
        .iter()
        .position(|one| one.name == name && one.candidate.is_some())
        .ok_or_else(|| nothing(&loaded, name))?;
    let unclear = || PromoteError::Unclear(file.to_owned());
    let after = edit::rejected(&before, name).ok_or_else(unclear)?;
    let next = Loaded::parse(file, after.clone())?;
    let mut meant = loaded.config.clone();
    meant.interceptors[index].candidate = None;
    let value = |config| serde_json::to_value(config).unwrap_or_default();
    if value(&next.config) != value(&meant) {
        return Err(unclear());
    }
    let files = Files::in_folder(Path::new(""));
    let kept = files
        .replace(file, &before, &after, Some(KEPT_BEFORE_REJECT))?
        .unwrap_or_default();
    let report: Result<ReloadReport, _> = admin::ask(socket, Ask::Reload);
    let why = match report {
        Ok(ReloadReport {
            error: None,
            version,
            ..
        }) => {
            return Ok(format!(
                "Rejected: the candidate of {name} is gone; version {version} is in force.\nWhat the file held before is in {}.",
                kept.display()
            ));
        }
        Ok(ReloadReport { error, .. }) => error.unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    match files.replace(file, &after, &before, None) {
        Ok(_) => Err(PromoteError::NotTaken(why)),
        Err(file) => Err(PromoteError::NotPutBack { why, file, kept }),
    }
}

fn nothing(loaded: &Loaded, name: &str) -> PromoteError {
    let interceptors = &loaded.config.interceptors;
    let why = match interceptors.iter().any(|one| one.name == name) {
        true => format!("nothing is tried beside the interceptor {name:?}: it has no `candidate`"),
        false => format!("there is no interceptor {name:?}"),
    };
    let tried = interceptors.iter().filter(|one| one.candidate.is_some());
    let names: Vec<_> = tried.map(|one| one.name.as_str()).collect();
    let others = match names.as_slice() {
        [] => "no interceptor has one".to_owned(),
        names => format!("these have: {}", names.join(", ")),
    };
    PromoteError::Nothing { why, others }
}

/// Checks the configuration as `check` does, but without the state file, which a running gateway holds.
async fn check(
    next: &Loaded,
    index: usize,
    environment: &Environment,
) -> Result<Becomes, PromoteError> {
    let mut stateless = next.clone();
    stateless.config.gateway.state = None;
    let host = host_setup::host(&stateless, environment)?;
    let assembled = Assembler::new(host)
        .ahead_of_installation()
        .assemble(next, environment, Loading::Reload)
        .await?;
    let step = &assembled.edition.chain().steps()[index];
    let plugin = step.interceptor().plugin();
    Ok(Becomes {
        plugin: plugin.name.clone(),
        version: plugin.version.clone(),
        digest: step.digest().to_string(),
    })
}

/// Asks the gateway for the candidate's status, and collects the doubts about a promotion.
fn ask(
    asked: &Promote,
    environment: &Environment,
    becomes: &Becomes,
) -> (Option<SocketPath>, Option<CandidateStatus>, Vec<String>) {
    let alone = |why: String| {
        let doubt = format!("how it does is not known: {why}");
        (None, None, vec![doubt])
    };
    let located = asked.reached.locate(environment);
    let socket = match located.and_then(|located| located.socket().cloned()) {
        Ok(socket) => socket,
        Err(unknown) => return alone(unknown.to_string()),
    };
    let status: Status = match admin::ask(&socket, Ask::Status) {
        Ok(status) => status,
        Err(error) => return alone(error.to_string()),
    };
    let mut of_name = status.interceptors.into_iter();
    let candidate = of_name
        .find(|one| one.name == asked.name)
        .and_then(|one| one.candidate);
    let doubts = match &candidate {
        None => vec!["the gateway that runs does not try it".to_owned()],
        Some(one) => doubts(one, becomes),
    };
    (Some(socket), candidate, doubts)
}

fn doubts(candidate: &CandidateStatus, becomes: &Becomes) -> Vec<String> {
    let mut doubts = Vec::new();
    if candidate.digest != becomes.digest {
        doubts.push(format!(
            "the gateway that runs tries another file ({}, and not {})",
            short(&candidate.digest),
            short(&becomes.digest)
        ));
    }
    if candidate.runs == 0 {
        doubts.push("it has not run yet".into());
    }
    for (count, what) in [
        (candidate.differs, "differ from the live one's"),
        (candidate.failed, "failed"),
        (candidate.dropped, "were dropped"),
    ] {
        if count > 0 {
            doubts.push(format!("{count} of its runs {what}"));
        }
    }
    doubts
}

impl Plan {
    /// The plan for people: the candidate's status, and the changes in the file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(seen) = &self.seen {
            seen.text(&self.name, &mut text);
        }
        let changes = similar::TextDiff::from_lines(&self.before, &self.after);
        let name = self.file.display().to_string();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{}",
            changes
                .unified_diff()
                .context_radius(1)
                .header(&name, &name)
        );
        text
    }

    /// The doubts about the promotion. Without any, nobody needs to be asked.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// Promotes the candidate, in the file and in the running gateway.
    ///
    /// # Errors
    ///
    /// Nothing is promoted, neither in the file nor in the gateway.
    pub fn carry_out(self) -> Result<Promoted, PromoteError> {
        let files = Files::in_folder(Path::new(""));
        let kept = files
            .replace(&self.file, &self.before, &self.after, Some(KEPT))?
            .unwrap_or_default();
        let mut text = format!(
            "Promoted: {} is {} {}, {}",
            self.name,
            self.becomes.plugin,
            self.becomes.version,
            short(&self.becomes.digest)
        );
        match self.gateway.as_ref().map(|socket| self.live(socket)) {
            None => text.push_str("; it takes effect when a gateway starts with this file"),
            Some(Ok(Live::Now(version))) => {
                let _ = write!(text, "; version {version} is in force");
            }
            Some(Ok(Live::Later(why))) => {
                let _ = write!(text, "; it takes effect at the next start ({why})");
            }
            Some(Err(why)) => {
                let back = files.replace(&self.file, &self.after, &self.before, None);
                if let Err(file) = back {
                    return Err(PromoteError::NotPutBack { why, file, kept });
                }
                // The answer does not matter: the restored configuration was in force before.
                if let Some(socket) = &self.gateway {
                    let _ = admin::ask::<ReloadReport>(socket, Ask::Reload);
                }
                return Err(PromoteError::NotTaken(why));
            }
        }
        let _ = write!(
            text,
            "\nWhat the file held before is in {0}: to go back, put that in its place.\n",
            kept.display()
        );
        Ok(Promoted { text })
    }

    fn live(&self, socket: &SocketPath) -> Result<Live, String> {
        let outcome: ReloadReport = match admin::ask(socket, Ask::Reload) {
            Ok(outcome) => outcome,
            Err(error @ AskError::NotRunning { .. }) => return Ok(Live::Later(error.to_string())),
            Err(error) => return Err(error.to_string()),
        };
        if let Some(error) = outcome.error {
            return Err(error);
        }
        let status: Status = admin::ask(socket, Ask::Status).map_err(|error| error.to_string())?;
        let is_live = |one: &InterceptorStatus| {
            one.name == self.name && one.digest == self.becomes.digest && one.candidate.is_none()
        };
        match status.interceptors.iter().any(is_live) {
            true => Ok(Live::Now(outcome.version)),
            false => Err(format!(
                "it runs with another configuration ({})",
                status.config.display()
            )),
        }
    }
}

enum Live {
    Now(u64),
    Later(String),
}

impl Promoted {
    /// The result for people.
    pub fn text(&self) -> &str {
        &self.text
    }
}
