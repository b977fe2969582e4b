//! An issuer's keys, kept: fetched when first needed, anew when they are old or a token names another key, and used for a
//! day where the issuer is down.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::algorithm::Algorithm;
use crate::key::Keys;

/// How long keys are used before they are fetched again.
const FRESH: Duration = Duration::from_secs(15 * 60);
/// How long the last keys are used where the issuer gives no new ones.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// The pause between fetches for keys that are not known.
const PAUSE: Duration = Duration::from_secs(30);
/// The pause after a failed attempt.
const AGAIN: Duration = Duration::from_secs(10);

/// An issuer's condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The number of its keys; 0 where it has given none, or is asked about each token instead.
    pub keys: usize,
    /// When it last answered.
    pub answered: Option<SystemTime>,
    /// Since when it has not answered as it should; `None` where it does.
    pub failing_since: Option<SystemTime>,
    /// What was wrong the last time.
    pub error: Option<String>,
}

#[derive(Default)]
pub(crate) struct KeyCache {
    state: Mutex<State>,
    /// Held by whoever fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Option<(Arc<Keys>, Instant)>,
    failed: Option<Instant>,
    /// The last fetch for a key that was not known.
    searched: Option<Instant>,
    health: Health,
}

/// What the cache has.
enum Held {
    /// Keys that are fresh, or as good as can be had.
    Usable(Arc<Keys>),
    /// Keys that are to be fetched again.
    Old(Arc<Keys>),
    /// Nothing, and the issuer may be asked.
    Nothing,
    /// Nothing, and the issuer failed a moment ago.
    Failed,
}

impl KeyCache {
    /// The keys among which the signer's must be. A key that is not known makes the keys fetched once more, at most every
    /// 30 s. `None` where there are no keys to judge by.
    pub(crate) async fn fitting<F>(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        fetch: impl Fn() -> F,
    ) -> Option<Arc<Keys>>
    where
        F: Future<Output = Result<Keys, String>>,
    {
        let keys = self.current(&fetch).await?;
        if !keys.fitting(id, algorithm).is_empty() || !self.may_search() {
            return Some(keys);
        }
        self.fetch(&fetch).await;
        match self.held() {
            Held::Usable(keys) | Held::Old(keys) => Some(keys),
            Held::Nothing | Held::Failed => None,
        }
    }

    /// The keys now; `None` where there are none.
    pub(crate) async fn current<F>(&self, fetch: &impl Fn() -> F) -> Option<Arc<Keys>>
    where
        F: Future<Output = Result<Keys, String>>,
    {
        let old = match self.held() {
            Held::Usable(keys) => return Some(keys),
            Held::Failed => return None,
            Held::Old(keys) => Some(keys),
            Held::Nothing => None,
        };
        let fetching = match &old {
            // One fetches, the others go on with what there is.
            Some(_) => self.fetching.try_lock().ok(),
            None => Some(self.fetching.lock().await),
        };
        if fetching.is_some() && !matches!(self.held(), Held::Usable(_) | Held::Failed) {
            self.settle(fetch().await);
        }
        drop(fetching);
        match self.held() {
            Held::Usable(keys) | Held::Old(keys) => Some(keys),
            Held::Nothing | Held::Failed => old,
        }
    }

    async fn fetch<F>(&self, fetch: &impl Fn() -> F)
    where
        F: Future<Output = Result<Keys, String>>,
    {
        let _fetching = self.fetching.lock().await;
        self.settle(fetch().await);
    }

    fn held(&self) -> Held {
        let state = self.state.lock();
        let resting = state.failed.is_some_and(|at| at.elapsed() < AGAIN);
        match &state.keys {
            Some((keys, at)) if at.elapsed() < FRESH => Held::Usable(keys.clone()),
            Some((keys, at)) if at.elapsed() < STALE => match resting {
                true => Held::Usable(keys.clone()),
                false => Held::Old(keys.clone()),
            },
            _ if resting => Held::Failed,
            _ => Held::Nothing,
        }
    }

    /// Whether the keys may be fetched for one that is not known; if so, not again for a while.
    fn may_search(&self) -> bool {
        let mut state = self.state.lock();
        let may = state.searched.is_none_or(|at| at.elapsed() >= PAUSE);
        if may {
            state.searched = Some(Instant::now());
        }
        may
    }

    fn settle(&self, fetched: Result<Keys, String>) {
        let mut state = self.state.lock();
        match fetched {
            Ok(keys) => {
                state.health = Health {
                    keys: keys.len(),
                    answered: Some(SystemTime::now()),
                    ..Health::default()
                };
                state.keys = Some((Arc::new(keys), Instant::now()));
                state.failed = None;
            }
            Err(why) => {
                state.failed = Some(Instant::now());
                state.health.fails(why);
            }
        }
    }

    pub(crate) fn health(&self) -> Health {
        self.state.lock().health.clone()
    }
}

impl Health {
    /// Notes that the issuer did not answer as it should.
    pub(crate) fn fails(&mut self, why: String) {
        if self.error.as_ref() != Some(&why) {
            tracing::warn!("an issuer of tokens gives no usable answer: {why}");
        }
        self.failing_since.get_or_insert_with(SystemTime::now);
        self.error = Some(why);
    }

    /// Notes that the issuer answered.
    pub(crate) fn answers(&mut self) {
        *self = Self {
            keys: self.keys,
            answered: Some(SystemTime::now()),
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::{Cell, RefCell};

    use super::*;

    /// An issuer of one key, whose id is `id`.
    struct Fake {
        cache: KeyCache,
        id: RefCell<Option<&'static str>>,
        asked: Cell<u32>,
    }

    impl Fake {
        fn new() -> Self {
            Self {
                cache: KeyCache::default(),
                id: RefCell::new(Some("one")),
                asked: Cell::new(0),
            }
        }

        /// Whether the key is found; `None` where there are no keys.
        async fn finds(&self, id: &str) -> Option<bool> {
            let keys = self.cache.fitting(Some(id), Algorithm::Es256, || async {
                self.asked.set(self.asked.get() + 1);
                let id = self.id.borrow().ok_or("down")?;
                let half = "A".repeat(43);
                let text = format!(
                    r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"{id}","x":"{half}","y":"{half}"}}]}}"#
                );
                Keys::read(text.as_bytes())
            });
            let keys = keys.await?;
            Some(!keys.fitting(Some(id), Algorithm::Es256).is_empty())
        }
    }

    async fn later(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_fetched_once_and_again_when_they_are_a_quarter_of_an_hour_old() {
        let fake = Fake::new();
        for _ in 0..3 {
            assert_eq!(fake.finds("one").await, Some(true));
        }
        assert_eq!(fake.asked.get(), 1);
        later(FRESH).await;
        assert_eq!(fake.finds("one").await, Some(true));
        assert_eq!(fake.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_key_makes_the_keys_fetched_once_in_half_a_minute() {
        let fake = Fake::new();
        assert_eq!(fake.finds("one").await, Some(true));
        *fake.id.borrow_mut() = Some("two");
        assert_eq!(fake.finds("two").await, Some(true));
        for made_up in ["three", "four", "five"] {
            assert_eq!(fake.finds(made_up).await, Some(false));
        }
        assert_eq!(fake.asked.get(), 2, "whoever makes up ids makes no traffic");
        later(PAUSE).await;
        assert_eq!(fake.finds("six").await, Some(false));
        assert_eq!(fake.asked.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_keys_serve_for_a_day_where_the_issuer_is_down_and_then_nothing_does() {
        let fake = Fake::new();
        assert_eq!(fake.finds("one").await, Some(true));
        *fake.id.borrow_mut() = None;
        later(FRESH).await;
        assert_eq!(fake.finds("one").await, Some(true));
        assert_eq!(fake.finds("one").await, Some(true));
        assert_eq!(
            fake.asked.get(),
            2,
            "an issuer that is down is left alone for a while"
        );
        let health = fake.cache.health();
        assert!(health.failing_since.is_some() && health.error.as_deref() == Some("down"));
        later(STALE).await;
        assert_eq!(fake.finds("one").await, None);
        later(PAUSE).await;
        *fake.id.borrow_mut() = Some("one");
        assert_eq!(fake.finds("one").await, Some(true));
        assert_eq!(fake.cache.health().failing_since, None);
    }

    #[tokio::test(start_paused = true)]
    async fn without_any_keys_the_issuer_is_asked_again_after_a_while() {
        let fake = Fake::new();
        *fake.id.borrow_mut() = None;
        for _ in 0..3 {
            assert_eq!(fake.finds("one").await, None);
        }
        assert_eq!(fake.asked.get(), 1);
        *fake.id.borrow_mut() = Some("one");
        later(AGAIN).await;
        assert_eq!(fake.finds("one").await, Some(true));
    }
}
