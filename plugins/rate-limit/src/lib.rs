//! Limits say how many calls a caller, a conversation or a tool may make in a length of time. Every limit that fits a
//! call must have room for it. What does not fit is refused, with the time after which to try again.
//!
//! Each limit is a token bucket. It counts calls of tools and, where the operator wants it, gets of prompts and reads
//! of resources. It does not know HTTP: the gateway's own `rate` counts requests.

mod bucket;
mod key;
mod limit;
mod settings;
mod span;

use std::time::{Duration, SystemTime};

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PreDecision, Refusal, because, bump_arena,
    export, refuse, state, without_system,
};

pub use settings::Settings;

use crate::bucket::Bucket;
use crate::key::Keys;
use crate::limit::Limit;
use crate::settings::{Kind, Targets};

/// How often a run tries to write a bucket that others write at the same time.
const TRIES: usize = 64;

bump_arena!();
without_system!();
export!(RateLimit: pre_call);

/// The policy.
pub struct RateLimit {
    limits: Vec<Limit>,
    exempt: Vec<Targets>,
    kinds: Vec<Kind>,
}

impl Interceptor for RateLimit {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        settings.read()
    }

    fn pre_call(&self, context: &Context, _params: &Document) -> Result<PreDecision, Error> {
        // A clock before 1970 is a broken one; the buckets then stand still.
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.judge(context, now)
    }
}

impl RateLimit {
    /// Counts the call, which comes `now` (the time since 1970), or refuses it.
    fn judge(&self, context: &Context, now: Duration) -> Result<PreDecision, Error> {
        let Some(kind) = Kind::used_by(&context.method()).filter(|it| self.kinds.contains(it))
        else {
            return Ok(PreDecision::Proceed);
        };
        let keys = Keys::of(context);
        let is_exempt = !self.exempt.is_empty()
            && !keys.target().is_empty()
            && self
                .exempt
                .iter()
                .any(|targets| targets.have(keys.server(), keys.target()));
        if is_exempt {
            return Ok(PreDecision::Proceed);
        }
        let mut fitting = Vec::new();
        for limit in &self.limits {
            if limit.fits(&keys) {
                fitting.push((limit, limit.key(&keys)));
            }
        }
        // A call that one limit refuses takes nothing from the others, so all are asked before any is written.
        if let [_, _, ..] = &*fitting {
            for (limit, key) in &fitting {
                let bucket = Bucket::read(state::get(key)?.as_deref());
                if let Err(wait) = bucket.take(limit.pace, now) {
                    return Ok(refused(limit, wait, kind, &keys).into());
                }
            }
        }
        for (limit, key) in &fitting {
            if let Some(wait) = take(limit, key, now)? {
                return Ok(refused(limit, wait, kind, &keys).into());
            }
        }
        Ok(PreDecision::Proceed)
    }
}

/// Takes one call from the bucket. Where there is none to take: how long to wait.
fn take(limit: &Limit, key: &str, now: Duration) -> Result<Option<Duration>, Error> {
    for _ in 0..TRIES {
        let stored = state::get(key)?;
        let taken = match Bucket::read(stored.as_deref()).take(limit.pace, now) {
            Ok(taken) => taken,
            Err(wait) => return Ok(Some(wait)),
        };
        // A full bucket is like none, so it need not be kept longer.
        let is_written = state::compare_and_set(
            key,
            stored.as_deref(),
            &taken.written(),
            Some(taken.full_after(now)),
        )?;
        if is_written {
            return Ok(None);
        }
    }
    Ok(Some(limit.pace.interval()))
}

/// The refusal. The text names the limit and the time, which the caller may know.
fn refused(limit: &Limit, wait: Duration, kind: Kind, keys: &Keys) -> Refusal {
    let wait = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let message = format!(
        "Too many calls: at most {} in {}{}. Try again in {}.",
        limit.calls,
        limit.per,
        limit.by.said(),
        span::told(wait),
    );
    let told = because(format!(
        "limit {}: {} calls in {}{}",
        limit.number,
        limit.calls,
        limit.per,
        limit.by.said()
    ))
    .taken_for(kind.role());
    let told = match keys.named() {
        Some(name) => told.allowed_by("/exempt/-", name),
        None => told.decided_by(format!("/limits/{}/calls", limit.number - 1)),
    };
    refuse("rate-limit.exceeded", message)
        .at(kind.pointer())
        .details(serde_json::json!({ "retryAfterMs": wait }))
        .explain(told)
}

#[cfg(test)]
mod tests;
