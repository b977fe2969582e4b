//! The plugins that an operator has stopped. Calls that a stopped plugin would judge are refused: none passes unjudged.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sandgate_message::Refusal;

use crate::bound::BoundInterceptor;
use crate::refusal::RefusalCause;

/// The code of refusals because of a stopped plugin.
const CODE: &str = "stop.plugin";

/// The names of stopped interceptors and plugins. All chains of a gateway share one, so that a stop is in force for calls
/// under way, too.
#[derive(Debug, Default)]
pub struct StoppedPlugins(ArcSwap<Vec<Arc<str>>>);

impl StoppedPlugins {
    /// Replaces the names. Each is that of an interceptor, or that of a plugin, which stands for all its interceptors.
    pub fn set(&self, names: Vec<Arc<str>>) {
        self.0.store(Arc::new(names));
    }

    pub(crate) fn has(&self, step: &BoundInterceptor) -> bool {
        let names = self.0.load();
        let plugin = || &*step.interceptor().plugin().name;
        names
            .iter()
            .any(|name| **name == **step.name() || **name == *plugin())
    }

    pub(crate) fn are_none(&self) -> bool {
        self.0.load().is_empty()
    }
}

/// Why a call that a stopped plugin would judge is refused.
pub(crate) fn cause() -> RefusalCause {
    RefusalCause::Refused(Refusal {
        code: CODE.to_owned(),
        message: "the operator has stopped this policy, and what it would judge is refused until it is resumed"
            .to_owned(),
        pointer: None,
        details: None,
        explanation: None,
    })
}

#[cfg(test)]
mod tests;
