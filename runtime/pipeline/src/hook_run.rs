//! A hook run as a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sandgate_message::{
    BoxFuture, Call, Hook, HookRequest, HookResult, Json, PostDecision, PreDecision, give_way,
    polled,
};
use tracing::Span;

use crate::bound::BoundInterceptor;

/// A hook run. The interceptor is asked at the first poll, so that its time starts when it can run.
pub(crate) struct HookRun<'a> {
    step: &'a BoundInterceptor,
    hook: Hook,
    span: Span,
    state: State<'a>,
    /// Whether the run gave way: it could go on computing, and lets others have the thread.
    computes: bool,
    ticket: Option<RunTicket>,
}

enum State<'a> {
    Idle(Option<HookRequest>),
    Pre(BoxFuture<'a, HookResult<PreDecision>>),
    Post(BoxFuture<'a, HookResult<PostDecision>>),
}

/// Identifies a run, and holds what it saw.
pub(crate) struct RunTicket {
    /// The step's place in the chain.
    pub(crate) index: usize,
    /// The index of the run's entry in the trail.
    pub(crate) slot: usize,
    pub(crate) document: Json,
    /// When the interceptor was asked.
    pub(crate) asked: Option<Instant>,
    /// The call, if it is offered to the step's candidate.
    pub(crate) offer: Option<Arc<Call>>,
}

/// A run that has finished.
pub(crate) type FinishedRun = (RunTicket, HookResult<PreDecision>);

impl<'a> HookRun<'a> {
    pub(crate) fn new(
        step: &'a BoundInterceptor,
        hook: Hook,
        ticket: RunTicket,
        run: HookRequest,
    ) -> Self {
        let span = tracing::debug_span!(
            "hook",
            interceptor = %step.name(),
            hook = hook.as_str(),
            call = %run.call.id,
            decision = tracing::field::Empty,
        );
        Self {
            step,
            hook,
            span,
            state: State::Idle(Some(run)),
            computes: false,
            ticket: Some(ticket),
        }
    }
}

impl Future for HookRun<'_> {
    type Output = FinishedRun;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<FinishedRun> {
        let this = &mut *self;
        let _within = this.span.enter();
        if let State::Idle(run) = &mut this.state
            && let Some(mut run) = run.take()
        {
            let now = Instant::now();
            run.deadline = now + HookRequest::wall_limit(run.timeout);
            if let Some(ticket) = &mut this.ticket {
                ticket.asked = Some(now);
            }
            this.state = match this.hook {
                Hook::PreCall => State::Pre(this.step.interceptor().pre_call(run)),
                Hook::PostCall => State::Post(this.step.interceptor().post_call(run)),
            };
        }
        let (outcome, gave_way) = polled(|| match &mut this.state {
            State::Pre(run) => run.as_mut().poll(context),
            State::Post(run) => run.as_mut().poll(context).map(widen),
            State::Idle(_) => Poll::Pending,
        });
        this.computes = gave_way;
        let Poll::Ready(outcome) = outcome else {
            return Poll::Pending;
        };
        // A future is not polled after its end. If it were, it would stay pending.
        let Some(ticket) = this.ticket.take() else {
            return Poll::Pending;
        };
        let decision = outcome.decision.as_ref().map_or("fault", word);
        this.span.record("decision", decision);
        Poll::Ready((ticket, outcome))
    }
}

/// Several runs at once.
pub(crate) type HookRuns<'a> = FuturesUnordered<HookRun<'a>>;

/// The next run to finish. `None` once all have. Not every run is polled each time, so runs that gave way are looked
/// for here.
pub(crate) fn poll_next(
    several: &mut HookRuns<'_>,
    context: &mut Context<'_>,
) -> Poll<Option<FinishedRun>> {
    let next = several.poll_next_unpin(context);
    if next.is_pending() && several.iter().any(|asked| asked.computes) {
        give_way();
    }
    next
}

/// Converts a post-call's decision to a pre-call's, which can also answer.
pub(crate) fn widen(outcome: HookResult<PostDecision>) -> HookResult<PreDecision> {
    let HookResult {
        decision,
        findings,
        carry,
        took,
    } = outcome;
    HookResult {
        decision: decision.map(Into::into),
        findings,
        carry,
        took,
    }
}

/// The decision's name as the interceptor gave it. Whether the decision can be applied is not known yet.
fn word(decision: &PreDecision) -> &'static str {
    match decision {
        PreDecision::Proceed => "proceed",
        PreDecision::Edit(_) => "edit",
        PreDecision::Replace(_) => "replace",
        PreDecision::Refuse(_) => "refuse",
        PreDecision::Answer(_) => "answer",
    }
}
