//! Runs one hook without a gateway: the plugin is prepared by the gateway's own host, and run as the gateway runs it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_assembly::host_setup;
use sandgate_config::Environment;
use sandgate_host::{
    Cache, EngineConfig, Grants, Host, Plugin, PluginFile, PrepareError, Simulation, Spec, State,
    StateQuota,
};
use sandgate_message::{
    Call, Failure, Finding, Hook, HookRequest, HookResult, Interceptor, Json, Limits, PostDecision,
    PreDecision, Refusal, apply,
};
use serde_json::Value;
use tracing::instrument::WithSubscriber;

use crate::log_capture::{Line, LogCapture};

/// The most runs at once. An author makes one at a time.
const INSTANCES: u32 = 16;

/// The timeout of a run. It is longer than a gateway's, since an author wants to see the outcome.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Prepares and runs plugins for their author.
pub(super) struct Trial {
    host: Arc<Host>,
}

/// A hook run to be made: the hook, and what it sees.
#[derive(Clone, Debug)]
pub(super) struct Exercise {
    pub(super) hook: Hook,
    pub(super) call: Call,
    /// The request's params. In a post-call: as they were sent.
    pub(super) params: Option<Json>,
    /// The reply, in a post-call.
    pub(super) reply: Option<Json>,
    /// Whether the reply is an error object.
    pub(super) failed: bool,
    /// The note of the pre-call.
    pub(super) carried: Option<Vec<u8>>,
}

/// The outcome of a run.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) decided: Decided,
    pub(super) findings: Vec<Finding>,
    pub(super) carry: Option<Vec<u8>>,
    pub(super) log: Vec<Line>,
    pub(super) took: Duration,
    /// The linear memory in bytes.
    pub(super) memory: u64,
    /// HTTP requests that nothing answered.
    pub(super) unanswered: Vec<String>,
}

/// A decision with its effect.
#[derive(Clone, Debug)]
pub(super) enum Decided {
    Proceed,
    /// The document with the edits applied.
    Edit(Json),
    Replace(Json),
    Answer(Json),
    Refuse(Refusal),
    Fault(Failure),
}

impl Trial {
    /// A trial with a state in memory that is dropped with it. Machine code is cached where this user's gateways keep
    /// it, so that what was built is not compiled again to be tested, run or served.
    pub(super) fn new() -> Result<Self, PrepareError> {
        Self::keeping(host_setup::cache_for(None, &Environment::of_process()))
    }

    /// Like [`Self::new`], with this cache of machine code.
    pub(super) fn keeping(cache: Option<Cache>) -> Result<Self, PrepareError> {
        let config = EngineConfig {
            instances: INSTANCES,
            ..host_setup::engine()
        };
        let host = Host::new(config, cache, State::in_memory(StateQuota::default()))?;
        Ok(Self { host })
    }

    /// The state of plugins, by their names.
    pub(super) fn state(&self) -> &State {
        self.host.state()
    }

    /// Prepares a plugin, smoke call included.
    pub(super) async fn prepare(
        &self,
        file: PluginFile,
        settings: Value,
        grants: Grants,
    ) -> Result<Plugin, PrepareError> {
        let spec = Spec {
            interceptor: file.manifest().name.as_str().into(),
            file: Arc::new(file),
            settings,
            settings_private: false,
            grants,
            memory: None,
            concurrency: None,
            document: Limits::default(),
            fault_detail: true,
        };
        self.host.prepare(spec).await
    }
}

impl Exercise {
    /// The document that the hook decides on.
    pub(super) fn document(&self) -> Json {
        let document = match self.hook {
            Hook::PreCall => &self.params,
            Hook::PostCall => &self.reply,
        };
        document.clone().unwrap_or_else(Json::empty_object)
    }

    /// The input of the run, with a deadline from now.
    pub(super) fn begun(&self) -> HookRequest {
        HookRequest {
            call: Arc::new(self.call.clone()),
            document: self.document(),
            sent: match self.hook {
                Hook::PreCall => None,
                Hook::PostCall => self.params.clone(),
            },
            failed: self.failed,
            carried: self.carried.as_deref().map(Into::into),
            timeout: TIMEOUT,
            deadline: Instant::now() + HookRequest::wall_limit(TIMEOUT),
            shadow: false,
        }
    }

    /// Runs the hook.
    pub(super) async fn run(&self, plugin: &mut Plugin, simulation: Simulation) -> Seen {
        let simulation = Arc::new(simulation);
        plugin.set_simulation(simulation.clone());
        let run = self.begun();
        let document = run.document.clone();
        let log = Arc::new(Mutex::default());
        let overheard = LogCapture::new(log.clone());
        let (outcome, decided) = match self.hook {
            Hook::PreCall => {
                let outcome = plugin.pre_call(run).with_subscriber(overheard).await;
                split(outcome, |decision| pre(decision, &document))
            }
            Hook::PostCall => {
                let outcome = plugin.post_call(run).with_subscriber(overheard).await;
                split(outcome, |decision| post(decision, &document))
            }
        };
        let log = std::mem::take(&mut *log.lock());
        Seen {
            decided,
            findings: outcome.findings,
            carry: outcome.carry.map(|note| note.to_vec()),
            log,
            took: outcome.took,
            memory: simulation.memory(),
            unanswered: simulation.unanswered(),
        }
    }
}

fn split<D>(
    outcome: HookResult<D>,
    decided: impl FnOnce(D) -> Decided,
) -> (HookResult<()>, Decided) {
    let HookResult {
        decision,
        findings,
        carry,
        took,
    } = outcome;
    let decided = decision.map_or_else(Decided::Fault, decided);
    let rest = HookResult {
        decision: Ok(()),
        findings,
        carry,
        took,
    };
    (rest, decided)
}

fn edited(document: &Json, edits: &[sandgate_message::Edit]) -> Decided {
    match apply(document, edits, &Limits::default()) {
        Ok(document) => Decided::Edit(document),
        Err(why) => Decided::Fault(Failure::Malformed(why.to_string())),
    }
}

fn pre(decision: PreDecision, document: &Json) -> Decided {
    match decision {
        PreDecision::Proceed => Decided::Proceed,
        PreDecision::Edit(edits) => edited(document, &edits),
        PreDecision::Replace(json) => Decided::Replace(json),
        PreDecision::Answer(json) => Decided::Answer(json),
        PreDecision::Refuse(refusal) => Decided::Refuse(refusal),
    }
}

fn post(decision: PostDecision, document: &Json) -> Decided {
    match decision {
        PostDecision::Proceed => Decided::Proceed,
        PostDecision::Edit(edits) => edited(document, &edits),
        PostDecision::Replace(json) => Decided::Replace(json),
        PostDecision::Refuse(refusal) => Decided::Refuse(refusal),
    }
}

impl Decided {
    /// The decision's name, as fixtures and `--json` spell it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Proceed => "proceed",
            Self::Edit(_) => "edit",
            Self::Replace(_) => "replace",
            Self::Answer(_) => "answer",
            Self::Refuse(_) => "refuse",
            Self::Fault(_) => "fault",
        }
    }

    /// The document that the decision made. `None` if it made none.
    pub(super) fn document(&self) -> Option<&Json> {
        match self {
            Self::Edit(json) | Self::Replace(json) | Self::Answer(json) => Some(json),
            _ => None,
        }
    }
}
