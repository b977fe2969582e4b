//! An interceptor in its place in the chain: the operator's settings, checked against what its plugin has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Call, Direction, Hook, Interceptor, Role};

use crate::globs::{GlobError, Globs};
use crate::refusal::{Interrupted, RefusalCause, RefusalStyle};
use crate::scope::{KnownNames, UnusedPattern};
use crate::step_config::{Sees, StepConfig};
use crate::trail::{Decision, TrailEntry};

/// The longest allowed timeout of a hook run, so that no requester waits longer.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// An interceptor in its place in the chain.
#[derive(Clone)]
pub struct BoundInterceptor {
    name: Arc<str>,
    digest: Arc<str>,
    interceptor: Arc<dyn Interceptor>,
    place: StepConfig,
    pre: Option<HookScope>,
    post: Option<HookScope>,
}

/// Why an interceptor cannot stand where the operator put it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum StepError {
    #[error("interceptor {name:?}: its plugin has no {} hook (it has: {has}); take it out of `hooks`", .hook.as_str())]
    Hook {
        name: String,
        hook: Hook,
        has: String,
    },
    #[error(
        "interceptor {name:?}: its plugin does not look at {event:?} (it asks for: {asks}); `events` can only narrow"
    )]
    Event {
        name: String,
        event: String,
        asks: String,
    },
    #[error(
        "interceptor {name:?}: `sees = \"raw\"` is for a validator of replies; its plugin's post-call is {}",
        match .post { Some(_) => "a mutation", None => "missing or out of scope" }
    )]
    Raw { name: String, post: Option<Role> },
    #[error(
        "interceptor {name:?}: a timeout of {timeout:?} is not usable; give more than 0 and at most an hour"
    )]
    Timeout { name: String, timeout: Duration },
    #[error("interceptor {name:?}: its plugin asks for the event {error}")]
    Plugin { name: String, error: GlobError },
    #[error(
        "interceptor {name:?}: its candidate has no {} hook, at which the live plugin looks; narrow `hooks`, or try a \
         plugin that has it", .hook.as_str()
    )]
    Candidate { name: String, hook: Hook },
}

/// The plugin's role at one hook, and the events it asks for.
#[derive(Clone)]
struct HookScope {
    role: Role,
    events: Globs,
}

impl BoundInterceptor {
    /// Puts an interceptor in its place.
    ///
    /// # Errors
    ///
    /// The timeout is zero or longer than an hour, the plugin lacks a hook or an event that the scope names,
    /// `sees = "raw"` is set without a validating post-call, or one of the plugin's event globs is invalid.
    pub fn new(
        name: &str,
        interceptor: Arc<dyn Interceptor>,
        place: StepConfig,
    ) -> Result<Self, StepError> {
        let named = || name.to_owned();
        let plugin = interceptor.plugin();
        let scope = &place.scope;
        if place.timeout.is_zero() || place.timeout > LONGEST {
            return Err(StepError::Timeout {
                name: named(),
                timeout: place.timeout,
            });
        }
        if let Some(&hook) = scope
            .hooks
            .iter()
            .find(|hook| !plugin.hooks.iter().any(|(has, ..)| has == *hook))
        {
            let has = plugin
                .hooks
                .iter()
                .map(|(hook, ..)| hook.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(StepError::Hook {
                name: named(),
                hook,
                has,
            });
        }
        let (mut pre, mut post) = (None, None);
        for (hook, role, events) in &plugin.hooks {
            if !scope.hooks.is_empty() && !scope.hooks.contains(hook) {
                continue;
            }
            let events = Globs::new(events).map_err(|error| StepError::Plugin {
                name: named(),
                error,
            })?;
            let hook_scope = match hook {
                Hook::PreCall => &mut pre,
                Hook::PostCall => &mut post,
            };
            *hook_scope = Some(HookScope {
                role: *role,
                events,
            });
        }
        // An event must be in reach of at least one hook. Where the two hooks ask for different events, each takes its
        // own.
        let hook_scopes = || [&pre, &post].into_iter().flatten();
        for event in scope.events.iter() {
            let Ok(event_globs) = Globs::new([event]) else {
                continue;
            };
            if hook_scopes().all(|hook_scope| hook_scope.events.disjoint(&event_globs).is_some()) {
                let asks = hook_scopes()
                    .flat_map(|hook_scope| hook_scope.events.iter())
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(StepError::Event {
                    name: named(),
                    event: event.to_owned(),
                    asks,
                });
            }
        }
        if place.sees == Sees::Raw
            && !post
                .as_ref()
                .is_some_and(|hook_scope| hook_scope.role == Role::Validation)
        {
            return Err(StepError::Raw {
                name: named(),
                post: post.map(|hook_scope| hook_scope.role),
            });
        }
        let digest = plugin.digest.as_str().into();
        Ok(Self {
            name: name.into(),
            digest,
            interceptor,
            place,
            pre,
            post,
        })
    }

    /// The same place with another interceptor and another timeout, to replay a call later. The interceptor must have
    /// the same hooks.
    #[must_use]
    pub fn with(&self, interceptor: Arc<dyn Interceptor>, timeout: Duration) -> Self {
        let mut step = self.clone();
        step.interceptor = interceptor;
        step.place.timeout = timeout;
        step
    }

    /// The name that the operator gave the interceptor.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The digest of the interceptor's plugin, `sha256:…`.
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// The interceptor that runs here.
    pub fn interceptor(&self) -> &Arc<dyn Interceptor> {
        &self.interceptor
    }

    /// Where and how the interceptor runs.
    pub fn place(&self) -> &StepConfig {
        &self.place
    }

    /// The interceptor's role at a hook. `None` if it lacks the hook or the scope leaves the hook out.
    pub fn role(&self, hook: Hook) -> Option<Role> {
        self.hook_scope(hook).map(|hook_scope| hook_scope.role)
    }

    /// Whether the interceptor may look at a message of this kind.
    pub fn admits(&self, hook: Hook, method: &str, direction: Direction, server: &str) -> bool {
        let asked = self
            .hook_scope(hook)
            .is_some_and(|hook_scope| hook_scope.events.matches(method));
        asked && self.place.scope.admits(hook, method, direction, server)
    }

    /// Whether the interceptor looks at this call at this hook.
    pub fn covers(&self, hook: Hook, call: &Call) -> bool {
        let asked = self
            .hook_scope(hook)
            .is_some_and(|hook_scope| hook_scope.events.matches(&call.method));
        asked && self.place.scope.covers(hook, call)
    }

    /// The globs of the scope that match none of the known names. Only events that the plugin asks for count as known.
    pub fn idle(&self, known: &KnownNames<'_>) -> Vec<UnusedPattern> {
        let reach = |event: &&&str| {
            [Hook::PreCall, Hook::PostCall]
                .iter()
                .any(|hook| self.asks_for(*hook, event))
        };
        let events: Option<Vec<&str>> = known
            .events
            .map(|events| events.iter().filter(reach).copied().collect());
        self.place.scope.idle(&KnownNames {
            events: events.as_deref(),
            ..*known
        })
    }

    /// A trail entry for a run that was asked and has not decided yet.
    pub(crate) fn trail_entry(&self, hook: Hook) -> TrailEntry {
        TrailEntry {
            interceptor: self.name.clone(),
            digest: self.digest.clone(),
            hook,
            mode: self.place.mode,
            decision: Decision::Fault,
            applied: false,
            code: None,
            pointer: None,
            explanation: None,
            failure: None,
            fault: None,
            findings: Vec::new(),
            seen: None,
            us: 0,
            asked: None,
        }
    }

    /// Reports that this interceptor stopped a message. `style` is the chain's, for a step that sets none.
    pub(crate) fn interrupted(
        &self,
        cause: RefusalCause,
        style: Option<RefusalStyle>,
    ) -> Interrupted {
        Interrupted {
            interceptor: self.name.clone(),
            style: self.place.refusal.or(style),
            cause,
        }
    }

    fn asks_for(&self, hook: Hook, event: &str) -> bool {
        self.hook_scope(hook)
            .is_some_and(|hook_scope| hook_scope.events.matches(event))
    }

    fn hook_scope(&self, hook: Hook) -> Option<&HookScope> {
        match hook {
            Hook::PreCall => self.pre.as_ref(),
            Hook::PostCall => self.post.as_ref(),
        }
    }
}

impl fmt::Debug for BoundInterceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundInterceptor")
            .field("name", &self.name)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
