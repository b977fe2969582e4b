//! The way in: a request or notification through the pre-call hooks.
//!
//! A request or notification is processed in this order:
//!
//! 1. An interceptor looks where its plugin asks to AND its scope lets it. A chain in which none looks passes the very
//!    same message.
//! 2. Mutators run first, one after another in the file's order, each on what the one before it left.
//! 3. Validators run after all mutators, in parallel, on the final params.
//! 4. Only a refusal blocks. A refusing mutator ends the way in at once: no interceptor after it is asked.
//! 5. Of several validators that refuse (or fail closed), the first in the file's order answers. All validators run to
//!    their end.
//! 6. An answer stands in for the server and for nothing else: later mutators run, validators judge the call.
//! 7. Of several answers the first in the file's order stands.
//! 8. A validator may only proceed or refuse: any other decision is a fault.
//! 9. What a mutator makes must apply, keep its kind and obey the limits, and only a request can be answered: any other
//!    decision is a fault.
//! 10. A fault under fail-open counts as `proceed`. Otherwise it blocks as a refusal would, with the draft's error. A
//!     run that load keeps from deciding blocks in any case.
//! 11. A step in audit neither blocks nor changes the message, and sees what the active steps left at its place.
//! 12. A mutator that changes the target (a tool's name) changes the scope of all interceptors after it, and the old
//!     target's definition is dropped. Likewise with a mutator that changes what the client says of itself: later
//!     interceptors and the records know the client as the server does.
//! 13. A refused call passes no post-call, since no reply came from a server. A refused notification is answered by
//!     silence.
//! 14. Members of the envelope that JSON-RPC does not know do not pass where an active interceptor looks, since the
//!     interceptor would not see them.
//! 15. Where the operator has stopped an active interceptor's plugin, what that would look at, on its way in or as a
//!     reply, is refused before any interceptor is asked, and once more after the mutators. In audit it is not asked.
//! 16. Messages nested in a message pass the interceptors as messages of their own (see `nested`), after the mutators
//!     of the whole and before its validators.
//! 17. What the chain's redaction takes out is taken out after the mutators and the nested messages, before the
//!     validators; likewise out of an answer and out of a refusal's words.

use std::sync::Arc;

use sandgate_message::{Call, Hook, Message};

use crate::admitted::{Admitted, Continuation, FilteredReply};
use crate::chain::Chain;
use crate::hook_phase::HookPhase;
use crate::nested::NestedMessages;
use crate::phase_end::PhaseEnd;
use crate::redaction::clean;
use crate::refusal::{Interrupted, RefusalContext};
use crate::step_config::Sees;
use crate::trail::Trail;

/// The outcome of a message on its way in.
#[derive(Debug)]
pub enum Admission {
    /// The message goes on.
    Continue(Admitted),
    /// The message is refused: the reply goes back to the requester.
    Refused(FilteredReply),
}

impl Chain {
    /// Takes a request or notification through every pre-call in scope. Dropping the future abandons the hook runs.
    pub async fn enter(self: &Arc<Self>, call: Arc<Call>, message: Message) -> Admission {
        self.enter_with(call, message, None).await
    }

    /// Like [`Self::enter`], for a message with nested messages.
    pub async fn enter_with(
        self: &Arc<Self>,
        call: Arc<Call>,
        message: Message,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> Admission {
        let stopped = self.stopped(&call).is_some();
        if nested.is_none() && !stopped && !self.looks(Hook::PreCall, &call) {
            return Admission::Continue(Admitted::new(
                self.clone(),
                call,
                message,
                Trail::new(self.version),
            ));
        }
        // Boxed because the future is large: calls that no interceptor looks at do not carry it about.
        Box::pin(self.run_pre_calls(call, message, nested)).await
    }

    async fn run_pre_calls(
        self: &Arc<Self>,
        call: Arc<Call>,
        message: Message,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> Admission {
        let message = if self.judges(Hook::PreCall, &call) {
            message.plain()
        } else {
            message
        };
        let mut phase = HookPhase::of_params(self, call, &message);
        let stopped = phase.request(nested).await.err();
        let stopped = stopped.map(|end| phase.interrupted(end));
        phase.finish_audits().await;
        let end = phase.end();
        let Some(stopped) = stopped else {
            let message = match end.changed {
                Some(params) => message.with_payload(params),
                None => message,
            };
            let mut admitted = Admitted::new(self.clone(), end.call, message, end.trail);
            admitted.answer = end.answer;
            admitted.notes = end.notes;
            return Admission::Continue(admitted);
        };
        let mut trail = end.trail;
        trail.overtake_answer();
        let context = RefusalContext {
            call: &end.call,
            hook: Hook::PreCall,
            executed: false,
        };
        let (reply, interrupted) = stopped.reply(&context, message.id());
        let reply = reply.map(|reply| clean(self.redaction.as_deref(), reply));
        Admission::Refused(FilteredReply {
            call: end.call,
            message: reply,
            trail,
            withheld: true,
            overloaded: interrupted.as_ref().is_some_and(Interrupted::overloaded),
            interrupted,
        })
    }

    /// Admits a call that passed every pre-call before and whose reply comes now. The notes that its pre-calls left are
    /// kept only if the call passed this very chain.
    pub fn resume(
        self: &Arc<Self>,
        call: Arc<Call>,
        message: Message,
        continuation: &Continuation,
    ) -> Admitted {
        let mut admitted = Admitted::new(self.clone(), call, message, continuation.trail.clone());
        if continuation.is_of(self) {
            admitted.notes = continuation.notes.clone();
        }
        admitted
    }
}

impl HookPhase<'_> {
    async fn request(
        &mut self,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> Result<(), PhaseEnd> {
        let steps = self.steps();
        self.unstopped()?;
        self.mutators(steps.iter().enumerate()).await?;
        self.nested(nested).await?;
        self.redact();
        self.unstopped()?;
        Ok(self.validators(Sees::Final).await?)
    }
}

#[cfg(test)]
mod tests;
