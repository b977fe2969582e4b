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
        Self::on(available_parallelism().map_or(1, usize::from))
    }

    /// The turns of a machine with so many processors.
    fn on(processors: usize) -> Self {
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
    async fn as_many_are_compiled_at_once_as_there_are_processors_and_never_more_than_four() {
        for (processors, places) in [(1, 1), (2, 2), (4, 4), (64, 4)] {
            let turns = Turns::on(processors);
            let mut taken: Vec<_> = (0..places)
                .map(|_| turns.take(None).now_or_never().unwrap())
                .collect();
            let mut waiting = Box::pin(turns.take(None));
            assert!((&mut waiting).now_or_never().is_none(), "{processors}");
            // Who gives up waiting has no place, and the next one gets it.
            drop(waiting);
            taken.pop();
            taken.push(turns.take(None).now_or_never().unwrap());
            assert!(turns.take(None).now_or_never().is_none(), "{processors}");
        }
    }

    #[tokio::test]
    async fn plugins_with_the_same_code_wait_for_each_other_and_take_one_place() {
        let turns = Turns::on(2);
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
