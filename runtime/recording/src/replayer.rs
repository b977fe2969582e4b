//! An exchange once more through a chain, away from any server and from the world: interceptors meet the time at which it
//! happened, a memory that is not theirs, and no network. What each of them saw and decided can be looked at.

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

/// How long a run may take: what a deadline cuts is about the machine, and not about the policy.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Randomness, the same in every run.
const RANDOM: [u8; 16] = [
    0x3b, 0x91, 0x0c, 0xe7, 0x52, 0xad, 0x68, 0x14, 0xf9, 0x2d, 0x86, 0x43, 0xba, 0x70, 0xc5, 0x1e,
];

/// What is played.
pub struct Input {
    /// Who calls what.
    pub call: Call,
    /// The request or notification.
    pub message: Message,
    /// What the other side answers, where it is known.
    pub reply: Option<Message>,
    /// When, since the Unix epoch.
    pub at: Duration,
}

/// What came of it.
pub struct Played {
    /// Who decided what.
    pub trail: Trail,
    /// Who decided what about the messages that it carries.
    pub within: Vec<NestedRun>,
    /// What became of it. A request that goes on and whose answer is not known counts as forwarded.
    pub became: Became,
    /// The params as they went on, where they did.
    pub sent: Option<Json>,
    /// The payload of what the asker got, where there is one.
    pub left: Option<Json>,
    /// Every run, in the order in which they ended.
    pub observations: Vec<Observation>,
}

/// What an interceptor saw in one run, and what it decided.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Its name.
    pub interceptor: Arc<str>,
    /// Where it ran.
    pub hook: Hook,
    /// Who called what, as it was told.
    pub call: Arc<Call>,
    /// The document that it judged.
    pub document: Json,
    /// In a post-call: the params as they were sent.
    pub sent: Option<Json>,
    /// In a post-call: the document is an error object.
    pub failed: bool,
    /// The note of its pre-call.
    pub carried: Option<Arc<[u8]>>,
    /// What it decided.
    pub decision: Result<PreDecision, Failure>,
    /// What it noticed.
    pub findings: Vec<Finding>,
}

/// A chain whose runs are looked at.
pub struct Replayer {
    chain: Arc<Chain>,
    observations: Option<Arc<Mutex<Vec<Observation>>>>,
}

impl Replayer {
    /// Of a chain. `watched`: what each interceptor sees is kept; inputs must then be played one at a time.
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

    /// Plays an input. `state`: what interceptors remember. `rehearsal`: what was asked and begun before.
    pub async fn play(
        &self,
        input: Input,
        state: &Arc<State>,
        rehearsal: &ReplaySession,
    ) -> Played {
        state.set_time(input.at);
        let mut simulation = Simulation::closed(input.at, RANDOM.to_vec(), Vec::new());
        simulation.state = Some(state.clone());
        // The future is large, and one of many.
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
    /// Who decided what, as it is recorded.
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
