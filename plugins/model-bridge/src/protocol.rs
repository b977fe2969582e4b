//! The protocols: what is asked, and how the answer is read. A classifier is no more trusted than any server: an answer
//! of another shape than expected is no answer.

mod chat;
mod guard;
mod moderation;
mod presidio;

use crate::settings::{Kind, Settings};
use crate::verdict::Verdict;

/// An answer that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// The most inputs that one request takes.
pub(crate) fn batch(settings: &Settings) -> usize {
    match settings.kind {
        // One answer, one score.
        Kind::OpenaiChat => 1,
        _ => settings.batch,
    }
}

/// The body of a request about these inputs. `least` is the lowest score that matters.
pub(crate) fn body(settings: &Settings, least: f64, inputs: &[&str]) -> String {
    match settings.kind {
        Kind::OpenaiModeration => moderation::body(settings, inputs),
        Kind::OpenaiChat => chat::body(settings, inputs),
        Kind::Presidio => presidio::body(settings, least, inputs),
        Kind::PromptGuard => guard::body(settings, inputs),
    }
}

/// A verdict on each of the inputs.
///
/// # Errors
///
/// The answer is not of the protocol's shape, or says what cannot be of these inputs.
pub(crate) fn verdicts(
    settings: &Settings,
    answer: &[u8],
    inputs: &[&str],
) -> Result<Vec<Verdict>, Unreadable> {
    let verdicts = match settings.kind {
        Kind::OpenaiModeration => moderation::verdicts(settings, answer),
        Kind::OpenaiChat => chat::verdicts(answer),
        Kind::Presidio => presidio::verdicts(settings, answer, inputs),
        Kind::PromptGuard => guard::verdicts(settings, answer, inputs.len()),
    }?;
    let is_whole = verdicts.len() == inputs.len()
        && verdicts
            .iter()
            .zip(inputs)
            .all(|(verdict, input)| verdict.is_about(input));
    is_whole.then_some(verdicts).ok_or(Unreadable)
}
