//! Asks the classifier about inputs: what is kept first, then requests of several inputs each, within the time and the
//! number of requests of one call.

use std::time::Duration;

use sandgate_sdk::Context;
use sandgate_sdk::http::{self, Failure};

use crate::cache::Cache;
use crate::inputs::Input;
use crate::protocol;
use crate::settings::{Limits, Settings};
use crate::verdict::Verdict;

/// Bytes of an answer's body.
const LONGEST_ANSWER: usize = 1 << 20;

/// Inputs of one document, whether they are known or not.
const MOST_INPUTS: usize = 1024;

/// Of the hook's own time, what is left for deciding.
const RESERVE: Duration = Duration::from_millis(20);

/// Why an input has no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The grant of this host is missing.
    Denied,
    /// No connection, or one that ended early.
    Unreachable,
    /// No answer in time.
    Late,
    /// A status other than 200.
    Status(u16),
    /// An answer that is too long, or not of the protocol's shape, or not about these inputs.
    Unreadable,
}

/// What came of asking.
#[derive(Default)]
pub(crate) struct Judged {
    /// By input; none where there is no verdict.
    pub(crate) verdicts: Vec<Option<Verdict>>,
    /// The first trouble.
    pub(crate) trouble: Option<Trouble>,
    /// The first input that was not asked about, since the number of requests was used up.
    pub(crate) not_asked: Option<usize>,
}

impl Trouble {
    /// For people and programs.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Denied => "the host is not granted (grants.http)".into(),
            Self::Unreachable => "it cannot be reached, or closed the connection".into(),
            Self::Late => "no answer in time".into(),
            Self::Status(status) => format!("status {status}"),
            Self::Unreadable => "an answer that is not of the protocol's shape".into(),
        }
    }

    /// Whether the next request would fare no better.
    fn is_lasting(self) -> bool {
        matches!(self, Self::Denied | Self::Unreachable | Self::Late)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied => Self::Denied,
            Failure::TooLarge(_) => Self::Unreadable,
            Failure::TimedOut => Self::Late,
            Failure::Url | Failure::Refused | Failure::Cut | Failure::Failed(_) => {
                Self::Unreachable
            }
        }
    }
}

/// Asks about the inputs.
pub(crate) fn ask(
    settings: &Settings,
    limits: &Limits,
    cache: &Cache,
    context: &Context,
    inputs: &[Input],
) -> Judged {
    let looked_up = inputs.iter().take(MOST_INPUTS);
    let mut judged = Judged {
        verdicts: looked_up.map(|input| cache.get(&input.text)).collect(),
        not_asked: (inputs.len() > MOST_INPUTS).then_some(MOST_INPUTS),
        ..Judged::default()
    };
    let unknown: Vec<usize> = (0..judged.verdicts.len())
        .filter(|index| judged.verdicts[*index].is_none())
        .collect();
    if unknown.is_empty() {
        return judged;
    }
    let at_start = context.remaining();
    for (number, batch) in unknown.chunks(protocol::batch(settings)).enumerate() {
        if number == settings.max_requests {
            judged.not_asked = batch.first().copied();
            break;
        }
        let now = context.remaining();
        let left = limits
            .timeout
            .saturating_sub(at_start.saturating_sub(now))
            .min(now.saturating_sub(RESERVE));
        let texts: Vec<&str> = batch.iter().map(|index| &*inputs[*index].text).collect();
        match request(settings, limits, &texts, left) {
            Ok(verdicts) => {
                for (index, verdict) in batch.iter().zip(verdicts) {
                    cache.keep(&inputs[*index].text, &verdict);
                    judged.verdicts[*index] = Some(verdict);
                }
            }
            Err(trouble) => {
                judged.trouble.get_or_insert(trouble);
                if trouble.is_lasting() {
                    break;
                }
            }
        }
    }
    judged
}

fn request(
    settings: &Settings,
    limits: &Limits,
    texts: &[&str],
    left: Duration,
) -> Result<Vec<Verdict>, Trouble> {
    if left.is_zero() {
        return Err(Trouble::Late);
    }
    let body = protocol::body(settings, limits.actions.least(), texts);
    let mut request = http::post(&settings.url, body)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .limit(LONGEST_ANSWER)
        .timeout(left);
    if let Some(key) = &settings.api_key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let reply = request.send()?;
    if reply.status != 200 {
        return Err(Trouble::Status(reply.status));
    }
    protocol::verdicts(settings, &reply.body, texts).map_err(|_| Trouble::Unreadable)
}
