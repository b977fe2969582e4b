//! Writes a recorded call as a fixture: everything that one interceptor met in one run, and what it decided.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandgate_assembly::{host_setup, inspect, remote_plugin_file};
use sandgate_config::{Environment, Loaded, PluginSource};
use sandgate_gateway::ReplaySession;
use sandgate_host::{State, StateQuota};
use sandgate_message::{Hook, Limits, PreDecision};
use sandgate_recording::replay::{self, NotReplayed, Policy, input, whole};
use sandgate_recording::{Exchange, LeftOut, Observation, Replayer};
use serde_json::json;

use super::fixture_text::text;
use super::test::with_expectation;
use crate::args::{HookName, RecordedFixture};

/// The most ids named in [`NoFixture::Ambiguous`].
const NAMED: usize = 5;

/// Why a call cannot be written as a fixture.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NoFixture {
    #[error(transparent)]
    Replay(#[from] NotReplayed),
    #[error("no recorded call has an id that begins with {0:?}")]
    NoCall(String),
    #[error("call {} was left out of the recording: {}", .0.id, .0.why)]
    LeftOut(LeftOut),
    #[error("{given:?} begins several ids: {}; give more of it", .ids.join(", "))]
    Ambiguous { given: String, ids: Vec<String> },
    #[error("{config} has no interceptor {name:?}; it has: {has}")]
    NoInterceptor {
        config: String,
        name: String,
        has: String,
    },
    #[error("interceptor {interceptor:?} was not asked about call {call}{at}")]
    NotAsked {
        interceptor: String,
        call: String,
        at: String,
    },
    #[error(
        "interceptor {0:?} has settings or variables from outside the configuration, which a fixture would give away: \
         write it with a configuration that has others"
    )]
    Outside(String),
    #[error("interceptor {interceptor:?}: {why}")]
    Plugin { interceptor: String, why: String },
    #[error(
        "call {call} is {method}, which a new plugin does not see: make the plugin, and the fixture afterwards with \
         `sandgate replay --fixture`"
    )]
    Unseen { call: String, method: String },
    #[error("call {0} has no reply for a post-call")]
    NoReply(String),
    #[error("{} cannot be written: {why}", path.display())]
    Write { path: PathBuf, why: std::io::Error },
    #[error(
        "in a test it decides {test}, and in the replay {replay}: what it needs (a directory, a shared memory) a fixture \
         does not have"
    )]
    Otherwise {
        test: &'static str,
        replay: &'static str,
    },
}

/// Writes a recorded call as a fixture. Returns a text for people that says what was written.
///
/// # Errors
///
/// No fixture was written.
pub async fn as_fixture(
    folder: &Path,
    identity: Option<&Path>,
    config: &Path,
    asked: &RecordedFixture,
) -> Result<String, NoFixture> {
    let recorded = replay::read(folder, identity)?;
    let environment = Environment::of_process();
    let loaded = Loaded::read(config).map_err(NotReplayed::from)?;
    let host = host_setup::host_apart(&loaded, &environment).map_err(NotReplayed::from)?;
    let policy = Policy::prepare(loaded, &host, &environment).await?;
    let (exchanges, _) = whole(recorded.exchanges);
    let written = write(asked, &exchanges, &policy, &environment).await;
    written.map_err(|error| or_left_out(error, recorded.left_out))
}

/// The fixtures of a recorded call for a plugin that is not written yet, each with the name of its file: nothing is
/// expected of them.
///
/// # Errors
///
/// The recording cannot be read, or does not have the call.
pub fn fixtures(
    call: &Path,
    identity: Option<&Path>,
    plugin: &str,
    hooks: &[Hook],
) -> Result<Vec<(String, String)>, NoFixture> {
    let given = call.file_name().unwrap_or_default().to_string_lossy();
    let recorded = replay::read(call.parent().unwrap_or(Path::new("")), identity)?;
    let exchange = match find(&recorded.exchanges, &given) {
        Ok(index) => &recorded.exchanges[index],
        Err(error) => return Err(or_left_out(error, recorded.left_out)),
    };
    // What a new project's hooks see.
    let method = &*exchange.method;
    let is_seen = |hook: &Hook| {
        method == "tools/call" || (*hook == Hook::PostCall && method == "resources/read")
    };
    let hooks: Vec<_> = hooks.iter().copied().filter(is_seen).collect();
    if hooks.is_empty() {
        return Err(NoFixture::Unseen {
            call: exchange.id.clone(),
            method: method.into(),
        });
    }
    let limits = Limits::default();
    let unusable = |why| NotReplayed::Exchange {
        id: exchange.id.clone(),
        why: Box::new(why),
    };
    let call = Arc::new(exchange.call(&limits).map_err(unusable)?);
    let message = exchange.message(&limits).map_err(unusable)?;
    let reply = exchange.answer(&limits).map_err(unusable)?;
    let mut fixtures = Vec::new();
    for hook in &hooks {
        let (document, sent) = match (hook, &reply) {
            (Hook::PreCall, _) => (message.payload().clone(), None),
            (Hook::PostCall, Some(reply)) => {
                (reply.payload().clone(), Some(message.payload().clone()))
            }
            (Hook::PostCall, None) if hooks.len() > 1 => continue,
            (Hook::PostCall, None) => return Err(NoFixture::NoReply(exchange.id.clone())),
        };
        let observation = Observation {
            interceptor: plugin.into(),
            hook: *hook,
            call: call.clone(),
            document,
            sent,
            failed: *hook == Hook::PostCall && exchange.failed,
            carried: None,
            decision: Ok(PreDecision::Proceed),
            findings: Vec::new(),
        };
        let name = format!("recorded-{}.toml", hook.as_str());
        let text = text(exchange, &observation, &json!({}), &BTreeMap::new());
        fixtures.push((name, text));
    }
    Ok(fixtures)
}

/// A call that a recording left out is told apart from one that was never made.
fn or_left_out(error: NoFixture, left_out: Vec<LeftOut>) -> NoFixture {
    match error {
        NoFixture::NoCall(given) => {
            let mut left_out = left_out.into_iter();
            let left_out = left_out.find(|one| one.id.starts_with(&given));
            left_out.map_or(NoFixture::NoCall(given), NoFixture::LeftOut)
        }
        error => error,
    }
}

async fn write(
    asked: &RecordedFixture,
    exchanges: &[Exchange],
    policy: &Policy,
    environment: &Environment,
) -> Result<String, NoFixture> {
    let (Some(given), Some(name), Some(to)) = (&asked.fixture, &asked.interceptor, &asked.to)
    else {
        return Ok(String::new());
    };
    let call = find(exchanges, given)?;
    let written = &policy.loaded.config.interceptors;
    let index = written.iter().position(|one| one.name == *name);
    let index = index.ok_or_else(|| NoFixture::NoInterceptor {
        config: policy.loaded.source.path().display().to_string(),
        name: name.clone(),
        has: written
            .iter()
            .map(|one| &*one.name)
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    let resolved = policy
        .loaded
        .resolve(environment)
        .map_err(NotReplayed::from)?;
    let own = &resolved.interceptors[index];
    if !own.settings.outside.is_empty() || !own.env.is_empty() {
        return Err(NoFixture::Outside(name.clone()));
    }
    let failed = |why| NoFixture::Plugin {
        interceptor: name.clone(),
        why,
    };
    let file = match &written[index].plugin {
        PluginSource::Builtin(name) => inspect::read(&format!("builtin:{name}")),
        PluginSource::File(path) => {
            inspect::read(&policy.loaded.files.path(path).display().to_string())
        }
        PluginSource::Registry(_) => {
            remote_plugin_file(&policy.loaded, environment, index).map_err(|issue| issue.message)
        }
    };
    let file = file.map_err(failed)?;
    let replayer = Replayer::of(&policy.chain, true);
    let state = Arc::new(State::by_a_clock(StateQuota::default()));
    // The state is what earlier calls left, so these are replayed first.
    let rehearsal = ReplaySession::new(*policy.chain.limits());
    let before = exchanges[..call].iter();
    for exchange in before.filter(|one| policy.remembers || one.carries) {
        let input = input(exchange, &policy.chain)?;
        replayer.play(input, &state, &rehearsal).await;
    }
    let exchange = &exchanges[call];
    let remembered = state.entries(name);
    let input = input(exchange, &policy.chain)?;
    let played = replayer.play(input, &state, &rehearsal).await;
    let observation =
        chosen(&played.observations, name, asked.hook).ok_or_else(|| NoFixture::NotAsked {
            interceptor: name.clone(),
            call: exchange.id.clone(),
            at: asked.hook.map_or_else(String::new, |hook| {
                format!(" at the {}", self::hook(hook).as_str())
            }),
        })?;
    let text = text(exchange, observation, &own.settings.value, &remembered);
    let (text, decided) = with_expectation(file, to, text).await.map_err(failed)?;
    let replayed = word(observation);
    if decided != replayed {
        return Err(NoFixture::Otherwise {
            test: decided,
            replay: replayed,
        });
    }
    create(to, &text).map_err(|why| NoFixture::Write {
        path: to.clone(),
        why,
    })?;
    Ok(format!(
        "{}: what {name:?} met of call {} at the {}, and decided ({decided})\n",
        to.display(),
        exchange.id,
        observation.hook.as_str()
    ))
}

fn find(exchanges: &[Exchange], given: &str) -> Result<usize, NoFixture> {
    let fits = |(n, one): (usize, &Exchange)| one.id.starts_with(given).then_some(n);
    let found: Vec<usize> = exchanges.iter().enumerate().filter_map(fits).collect();
    match found.as_slice() {
        [] => Err(NoFixture::NoCall(given.to_owned())),
        [one] => Ok(*one),
        several => Err(NoFixture::Ambiguous {
            given: given.to_owned(),
            ids: several
                .iter()
                .take(NAMED)
                .map(|n| exchanges[*n].id.clone())
                .collect(),
        }),
    }
}

/// The observation at the hook that was asked for. Without one, the first in which the interceptor did something, else
/// the first.
fn chosen<'a>(
    observations: &'a [Observation],
    name: &str,
    hook: Option<HookName>,
) -> Option<&'a Observation> {
    let hook = hook.map(self::hook);
    let mut own = observations
        .iter()
        .filter(|observation| &*observation.interceptor == name)
        .filter(|observation| hook.is_none_or(|hook| observation.hook == hook));
    let first = own.clone().next();
    let idle = |observation: &&Observation| {
        matches!(observation.decision, Ok(PreDecision::Proceed)) && observation.findings.is_empty()
    };
    own.find(|observation| !idle(observation)).or(first)
}

fn hook(hook: HookName) -> Hook {
    match hook {
        HookName::PreCall => Hook::PreCall,
        HookName::PostCall => Hook::PostCall,
    }
}

fn word(observation: &Observation) -> &'static str {
    match &observation.decision {
        Ok(PreDecision::Proceed) => "proceed",
        Ok(PreDecision::Edit(_)) => "edit",
        Ok(PreDecision::Replace(_)) => "replace",
        Ok(PreDecision::Refuse(_)) => "refuse",
        Ok(PreDecision::Answer(_)) => "answer",
        Err(_) => "fault",
    }
}

/// Creates the file. An existing file is not overwritten.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}
