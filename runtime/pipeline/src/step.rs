//! One interceptor in its place: what the operator said of it, checked against what its plugin has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Call, Direction, Hook, Interceptor, Role};

use crate::candidate::Candidate;
use crate::globs::{GlobError, Globs};
use crate::refusal::RefusalStyle;
use crate::scope::{Idle, Known, Scope};

/// The longest timeout of a hook run: no asker waits longer.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Whether an interceptor's decisions count.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They count.
    #[default]
    Active,
    /// They are recorded; nothing is blocked or changed.
    Audit,
}

/// Which reply a validator looks at.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Sees {
    /// What the asker gets.
    #[default]
    Final,
    /// What came, before any mutator.
    Raw,
}

/// Where and how an interceptor runs.
#[derive(Clone, Debug)]
pub struct Place {
    /// What it is asked about.
    pub scope: Scope,
    /// Whether its decisions count.
    pub mode: Mode,
    /// A run that fails counts as if it had proceeded; otherwise the call is refused, the reply withheld. One that load
    /// kept from deciding is no such failure: its call is refused in any case.
    pub fail_open: bool,
    /// Of one hook run: what it computes, and waits for what it asks for; more than zero, an hour at most.
    pub timeout: Duration,
    /// Of a validator with a post-call only.
    pub sees: Sees,
    /// How its refusals reach the asker; none: as the chain says.
    pub refusal: Option<RefusalStyle>,
}

impl Default for Place {
    /// Everywhere the plugin asks to be, active, fail closed, 50 ms.
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            mode: Mode::Active,
            fail_open: false,
            timeout: Duration::from_millis(50),
            sees: Sees::Final,
            refusal: None,
        }
    }
}

/// An interceptor in its place.
#[derive(Clone)]
pub struct Step {
    name: Arc<str>,
    digest: Arc<str>,
    interceptor: Arc<dyn Interceptor>,
    place: Place,
    pre: Option<Seat>,
    post: Option<Seat>,
    candidate: Option<Arc<Candidate>>,
}

/// Why an interceptor cannot stand where it was put.
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

/// What a plugin does at one hook.
#[derive(Clone)]
struct Seat {
    role: Role,
    events: Globs,
}

impl Step {
    /// Puts an interceptor in its place, where its plugin can stand there.
    pub fn new(
        name: &str,
        interceptor: Arc<dyn Interceptor>,
        place: Place,
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
            let seat = match hook {
                Hook::PreCall => &mut pre,
                Hook::PostCall => &mut post,
            };
            *seat = Some(Seat {
                role: *role,
                events,
            });
        }
        // An event must be in reach of one hook at least; where the two hooks ask for different ones, each takes its own.
        let seats = || [&pre, &post].into_iter().flatten();
        for event in scope.events.iter() {
            let Ok(event_globs) = Globs::new([event]) else {
                continue;
            };
            if seats().all(|seat| seat.events.disjoint(&event_globs).is_some()) {
                let asks = seats()
                    .flat_map(|seat| seat.events.iter())
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
                .is_some_and(|seat| seat.role == Role::Validation)
        {
            return Err(StepError::Raw {
                name: named(),
                post: post.map(|seat| seat.role),
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
            candidate: None,
        })
    }

    /// The same place with something else running in it, which takes as long as it may: for what happens again away from
    /// its time. What runs must be for the same hooks.
    #[must_use]
    pub fn with(&self, interceptor: Arc<dyn Interceptor>, timeout: Duration) -> Self {
        let mut step = self.clone();
        step.interceptor = interceptor;
        step.place.timeout = timeout;
        // Nobody runs it there.
        step.candidate = None;
        step
    }

    /// Tries a candidate beside it.
    ///
    /// # Errors
    /// The candidate has not every hook at which this one looks: live, it would leave one unguarded.
    pub fn beside(mut self, candidate: Arc<Candidate>) -> Result<Self, StepError> {
        let mut hooks = [Hook::PreCall, Hook::PostCall].into_iter();
        let lacks =
            |hook: &Hook| self.role(*hook).is_some() && candidate.step().role(*hook).is_none();
        if let Some(hook) = hooks.find(lacks) {
            return Err(StepError::Candidate {
                name: self.name.to_string(),
                hook,
            });
        }
        self.candidate = Some(candidate);
        Ok(self)
    }

    /// What is tried beside it.
    pub fn candidate(&self) -> Option<&Arc<Candidate>> {
        self.candidate.as_ref()
    }

    /// The name the operator gave it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// `sha256:…` of its plugin.
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// What runs.
    pub fn interceptor(&self) -> &Arc<dyn Interceptor> {
        &self.interceptor
    }

    /// Where and how it runs.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it is for at a hook; none where it has none or the scope leaves it out.
    pub fn role(&self, hook: Hook) -> Option<Role> {
        self.seat(hook).map(|seat| seat.role)
    }

    /// Whether it may look at a message of this kind.
    pub fn admits(&self, hook: Hook, method: &str, direction: Direction, server: &str) -> bool {
        let asked = self
            .seat(hook)
            .is_some_and(|seat| seat.events.matches(method));
        asked && self.place.scope.admits(hook, method, direction, server)
    }

    /// Whether it looks at this call at this hook.
    pub fn covers(&self, hook: Hook, call: &Call) -> bool {
        let asked = self
            .seat(hook)
            .is_some_and(|seat| seat.events.matches(&call.method));
        asked && self.place.scope.covers(hook, call)
    }

    /// The globs of its scope that match none of the known names; of the events, only those that the plugin asked for
    /// are known.
    pub fn idle(&self, known: &Known<'_>) -> Vec<Idle> {
        let reach = |event: &&&str| {
            [Hook::PreCall, Hook::PostCall]
                .iter()
                .any(|hook| self.asks_for(*hook, event))
        };
        let events: Option<Vec<&str>> = known
            .events
            .map(|events| events.iter().filter(reach).copied().collect());
        self.place.scope.idle(&Known {
            events: events.as_deref(),
            ..*known
        })
    }

    fn asks_for(&self, hook: Hook, event: &str) -> bool {
        self.seat(hook)
            .is_some_and(|seat| seat.events.matches(event))
    }

    fn seat(&self, hook: Hook) -> Option<&Seat> {
        match hook {
            Hook::PreCall => self.pre.as_ref(),
            Hook::PostCall => self.post.as_ref(),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
