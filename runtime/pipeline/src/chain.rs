//! The chain in force: the interceptors in the file's order, and which of them look at a message. The way in is
//! `enter`, the way out `admitted`.

use std::fmt;
use std::sync::Arc;

use sandgate_message::{Call, Direction, Hook, Limits, Method, Role};

use crate::globs::Globs;
use crate::redaction::Redaction;
use crate::refusal::RefusalStyle;
use crate::step::Step;
use crate::step_config::Mode;
use crate::stopped::StoppedPlugins;

/// The interceptors in the file's order. A chain never changes: a call keeps the chain that it entered.
pub struct Chain {
    pub(crate) version: u64,
    pub(crate) steps: Box<[Step]>,
    pub(crate) refusal: Option<RefusalStyle>,
    pub(crate) limits: Limits,
    /// Globs of methods beyond the protocol's that may pass where interceptors look.
    pub(crate) extensions: Globs,
    /// Whether the trail keeps what a run saw, for runs that refused or noticed something.
    pub(crate) shows: bool,
    /// What is taken out of documents between mutators and validators.
    pub(crate) redaction: Option<Arc<dyn Redaction>>,
    /// The plugins that the operator has stopped.
    pub(crate) stopped: Arc<StoppedPlugins>,
}

impl Chain {
    /// Creates a chain of steps in order. `refusal` is how refusals reach the requester where a step does not say;
    /// `None` means a result for `tools/call`, else an error. `limits` bound what interceptors make of a message.
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
            redaction: None,
            stopped: Arc::default(),
        })
    }

    /// The same chain, whose trails hold what was seen by runs that refused or noticed something. What was seen is
    /// never serialized.
    pub fn showing(&self, shows: bool) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.clone(),
            extensions: self.extensions.clone(),
            redaction: self.redaction.clone(),
            stopped: self.stopped.clone(),
            shows,
            ..*self
        })
    }

    /// The same chain, where these methods pass in addition to the protocol's own.
    pub fn extended(&self, extensions: Globs) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.clone(),
            redaction: self.redaction.clone(),
            extensions,
            stopped: self.stopped.clone(),
            ..*self
        })
    }

    /// The same chain with each step replaced by what `remake` makes of it.
    pub fn remade(&self, remake: impl Fn(&Step) -> Step) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.iter().map(remake).collect(),
            extensions: self.extensions.clone(),
            redaction: self.redaction.clone(),
            stopped: self.stopped.clone(),
            ..*self
        })
    }

    /// The same chain, which takes out of documents what mutators may not bring into them, before validators judge.
    pub fn redacting(&self, redaction: Arc<dyn Redaction>) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.clone(),
            extensions: self.extensions.clone(),
            redaction: Some(redaction),
            stopped: self.stopped.clone(),
            ..*self
        })
    }

    /// The same chain, which obeys these stops.
    pub fn stoppable(&self, stopped: Arc<StoppedPlugins>) -> Arc<Self> {
        Arc::new(Self {
            steps: self.steps.clone(),
            extensions: self.extensions.clone(),
            redaction: self.redaction.clone(),
            stopped,
            ..*self
        })
    }

    /// The first active interceptor whose plugin is stopped and that looks at the call or at its reply.
    pub fn stopped(&self, call: &Call) -> Option<&Step> {
        self.stopped_at(&[Hook::PreCall, Hook::PostCall], call)
            .map(|index| &self.steps[index])
    }

    /// The place of the first active interceptor whose plugin is stopped and that looks at the call at one of the hooks.
    pub(crate) fn stopped_at(&self, hooks: &[Hook], call: &Call) -> Option<usize> {
        if self.stopped.are_none() {
            return None;
        }
        self.steps.iter().position(|step| {
            step.place().mode == Mode::Active
                && hooks.iter().any(|hook| step.covers(*hook, call))
                && self.stopped.has(step)
        })
    }

    /// The bounds of what interceptors may make of a message.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The version that the chain was created with.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The steps in the file's order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether any interceptor may look at such a message. The check is cheap and needs no [`Call`]. If none may, the
    /// message can pass unread.
    pub fn concerns(&self, hook: Hook, method: &str, direction: Direction, server: &str) -> bool {
        self.steps
            .iter()
            .any(|step| step.admits(hook, method, direction, server))
    }

    /// Whether any active interceptor may change such a message, or (in a pre-call) answer it.
    pub fn may_change(&self, hook: Hook, method: &str, direction: Direction, server: &str) -> bool {
        let changes = |step: &Step| {
            step.place().mode == Mode::Active && step.role(hook) == Some(Role::Mutation)
        };
        self.steps
            .iter()
            .any(|step| changes(step) && step.admits(hook, method, direction, server))
    }

    /// Whether an active interceptor may look at any message to or from the server.
    pub fn guards(&self, server: &str) -> bool {
        self.active()
            .any(|step| step.place().scope.servers.matches(server))
    }

    /// Whether a message of this method may pass to or from the server. Where an active interceptor guards the server,
    /// only methods that the protocol or the operator knows may pass, since no policy could be meant for another.
    pub fn admits_method(&self, method: &str, server: &str) -> bool {
        !self.guards(server) || Method::new(method).is_known() || self.extends_to(method)
    }

    /// Whether the operator knows a method that the protocol does not have.
    pub fn extends_to(&self, method: &str) -> bool {
        !self.extensions.is_empty() && self.extensions.matches(method)
    }

    /// Whether an active interceptor may look at such a message or at its reply.
    pub fn judges_any(&self, method: &str, direction: Direction, server: &str) -> bool {
        self.active().any(|step| {
            step.admits(Hook::PreCall, method, direction, server)
                || step.admits(Hook::PostCall, method, direction, server)
        })
    }

    /// Whether an active interceptor may tell such messages apart by the URI in them: by its rules, before the server
    /// gets the message, or by the targets of its scope.
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

    /// Whether an active interceptor looks at the call at this hook.
    pub(crate) fn judges(&self, hook: Hook, call: &Call) -> bool {
        self.steps
            .iter()
            .any(|step| step.place().mode == Mode::Active && step.covers(hook, call))
    }

    pub(crate) fn looks(&self, hook: Hook, call: &Call) -> bool {
        self.steps.iter().any(|step| step.covers(hook, call))
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
