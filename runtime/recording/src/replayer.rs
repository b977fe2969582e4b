//! Replays a recorded call through a chain, without any server: interceptors see the time at which the call came, a
//! separate state, and no network. What each interceptor saw and decided can be observed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_gateway::{Decision as Became, NestedRun, ReplayResult, ReplaySession};
use sandgate_host::{Simulation, State};
use sandgate_message::{
    BoxFuture, Call, Failure, Finding, Hook, HookRequest, HookResult, Interceptor, InterceptorInfo,
    Json, Message, PostDecision, PreDecision,
};
use sandgate_pipeline::{Chain, Trail};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::exchange::{Verdict, verdicts};

/// The timeout of a replayed hook run. It is long, since a missed deadline says something about the machine, not about
/// the policy.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The randomness that interceptors get, the same in every run.
const RANDOM: [u8; 16] = [
    0x3b, 0x91, 0x0c, 0xe7, 0x52, 0xad, 0x68, 0x14, 0xf9, 0x2d, 0x86, 0x43, 0xba, 0x70, 0xc5, 0x1e,
];

/// The input of a replay.
pub struct Input {
    /// The call.
    pub call: Call,
    /// The request or notification.
    pub message: Message,
    /// The other side's answer, if known.
    pub reply: Option<Message>,
    /// When the call came, since the Unix epoch.
    pub at: Duration,
}

/// The outcome of a replay.
pub struct Played {
    /// The hook runs on the call.
    pub trail: Trail,
    /// The hook runs on the call's nested messages.
    pub within: Vec<NestedRun>,
    /// What became of the call. A request that goes on without a known answer counts as forwarded.
    pub became: Became,
    /// The params as they went on. `None` if they did not.
    pub sent: Option<Json>,
    /// The payload that the requester got. `None` if there is none.
    pub left: Option<Json>,
    /// Every observed run, in the order in which the runs ended.
    pub observations: Vec<Observation>,
}

/// What an interceptor saw in one run, and what it decided.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The interceptor's name.
    pub interceptor: Arc<str>,
    /// The hook of the run.
    pub hook: Hook,
    /// The call as the interceptor saw it.
    pub call: Arc<Call>,
    /// The document that the interceptor judged.
    pub document: Json,
    /// In a post-call: the params as they were sent.
    pub sent: Option<Json>,
    /// In a post-call: whether the document is an error object.
    pub failed: bool,
    /// In a post-call: the note of the pre-call.
    pub carried: Option<Arc<[u8]>>,
    /// What the interceptor decided.
    pub decision: Result<PreDecision, Failure>,
    /// What the interceptor noticed.
    pub findings: Vec<Finding>,
}

/// A chain whose runs can be observed.
pub struct Replayer {
    chain: Arc<Chain>,
    observations: Option<Arc<Mutex<Vec<Observation>>>>,
}

impl Replayer {
    /// A replayer of a chain. With `watched`, what each interceptor sees is kept; inputs must then be replayed one at a
    /// time.
    pub fn of(chain: &Chain, watched: bool) -> Self {
        let observations = watched.then(Arc::<Mutex<Vec<Observation>>>::default);
        let chain = chain.remade(|step| {
            let inner = step.interceptor().clone();
            match &observations {
                None => step.with(inner, TIMEOUT),
                Some(observations) => {
                    let witness = Witness {
                        name: step.name().clone(),
                        inner,
                        observations: observations.clone(),
                    };
                    step.with(Arc::new(witness), TIMEOUT)
                }
            }
        });
        Self {
            chain,
            observations,
        }
    }

    /// Replays an input. `state` is the interceptors' state, and `rehearsal` the questions and tasks of earlier calls.
    pub async fn play(
        &self,
        input: Input,
        state: &Arc<State>,
        rehearsal: &ReplaySession,
    ) -> Played {
        state.set_time(input.at);
        let mut simulation = Simulation::closed(input.at, RANDOM.to_vec(), Vec::new());
        simulation.state = Some(state.clone());
        // The future is large, and many of them exist at once.
        let playing = Box::pin(Arc::new(simulation).during(self.run(input, rehearsal)));
        playing.with_subscriber(NoSubscriber::default()).await
    }

    async fn run(&self, input: Input, rehearsal: &ReplaySession) -> Played {
        let Input {
            call,
            message,
            reply,
            ..
        } = input;
        let ReplayResult {
            trail,
            within,
            decision,
            sent,
            left,
        } = rehearsal.play(&self.chain, call, message, reply).await;
        let observations = self.observations.as_ref();
        Played {
            trail,
            within,
            became: decision,
            sent,
            left,
            observations: observations
                .map(|observations| std::mem::take(&mut *observations.lock()))
                .unwrap_or_default(),
        }
    }
}

impl Played {
    /// The hook runs as they are recorded.
    pub fn verdicts(&self) -> Vec<Verdict> {
        verdicts(&self.trail, &self.within)
    }
}

struct Witness {
    name: Arc<str>,
    inner: Arc<dyn Interceptor>,
    observations: Arc<Mutex<Vec<Observation>>>,
}

impl Witness {
    fn saw<D>(
        &self,
        hook: Hook,
        run: HookRequest,
        outcome: &HookResult<D>,
        decision: Option<PreDecision>,
    ) {
        let failed = || Failure::Load("it did not decide".into());
        self.observations.lock().push(Observation {
            interceptor: self.name.clone(),
            hook,
            call: run.call,
            document: run.document,
            sent: run.sent,
            failed: run.failed,
            carried: run.carried,
            decision: match (&outcome.decision, decision) {
                (Err(failure), _) => Err(failure.clone()),
                (Ok(_), decision) => decision.ok_or_else(failed),
            },
            findings: outcome.findings.clone(),
        });
    }
}

impl Interceptor for Witness {
    fn plugin(&self) -> &InterceptorInfo {
        self.inner.plugin()
    }

    fn pre_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        Box::pin(async move {
            let outcome = self.inner.pre_call(run.clone()).await;
            let decision = outcome.decision.clone().ok();
            self.saw(Hook::PreCall, run, &outcome, decision);
            outcome
        })
    }

    fn post_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>> {
        Box::pin(async move {
            let outcome = self.inner.post_call(run.clone()).await;
            let decision = outcome
                .decision
                .clone()
                .ok()
                .map(|decision| match decision {
                    PostDecision::Proceed => PreDecision::Proceed,
                    PostDecision::Edit(edits) => PreDecision::Edit(edits),
                    PostDecision::Replace(json) => PreDecision::Replace(json),
                    PostDecision::Refuse(refusal) => PreDecision::Refuse(refusal),
                });
            self.saw(Hook::PostCall, run, &outcome, decision);
            outcome
        })
    }
}
