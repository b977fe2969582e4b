//! The history of a conversation in the state.

use std::time::Duration;

use sandgate_sdk::{Context, Error, state};
use sha2::{Digest, Sha256};

use crate::history::History;

/// How often a run tries to write a history that others write at the same time.
const TRIES: usize = 32;
/// The longest name that stands in a key as it is, in bytes.
const LONGEST: usize = 128;

/// The key of the history: the conversation, else the caller. Anonymous callers without a conversation are one.
pub(crate) fn key(context: &Context) -> String {
    match (context.session(), context.principal()) {
        (Some(session), _) => format!("s{}", short(session)),
        (None, Some(principal)) => format!("p{}", short(principal)),
        (None, None) => "anonymous".into(),
    }
}

fn short(name: String) -> String {
    if name.len() <= LONGEST && !name.starts_with('#') {
        return name;
    }
    let digest = Sha256::digest(name);
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    format!("#{}", hex.collect::<String>())
}

/// Changes the history and gives what `change` gave. `change` may run several times, each time with the history as it
/// is then, and says with `None` that there is nothing to keep.
///
/// # Errors
///
/// The state cannot be read or written, or others write it all the time.
pub(crate) fn update<T>(
    key: &str,
    remember: Duration,
    mut change: impl FnMut(&mut History) -> T,
) -> Result<T, Error> {
    for _ in 0..TRIES {
        let stored = state::get(key)?;
        let mut history = stored
            .as_deref()
            .and_then(History::read)
            .unwrap_or_default();
        let outcome = change(&mut history);
        let written = history.written();
        if state::compare_and_set(key, stored.as_deref(), &written, Some(remember))? {
            return Ok(outcome);
        }
    }
    Err(Error::new(
        "the history of the conversation is written by others all the time",
    ))
}
