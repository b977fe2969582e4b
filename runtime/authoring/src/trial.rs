//! Runs one hook without a gateway: the plugin is prepared by the gateway's own host, and run as the gateway runs it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_assembly::host_setup;
use sandgate_assembly::packaged::packaged;
use sandgate_config::Environment;
use sandgate_host::{
    Cache, EngineConfig, Grants, Host, Plugin, PluginFile, PrepareError, Simulation, Spec, State,
    StateQuota,
};
use sandgate_message::{
    Call, Failure, Finding, Hook, HookRequest, HookResult, Interceptor, Json, Limits, Method,
    PreDecision, Role,
};
use sandgate_pipeline::{DecisionRules, Judged};
use serde_json::Value;
use tracing::instrument::WithSubscriber;

use crate::log_capture::{Line, LogCapture};

/// The most runs at once. An author makes one at a time.
const INSTANCES: u32 = 16;

/// The timeout of a run that is measured, whatever a gateway would allow.
pub(super) const UNLIMITED: Duration = Duration::from_secs(5);

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
    /// The decision as a gateway applies it, or why the run failed.
    pub(super) decided: Result<Judged, Failure>,
    pub(super) findings: Vec<Finding>,
    pub(super) carry: Option<Vec<u8>>,
    pub(super) log: Vec<Line>,
    /// The last 4 KiB that the guest printed to stdout and stderr.
    pub(super) printed: String,
    pub(super) took: Duration,
    /// The linear memory in bytes.
    pub(super) memory: u64,
    /// HTTP requests that nothing answered.
    pub(super) unanswered: Vec<String>,
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
        let host = Host::new(
            config,
            cache,
            packaged(),
            State::in_memory(StateQuota::default()),
        )?;
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
    pub(super) fn begun(&self, timeout: Duration) -> HookRequest {
        HookRequest {
            call: Arc::new(self.call.clone()),
            document: self.document(),
            sent: match self.hook {
                Hook::PreCall => None,
                Hook::PostCall => self.params.clone(),
            },
            failed: self.failed,
            carried: self.carried.as_deref().map(Into::into),
            timeout,
            deadline: Instant::now() + HookRequest::wall_limit(timeout),
            shadow: false,
        }
    }

    /// Runs the hook, within the time that `limit` says, and judges its decision as a gateway does.
    pub(super) async fn run(
        &self,
        plugin: &mut Plugin,
        simulation: Simulation,
        limit: Duration,
    ) -> Seen {
        let simulation = Arc::new(simulation);
        plugin.set_simulation(simulation.clone());
        let run = self.begun(limit);
        let role = self.role(plugin);
        let document = run.document.clone();
        let log = Arc::new(Mutex::default());
        let overheard = LogCapture::new(log.clone());
        match self.hook {
            Hook::PreCall => {
                let outcome = plugin.pre_call(run).with_subscriber(overheard).await;
                self.seen(role, &document, outcome, &simulation, &log)
            }
            Hook::PostCall => {
                let outcome = plugin.post_call(run).with_subscriber(overheard).await;
                self.seen(role, &document, outcome, &simulation, &log)
            }
        }
    }

    fn role(&self, plugin: &Plugin) -> Role {
        let hooks = &plugin.plugin().hooks;
        let own = hooks.iter().find(|(hook, ..)| *hook == self.hook);
        own.map_or(Role::Validation, |(_, role, _)| *role)
    }

    fn seen(
        &self,
        role: Role,
        document: &Json,
        outcome: HookResult<impl Into<PreDecision>>,
        simulation: &Simulation,
        log: &Mutex<Vec<Line>>,
    ) -> Seen {
        let request =
            self.hook == Hook::PreCall && !Method::new(&self.call.method).is_notification();
        let rules = DecisionRules::alone(request, self.failed, Limits::default());
        let decision = outcome.decision;
        Seen {
            decided: decision.and_then(|decision| rules.judge(role, document, decision)),
            findings: outcome.findings,
            carry: outcome.carry.map(|note| note.to_vec()),
            log: std::mem::take(&mut *log.lock()),
            printed: String::from_utf8_lossy(&simulation.output()).into_owned(),
            took: outcome.took,
            memory: simulation.memory(),
            unanswered: simulation.unanswered(),
        }
    }
}

impl Seen {
    /// The decision's name, as fixtures and `--json` spell it.
    pub(super) fn word(&self) -> &'static str {
        match &self.decided {
            Ok(Judged::Proceed) => "proceed",
            Ok(Judged::Edit(_)) => "edit",
            Ok(Judged::Replace(_)) => "replace",
            Ok(Judged::Answer(_)) => "answer",
            Ok(Judged::Refuse(_)) => "refuse",
            Err(_) => "fault",
        }
    }

    /// The document that the decision made. `None` if it made none.
    pub(super) fn document(&self) -> Option<&Json> {
        match &self.decided {
            Ok(Judged::Edit(json) | Judged::Replace(json) | Judged::Answer(json)) => Some(json),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
