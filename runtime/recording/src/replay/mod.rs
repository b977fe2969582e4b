//! `sandgate replay`: replays recorded calls through one configuration or two, without any server.
//!
//! Interceptors see the time at which a call came, a state that is empty at the first call and kept from one call to
//! the next, no network, and directories that they may read and not write. Calls are replayed concurrently. If an
//! interceptor keeps state, they are replayed one after another in the order in which they came; so are calls that ask,
//! answer or are about tasks.

mod difference;
mod report;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_assembly::host_setup;
use sandgate_assembly::{Assembler, Loading};
use sandgate_config::{Environment, Files, Loaded, Report};
use sandgate_gateway::ReplaySession;
use sandgate_host::{Host, State, StateQuota};
use sandgate_pipeline::Chain;
use sha2::{Digest, Sha256};

use crate::{
    Exchange, FolderError, Identities, Input, NotAnExchange, Played, Recorded, Replayer, SealError,
    Verdict, became,
};

pub use difference::{Difference, What};
pub use report::Replayed;

/// The largest file of keys that is read, in bytes.
const LARGEST_KEYS: u64 = 64 << 10;

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// The recording cannot be read.
    #[error(transparent)]
    Folder(Box<FolderError>),
    /// The recording is empty.
    #[error("{} holds no calls", .0.display())]
    Empty(PathBuf),
    /// The keys cannot be read.
    #[error("--identity: {0}")]
    Identity(String),
    /// A configuration has errors.
    #[error("{}", .0.summary())]
    Config(Box<Report>),
    /// A call cannot be replayed.
    #[error("the recorded call {id}: {why}")]
    Exchange {
        /// The call's id.
        id: String,
        /// What is wrong with the call.
        why: Box<NotAnExchange>,
    },
    /// A part of the program failed.
    #[error("the replay gave up: {0}")]
    GaveUp(String),
}

impl From<FolderError> for NotReplayed {
    fn from(error: FolderError) -> Self {
        Self::Folder(Box::new(error))
    }
}

impl From<Report> for NotReplayed {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}

/// What to replay, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// The recording's folder.
    pub folder: PathBuf,
    /// The configuration to replay the calls through.
    pub config: PathBuf,
    /// The configuration to compare with. `None`: compare with the live decisions.
    pub against: Option<PathBuf>,
    /// The file with the secret age key for a sealed recording.
    pub identity: Option<PathBuf>,
    /// Whether to compare findings, too.
    pub findings: bool,
}

/// What was decided about a call.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) became: String,
    /// The digests of what went on and of what came back. `None` for live decisions.
    pub(crate) documents: Option<[[u8; 32]; 2]>,
}

/// A configuration, ready to replay calls through.
pub struct Policy {
    /// The configuration as it was written.
    pub loaded: Loaded,
    /// The configuration's interceptors.
    pub chain: Arc<Chain>,
    /// Whether any interceptor keeps state.
    pub remembers: bool,
}

/// Replays a recording.
///
/// # Errors
///
/// The recording cannot be read, or a configuration or a call cannot be used.
pub async fn replay(asked: &Request) -> Result<Replayed, NotReplayed> {
    let recorded = read(&asked.folder, asked.identity.as_deref())?;
    let environment = Environment::of_process();
    let new = Loaded::read(&asked.config)?;
    let host = host_setup::host_apart(&new, &environment)?;
    let new = Policy::prepare(new, &host, &environment).await?;
    let old = match &asked.against {
        Some(path) => {
            let loaded = Loaded::read(path)?;
            Some(Policy::prepare(loaded, &host, &environment).await?)
        }
        None => None,
    };
    let (exchanges, orphaned) = whole(recorded.exchanges);
    let exchanges: Arc<[Exchange]> = exchanges.into();
    let started = Instant::now();
    let (is, was) = match &old {
        None => {
            let live = exchanges.iter().map(Decided::live).collect();
            (new.play(&exchanges).await?, live)
        }
        Some(old) => {
            let (is, was) = tokio::join!(new.play(&exchanges), old.play(&exchanges));
            (is?, was?)
        }
    };
    let took = started.elapsed();
    let mut differences = Vec::new();
    for ((exchange, was), is) in exchanges.iter().zip(&was).zip(&is) {
        difference::between(exchange, was, is, asked.findings, &mut differences);
    }
    Ok(Replayed {
        calls: exchanges.len(),
        torn: recorded.torn,
        orphaned,
        from: exchanges.first().map(|one| one.time.clone()),
        to: exchanges.last().map(|one| one.time.clone()),
        config: asked.config.clone(),
        against: asked.against.clone(),
        took,
        differences,
    })
}

/// Reads a recording. A sealed one is opened with the keys in a file.
///
/// # Errors
///
/// The recording or the keys cannot be read, or the recording is empty.
pub fn read(folder: &Path, identity: Option<&Path>) -> Result<Recorded, NotReplayed> {
    let wrong = |error: &dyn std::fmt::Display| NotReplayed::Identity(error.to_string());
    let identities = match identity {
        None => None,
        Some(path) => {
            let bytes = Files::in_folder(Path::new(""))
                .read(path, LARGEST_KEYS)
                .map_err(|error| wrong(&error))?;
            let text = String::from_utf8(bytes).map_err(|_| wrong(&SealError::Identities))?;
            Some(Identities::read(&text).map_err(|error| wrong(&error))?)
        }
    };
    let recorded = crate::read(folder, identities.as_ref())?;
    if recorded.exchanges.is_empty() {
        return Err(NotReplayed::Empty(folder.to_owned()));
    }
    Ok(recorded)
}

impl Policy {
    /// Checks the configuration and prepares every plugin, as for serving.
    ///
    /// # Errors
    ///
    /// The configuration has errors.
    pub async fn prepare(
        loaded: Loaded,
        host: &Arc<Host>,
        environment: &Environment,
    ) -> Result<Self, NotReplayed> {
        let assembled = Assembler::new(host.clone())
            .ahead_of_installation()
            .assemble(&loaded, environment, Loading::Start)
            .await?;
        let interceptors = loaded.config.interceptors.iter();
        Ok(Self {
            remembers: interceptors.clone().any(|one| one.grants.state),
            chain: assembled.edition.chain().clone(),
            loaded,
        })
    }

    /// Replays all calls, in order or concurrently.
    async fn play(&self, exchanges: &Arc<[Exchange]>) -> Result<Vec<Decided>, NotReplayed> {
        let lanes = match self.remembers {
            true => 1,
            false => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let replayer = Arc::new(Replayer::of(&self.chain, false));
        let state = Arc::new(State::by_a_clock(StateQuota::default()));
        let rehearsal = Arc::new(ReplaySession::new(*self.chain.limits()));
        let mut running = Vec::new();
        for lane in lanes_of(exchanges, lanes) {
            let (exchanges, chain) = (exchanges.clone(), self.chain.clone());
            let (replayer, state, rehearsal) = (replayer.clone(), state.clone(), rehearsal.clone());
            running.push(tokio::spawn(async move {
                let mut played = Vec::with_capacity(lane.len());
                for n in lane {
                    let input = input(&exchanges[n], &chain)?;
                    let again = replayer.play(input, &state, &rehearsal).await;
                    played.push((n, Decided::again(&again)));
                }
                Ok::<_, NotReplayed>(played)
            }));
        }
        let mut all = BTreeMap::new();
        for lane in running {
            let lane = lane
                .await
                .map_err(|error| NotReplayed::GaveUp(error.to_string()))?;
            all.extend(lane?);
        }
        match all.len() == exchanges.len() {
            true => Ok(all.into_values().collect()),
            false => Err(NotReplayed::GaveUp("a call is missing".into())),
        }
    }
}

/// Divides the calls into lanes, by their indexes. A lane's calls are replayed one after another. Calls that carry
/// messages or continue others are all in the first lane, since one asks what another answers.
fn lanes_of(exchanges: &[Exchange], lanes: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new(); lanes];
    for (n, exchange) in exchanges.iter().enumerate() {
        let lane = if exchange.carries { 0 } else { n % lanes };
        all[lane].push(n);
    }
    all
}

/// Leaves out the calls that continue a missing one, and returns how many those are.
pub fn whole(exchanges: Vec<Exchange>) -> (Vec<Exchange>, usize) {
    let count = exchanges.len();
    let mut there: HashSet<String> = HashSet::new();
    let mut kept = Vec::with_capacity(count);
    for exchange in exchanges {
        if exchange.follows.iter().all(|id| there.contains(id)) {
            if exchange.carries {
                there.insert(exchange.id.clone());
            }
            kept.push(exchange);
        }
    }
    let orphaned = count - kept.len();
    (kept, orphaned)
}

/// The input for replaying a call.
///
/// # Errors
///
/// The recorded call has a member that this program cannot use.
pub fn input(exchange: &Exchange, chain: &Chain) -> Result<Input, NotReplayed> {
    let limits = chain.limits();
    let input = || -> Result<Input, NotAnExchange> {
        Ok(Input {
            call: exchange.call(limits)?,
            message: exchange.message(limits)?,
            reply: exchange.answer(limits)?,
            at: exchange.came()?,
        })
    };
    input().map_err(|why| NotReplayed::Exchange {
        id: exchange.id.clone(),
        why: Box::new(why),
    })
}

impl Decided {
    fn live(exchange: &Exchange) -> Self {
        Self {
            verdicts: exchange.trail.clone(),
            became: exchange.became.clone(),
            documents: None,
        }
    }

    fn again(played: &Played) -> Self {
        let digest = |json: &Option<sandgate_message::Json>| {
            let text = json.as_ref().map(|json| json.as_str()).unwrap_or_default();
            Sha256::digest(text.as_bytes()).into()
        };
        Self {
            verdicts: played.verdicts(),
            became: became(played.became).into(),
            documents: Some([digest(&played.sent), digest(&played.left)]),
        }
    }
}

/// The time in seconds, for people.
pub(crate) fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}
