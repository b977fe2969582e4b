//! The chain in force, and the way in.
//!
//! What happens to a request or notification, in this order:
//!
//! 1. An interceptor looks where its plugin asks to AND its scope lets it; a chain in which none looks leaves the very
//!    message.
//! 2. Mutators run first, one after another in the file's order, each on what the one before it left.
//! 3. Validators run after all mutators, in parallel, on the final params.
//! 4. Only a refusal blocks. A refusing mutator ends the way in at once: nobody after it is asked.
//! 5. Of several validators that refuse (or fail closed), the first in the file's order answers; all run to their end.
//! 6. An answer stands in for the server and for nothing else: later mutators run, validators judge the call.
//! 7. Of several answers the first in the file's order stands.
//! 8. A validator may only proceed or refuse: anything else is a fault.
//! 9. What a mutator makes must apply, keep its kind and obey the limits, and only a request can be answered: anything
//!    else is a fault.
//! 10. A fault under fail-open counts as `proceed`; otherwise it blocks as a refusal would, with the draft's error. What
//!     load kept from deciding blocks in any case.
//! 11. Audit neither blocks nor changes, and sees what the active ones left at its place.
//! 12. A mutator that changes the target (a tool's name) changes the scope of all who come after it; the definition, which
//!     was the old target's, is gone. Likewise one that changes what the client says of itself: later interceptors and
//!     the records know it as the server does.
//! 13. A refused call passes no post-call: nothing came from a server. A refused notification is answered by silence.
//! 14. Members of the envelope that JSON-RPC does not know do not pass where an active interceptor looks: it would not see
//!     them.
//! 15. What a message carries of other messages passes as what it is (see `within`), after the mutators of the whole and
//!     before its validators.

use std::fmt;
use std::sync::Arc;

use sandgate_message::{Call, Direction, Hook, Limits, Message, Method, Role};

use crate::globs::Globs;
use crate::passage::{Departure, Kept, Passage};
use crate::refusal::{RefusalStyle, Why};
use crate::round::{Ending, Round};
use crate::step::{Mode, Sees, Step};
use crate::trail::Trail;
use crate::within::{Halt, Within};

/// Interceptors in the file's order. Never changes: a call keeps the chain it entered.
pub struct Chain {
    pub(crate) version: u64,
    pub(crate) steps: Box<[Step]>,
    pub(crate) refusal: Option<RefusalStyle>,
    pub(crate) limits: Limits,
    /// Methods beyond the protocol's that may pass where interceptors look.
    pub(crate) extensions: Globs,
    /// What a run saw stays with its entry in the trail, where it refused or noticed something.
    pub(crate) shows: bool,
}

/// What became of a message on its way in.
#[derive(Debug)]
pub enum Entry {
    /// It goes on.
    Onward(Passage),
    /// It does not: the reply goes back to the one who asked.
    Refused(Departure),
}

impl Chain {
    /// Puts the steps in order. `refusal` is how refusals reach the asker where a step does not say; none: a result for
    /// `tools/call`, else an error. What interceptors make of a message must obey `limits`.
    pub fn new(
        version: u64,
        steps: Vec<Step>,
        refusal: Option<RefusalStyle>,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            version,
            steps: steps.into(),
            refusal,
            limits,
            extensions: Globs::default(),
            shows: false,
        })
    }

    /// The same chain, whose trails hold what was seen by runs that refused or noticed something. Never written.
    pub fn showing(&self, shows: bool) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.clone(),
            extensions: self.extensions.clone(),
            shows,
            ..*self
        })
    }

    /// The same chain where these methods pass beside the protocol's own.
    pub fn extended(&self, extensions: Globs) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.clone(),
            extensions,
            ..*self
        })
    }

    /// The same chain with other steps in the same places.
    pub fn remade(&self, remake: impl Fn(&Step) -> Step) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.iter().map(remake).collect(),
            extensions: self.extensions.clone(),
            ..*self
        })
    }

    /// Bounds of what interceptors may make of a message.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// As it was given.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// In the file's order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether any interceptor may look at such a message: cheap, and before a [`Call`] is built. Where none may, the
    /// message can pass unread.
    pub fn concerns(&self, hook: Hook, method: &str, direction: Direction, server: &str) -> bool {
        self.steps
            .iter()
            .any(|step| step.admits(hook, method, direction, server))
    }

    /// Whether any interceptor may change such a message, or (in a pre-call) answer it.
    pub fn may_change(&self, hook: Hook, method: &str, direction: Direction, server: &str) -> bool {
        let changes = |step: &Step| {
            step.place().mode == Mode::Active && step.role(hook) == Some(Role::Mutation)
        };
        self.steps
            .iter()
            .any(|step| changes(step) && step.admits(hook, method, direction, server))
    }

    /// Whether an active interceptor may look at anything that concerns the server.
    pub fn guards(&self, server: &str) -> bool {
        self.active()
            .any(|step| step.place().scope.servers.matches(server))
    }

    /// Whether a message of this method may pass to or from the server: where an active interceptor looks at it, only a
    /// method that the protocol or the operator knows, since no policy could be meant for another.
    pub fn admits_method(&self, method: &str, server: &str) -> bool {
        !self.guards(server)
            || Method::new(method).is_known()
            || !self.extensions.is_empty() && self.extensions.matches(method)
    }

    /// Whether an active interceptor may look at such a message or at its reply.
    pub fn judges_any(&self, method: &str, direction: Direction, server: &str) -> bool {
        self.active().any(|step| {
            step.admits(Hook::PreCall, method, direction, server)
                || step.admits(Hook::PostCall, method, direction, server)
        })
    }

    /// Whether an active interceptor may tell such a message from another by the URI in it: by its rules, before the
    /// server gets it, or by the targets of its scope.
    pub fn judges_uris(&self, method: &str, direction: Direction, server: &str) -> bool {
        self.active().any(|step| {
            step.admits(Hook::PreCall, method, direction, server)
                || step.place().scope.targets.name_uris()
                    && step.admits(Hook::PostCall, method, direction, server)
        })
    }

    fn active(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| step.place().mode == Mode::Active)
    }

    /// Takes a request or notification through every pre-call in scope. Dropping the future abandons the runs.
    pub async fn enter(self: &Arc<Self>, call: Arc<Call>, message: Message) -> Entry {
        self.enter_with(call, message, None).await
    }

    /// The same for one that carries others.
    pub async fn enter_with(
        self: &Arc<Self>,
        call: Arc<Call>,
        message: Message,
        within: Option<&mut (dyn Within + '_)>,
    ) -> Entry {
        if within.is_none() && !self.looks(Hook::PreCall, &call) {
            return Entry::Onward(Passage::new(
                self.clone(),
                call,
                message,
                Trail::new(self.version),
            ));
        }
        let message = if self.judges(Hook::PreCall, &call) {
            message.plain()
        } else {
            message
        };
        let mut round = Round::of_params(self, call, &message);
        let ending = round.request(within).await.err();
        round.finish_audits().await;
        let end = round.end();
        let Some(ending) = ending else {
            let message = match end.changed {
                Some(params) => message.with_payload(params),
                None => message,
            };
            let mut passage = Passage::new(self.clone(), end.call, message, end.trail);
            passage.answer = end.answer;
            passage.carries = end.carries;
            return Entry::Onward(passage);
        };
        let mut trail = end.trail;
        trail.overtake_answer();
        let why = Why {
            call: &end.call,
            hook: Hook::PreCall,
            executed: false,
        };
        let (reply, halt) = why.end(self, message.id(), ending);
        Entry::Refused(Departure {
            call: end.call,
            message: reply,
            trail,
            withheld: true,
            overloaded: halt.as_ref().is_some_and(Halt::overloaded),
            halt,
        })
    }

    /// A call that passed every pre-call before, and whose reply comes now. The notes that its pre-calls left are still
    /// there where this is the chain that it passed.
    pub fn resume(self: &Arc<Self>, call: Arc<Call>, message: Message, kept: &Kept) -> Passage {
        let mut passage = Passage::new(self.clone(), call, message, kept.trail.clone());
        if kept.is_of(self) {
            passage.carries = kept.carries.clone();
        }
        passage
    }

    /// An interceptor looks whose word counts.
    pub(crate) fn judges(&self, hook: Hook, call: &Call) -> bool {
        self.steps
            .iter()
            .any(|step| step.place().mode == Mode::Active && step.covers(hook, call))
    }

    pub(crate) fn looks(&self, hook: Hook, call: &Call) -> bool {
        self.steps.iter().any(|step| step.covers(hook, call))
    }
}

impl Round<'_> {
    async fn request(&mut self, within: Option<&mut (dyn Within + '_)>) -> Result<(), Ending> {
        let steps = self.steps();
        self.mutators(steps.iter().enumerate()).await?;
        self.within(within).await?;
        Ok(self.validators(Sees::Final).await?)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("version", &self.version)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
