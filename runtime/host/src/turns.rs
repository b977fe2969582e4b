//! How many plugins are compiled at once, and which of them wait for each other.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::available_parallelism;

use parking_lot::Mutex;
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};

use crate::functions::CodeDigest;

/// Plugins that are compiled at once, where there are as many processors. One alone does not keep all of them busy to its
/// end; of many, each takes memory, an interpreter hundreds of megabytes.
const MAX_AT_ONCE: usize = 4;

/// Whose turn it is to compile.
pub(crate) struct Turns {
    places: Semaphore,
    /// Plugins with the same code are compiled one after the other: a later one finds the functions of those before.
    by_code: Mutex<HashMap<CodeDigest, Arc<tokio::sync::Mutex<()>>>>,
}

/// The turn of one plugin. It is held while the plugin is compiled.
pub(crate) struct Turn<'a> {
    _code: Option<OwnedMutexGuard<()>>,
    _place: Option<SemaphorePermit<'a>>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            places: Semaphore::new(processors.min(MAX_AT_ONCE)),
            by_code: Mutex::default(),
        }
    }

    /// Waits for the turn of a plugin with this code.
    pub(crate) async fn take(&self, code: Option<CodeDigest>) -> Turn<'_> {
        // In this order: who waits for the same code takes no place.
        let code = match code {
            Some(code) => Some(self.of(code).lock_owned().await),
            None => None,
        };
        Turn {
            _code: code,
            // Nobody closes the semaphore.
            _place: self.places.acquire().await.ok(),
        }
    }

    fn of(&self, code: CodeDigest) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.by_code.lock();
        all.retain(|_, one| Arc::strong_count(one) > 1);
        all.entry(code).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn plugins_with_the_same_code_wait_for_each_other_and_take_one_place() {
        let turns = Turns {
            places: Semaphore::new(2),
            by_code: Mutex::default(),
        };
        let code = |byte| Some(CodeDigest([byte; 32]));
        let first = turns.take(code(1)).await;
        assert!(turns.take(code(1)).now_or_never().is_none());
        let other = turns.take(code(2)).now_or_never().unwrap();
        assert!(turns.take(code(3)).now_or_never().is_none(), "no place");
        drop(first);
        drop(other);
        assert!(turns.take(code(1)).now_or_never().is_some());
        turns.take(None).await;
        assert_eq!(turns.by_code.lock().len(), 1, "what nobody holds goes");
    }
}
