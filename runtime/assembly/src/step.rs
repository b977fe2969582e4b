//! An interceptor of the configuration as a step of the chain.

use sandgate_message::Hook;
use sandgate_pipeline::{Globs, Origin, Scope, Step, StepConfig, StepError};

use crate::prepared::Prepared;

/// Puts the interceptor in its place. The error names the wrong key.
pub(crate) fn step(
    interceptor: &sandgate_config::Interceptor,
    prepared: &Prepared,
    origin: Option<Origin>,
) -> Result<Step, (&'static str, String)> {
    let globs = |key: &'static str, patterns: &[sandgate_config::Pattern]| {
        Globs::new(patterns.iter().map(sandgate_config::Pattern::as_str))
            .map_err(|error| (key, error.to_string()))
    };
    let scope = Scope {
        hooks: interceptor.hooks.clone(),
        events: globs("/events", &interceptor.events)?,
        directions: interceptor.directions.clone(),
        servers: globs("/servers", &interceptor.servers)?,
        targets: globs("/targets", &interceptor.targets)?,
        principals: globs("/principals", &interceptor.principals)?,
        groups: globs("/groups", &interceptor.groups)?,
    };
    let place = StepConfig {
        scope,
        mode: interceptor.mode,
        fail_open: interceptor.fail_open,
        timeout: interceptor
            .timeout
            .map(|period| period.0)
            .unwrap_or(prepared.timeout),
        sees: interceptor.sees,
        refusal: interceptor.refusal,
        origin,
    };
    Step::new(&interceptor.name, prepared.interceptor.clone(), place).map_err(misplaced)
}

/// The wrong key, and what is wrong.
pub(crate) fn misplaced(error: StepError) -> (&'static str, String) {
    let key = match &error {
        StepError::Hook { .. } => "/hooks",
        StepError::Event { .. } => "/events",
        StepError::Raw { .. } => "/sees",
        StepError::Timeout { .. } => "/timeout",
        StepError::Plugin { .. } => "/plugin",
        StepError::Candidate { .. } => "/candidate",
    };
    (key, error.to_string())
}

/// Describes the hooks at which a candidate would look and the live interceptor does not. The candidate is not tried
/// there.
pub(crate) fn widened(live: &Step, tried: &Step) -> Option<String> {
    let hooks = [Hook::PreCall, Hook::PostCall].into_iter();
    let more: Vec<_> = hooks
        .filter(|hook| live.role(*hook).is_none() && tried.role(*hook).is_some())
        .map(|hook| hook.as_str())
        .collect();
    (!more.is_empty()).then(|| {
        format!(
            "it has a {} too, at which the live plugin does not look: there it is not tried, and promoted it would look",
            more.join(" and a ")
        )
    })
}
