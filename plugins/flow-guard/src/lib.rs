//! Watches the order of calls in a conversation: text that anybody may have written comes in, something private is read,
//! something goes out. A value of such a text that comes back as a destination, a passage that reads like an instruction,
//! a first use of credentials, a change to another application, a burst: each adds to a score. By default a high score
//! is recorded and nothing is refused.
//!
//! It knows calls and results only. What a user has said to the agent is not seen here, so nothing can tell a user's own
//! wish from what a text asked for but where the values come from.

mod command;
mod filter;
mod guess;
mod history;
mod label;
mod name;
mod reader;
mod received;
mod session;
mod settings;
mod value;
mod verdict;
mod vocabulary;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use sandgate_sdk::is_plain_name;
use sandgate_sdk::{
    Context, Document, Error, Explanation, Interceptor, Issues, PostDecision, PreDecision, because,
    bump_arena, export, finding, glob_matches, refuse, without_system,
};

pub use guess::{Tool, tool};
pub use history::History;
pub use label::{Label, Labels};
pub use settings::Settings;
pub use value::{Value, values};
pub use verdict::{Call, Sign, Verdict, judge};

use crate::settings::{Burst, Target};

/// Where the arguments of a call are.
const ARGUMENTS: &str = "/arguments/";
/// The most values of a call's arguments that are looked at.
const MOST_VALUES: usize = 96;
/// The longest string that is read before the others, in bytes.
const SHORT: usize = 256;
/// How many longer ones are read.
const MOST_LONG: usize = 64;
/// How much of the longer ones is read, in bytes.
const MOST_TEXT: usize = 4 << 10;

bump_arena!();
without_system!();
export!(FlowGuard);

/// The policy.
pub struct FlowGuard {
    labels: Vec<(Target, Labels)>,
    refuse: Vec<(Labels, Labels)>,
    record_at: f32,
    refuse_at: Option<f32>,
    trusted: Vec<String>,
    exempt: Vec<(Target, Option<String>)>,
    burst: Burst,
    remember: Duration,
}

/// The values of a call's arguments, and in which of its strings each stands.
#[derive(Default)]
struct Values {
    hashes: Vec<u32>,
    strings: Vec<u32>,
}

impl Values {
    fn add(&mut self, string: u32, hash: Option<u32>) {
        if let Some(hash) = hash
            && self.hashes.len() < MOST_VALUES
            && !self.hashes.contains(&hash)
        {
            self.hashes.push(hash);
            self.strings.push(string);
        }
    }
}

/// What a run has learnt of a call.
struct Judged {
    verdict: Verdict,
    is_burst: bool,
    refusal: Option<Refused>,
}

/// Why a call is refused.
#[derive(Clone, Copy)]
enum Refused {
    /// By the pair of labels at this place of the settings.
    Pair(usize),
    Score,
}

impl Interceptor for FlowGuard {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        settings.read()
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        let (server, target) = (context.server(), context.target().unwrap_or_default());
        let tool = self.tool(context, &server, &target);
        let exempt: Vec<Option<&str>> = self
            .exempt
            .iter()
            .filter(|(of, _)| of.is(&server, &target))
            .map(|(_, argument)| argument.as_deref())
            .collect();
        let is_exempt = exempt.contains(&None);
        let values = self.values(params, tool.labels.act(), &exempt);
        let call = Call {
            tool,
            values: &values.hashes,
        };
        let counts = counts_for_bursts(tool.labels) && self.burst.calls > 0;
        let now = if counts { seconds() } else { 0 };
        let judged = session::update(&session::key(context), self.remember, |history| {
            let verdict = judge(history, &call);
            let refusal = match is_exempt {
                true => None,
                false => self.refused(history.seen, tool.labels, &verdict),
            };
            // What is refused is not made: recorded, it would pass when it is repeated.
            let is_made = refusal.is_none();
            let is_burst = is_made && counts && history.counts(self.burst, now);
            if is_made {
                history.called(&call);
            }
            Judged {
                verdict,
                is_burst,
                refusal,
            }
        })?;
        if is_exempt {
            return Ok(PreDecision::Proceed);
        }
        Ok(self.decide(&server, &target, tool.labels, params, &values, &judged))
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let method = context.method();
        let is_resource = method == "resources/read";
        let labels = match is_resource {
            true => {
                let server = context.server();
                let target = context.target().unwrap_or_default();
                let labels = self.labelled(&server, &target);
                labels.unwrap_or(Label::Untrusted.into())
            }
            false => {
                let (server, target) = (context.server(), context.target().unwrap_or_default());
                self.tool(context, &server, &target).labels
            }
        };
        let is_trusted = labels.has(Label::Private) && !labels.act();
        let mut received = received::Received::default();
        if labels.has(Label::Untrusted) || is_trusted && !is_error(context, reply) {
            received = received::Received::read(labels, reply.texts().joined());
            if received.is_trusted()
                && let Some(params) = context.params()
            {
                received.without(&asked(&params));
            }
        }
        // No call before has told what a resource is. Untrusted is what was read of it.
        let read = match is_resource && !context.failed() {
            true => labels.without(Label::Untrusted),
            false => Labels::NONE,
        };
        if !received.is_empty() || !read.is_empty() {
            session::update(&session::key(context), self.remember, |history| {
                history.received(&received);
                history.read_resource(read);
            })?;
        }
        Ok(PostDecision::Proceed)
    }
}

impl FlowGuard {
    /// What the operator says that it does.
    fn labelled(&self, server: &str, target: &str) -> Option<Labels> {
        let mut entries = self.labels.iter();
        entries
            .find(|(of, _)| of.is(server, target))
            .map(|(_, labels)| *labels)
    }

    fn tool(&self, context: &Context, server: &str, target: &str) -> Tool {
        match self.labelled(server, target) {
            Some(labels) => Tool {
                labels,
                ..tool(server, target, None)
            },
            None => tool(server, target, context.definition().as_deref()),
        }
    }

    /// The values of the arguments that count.
    fn values(&self, params: &Document, acts: bool, exempt: &[Option<&str>]) -> Values {
        let mut values = Values::default();
        let strings = params.strings();
        // Destinations are short. Of what is long and goes out, such as the body of a letter, the beginning is read for
        // links.
        let (mut long, mut budget) = (Vec::new(), MOST_TEXT);
        for (index, text) in (0..).zip(strings.iter()) {
            if text.len() > SHORT {
                long.push((index, text));
                continue;
            }
            values.add(
                index,
                value::whole(text).filter(|_| text.len() <= value::WHOLE),
            );
            value::values(text, |value| values.add(index, Some(value.hash)));
        }
        long.truncate(if acts { MOST_LONG } else { 0 });
        for (index, text) in long {
            let part = &text[..text.floor_char_boundary(budget)];
            budget -= part.len();
            value::values(part, |value| values.add(index, Some(value.hash)));
        }
        if self.trusted.is_empty() && exempt.is_empty() {
            return values;
        }
        let counts = |index: u32| {
            let text = strings.get(index as usize).unwrap_or_default();
            let text = text.trim().to_lowercase();
            !self.is_trusted(&text) && !is_exempt(params, index, exempt)
        };
        let kept: Vec<bool> = values.strings.iter().map(|index| counts(*index)).collect();
        let mut keeps = kept.iter();
        values
            .hashes
            .retain(|_| keeps.next().copied().unwrap_or(true));
        let mut keeps = kept.iter();
        values
            .strings
            .retain(|_| keeps.next().copied().unwrap_or(true));
        values
    }

    /// Why a call with these labels is refused after the labels that were seen.
    fn refused(&self, seen: Labels, labels: Labels, verdict: &Verdict) -> Option<Refused> {
        let pair = self
            .refuse
            .iter()
            .position(|(after, then)| seen.with(*after) == seen && labels.meet(*then));
        let is_over = self.refuse_at.is_some_and(|limit| verdict.score >= limit);
        pair.map(Refused::Pair)
            .or(is_over.then_some(Refused::Score))
    }

    /// Whether a string is a destination that is trusted. A wildcard counts in a string of one value only.
    fn is_trusted(&self, text: &str) -> bool {
        self.trusted
            .iter()
            .any(|glob| glob == text || is_one_value(text, glob) && glob_matches(glob, text))
    }

    fn decide(
        &self,
        server: &str,
        target: &str,
        labels: Labels,
        params: &Document,
        values: &Values,
        judged: &Judged,
    ) -> PreDecision {
        let verdict = &judged.verdict;
        let place = verdict
            .value
            .and_then(|at| params.string_pointer(*values.strings.get(at)?))
            .filter(|pointer| pointer.starts_with(ARGUMENTS));
        let exception = |told: Explanation| {
            let told = told.taken_for(format!("call that {}", said(labels)));
            match is_plain_name(target) {
                true => told.allowed_by(
                    "/exempt/-",
                    serde_json::json!({ "tool": format!("{server}/{target}") }),
                ),
                false => told.decided_by("/exempt"),
            }
        };
        if let Some(Refused::Pair(pair)) = judged.refusal {
            let told = because(format!("pair {} of labels", pair + 1));
            return refuse(
                "flow-guard.pair",
                "This call is not allowed after what this conversation has read or done.",
            )
            .at("/name")
            .explain(exception(told))
            .into();
        }
        let signs: Vec<&str> = verdict.signs().map(Sign::name).collect();
        let score = format!("{:.2}", verdict.score);
        if let Some(Refused::Score) = judged.refusal {
            let told = because(format!("score {score}: {}", signs.join(", ")));
            let refusal = refuse(
                "flow-guard.score",
                "This call looks like one that a text asked for, not the user. Ask the user before it is made.",
            )
            .at(place.unwrap_or_else(|| "/name".into()));
            return refusal.explain(exception(told)).into();
        }
        if verdict.score >= self.record_at {
            let told = because(format!("score {score}: {}", signs.join(", ")));
            finding(
                "flow-guard.score",
                "A call that looks like one that a text asked for, not the user.",
            )
            .warn()
            .in_params()
            .at(place.unwrap_or_else(|| "/name".into()))
            .details(format!(r#"{{"score":{score}}}"#))
            .explain(exception(told))
            .report();
        }
        if judged.is_burst {
            let Burst { calls, seconds } = self.burst;
            let told = because(format!("{calls} calls in {seconds} s"));
            finding("flow-guard.burst", "Many calls that act, in a short time.")
                .warn()
                .in_params()
                .at("/name")
                .explain(exception(told))
                .report();
        }
        PreDecision::Proceed
    }
}

/// Whether a string is one address, host or link. Only a glob with a `/` is for links.
fn is_one_value(text: &str, glob: &str) -> bool {
    let separates =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '"' | '\'' | '`');
    let is_of_links = |c: char| matches!(c, '/' | '?' | '#' | ':' | '\\');
    !text.contains(separates)
        && text.matches('@').count() <= 1
        && (glob.contains('/') || !text.contains(is_of_links))
}

/// Whether a string of the params is an argument that is not judged.
fn is_exempt(params: &Document, index: u32, exempt: &[Option<&str>]) -> bool {
    if exempt.is_empty() {
        return false;
    }
    let pointer = params.string_pointer(index).unwrap_or_default();
    let Some(path) = pointer.strip_prefix(ARGUMENTS) else {
        return false;
    };
    let name = path.split('/').next().unwrap_or_default();
    exempt.iter().flatten().any(|argument| *argument == name)
}

fn counts_for_bursts(labels: Labels) -> bool {
    labels.act() && labels.without(Label::Changes).act() || labels.has(Label::Credentials)
}

/// Whether the reply says that the call went wrong.
fn is_error(context: &Context, reply: &Document) -> bool {
    context.failed() || reply.get("/isError").as_deref() == Some("true")
}

/// The values that a call asks for.
fn asked(params: &Document) -> BTreeSet<u32> {
    let mut asked = BTreeSet::new();
    let strings = params.strings();
    values(strings.joined(), |value| {
        asked.insert(value.hash);
    });
    let short = strings.iter().filter(|text| text.len() <= value::WHOLE);
    asked.extend(short.filter_map(value::whole));
    asked
}

/// What a call does, for an explanation.
fn said(labels: Labels) -> String {
    match labels.is_empty() {
        true => "does nothing labelled".into(),
        false => format!("is labelled {labels}"),
    }
}

/// Seconds since 1970.
fn seconds() -> u32 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u32::try_from(now.unwrap_or_default().as_secs()).unwrap_or(u32::MAX)
}

impl History {
    /// Counts a call that acts. Whether it makes a burst: told once, at the call that fills the window.
    fn counts(&mut self, burst: Burst, now: u32) -> bool {
        if now < self.window || now - self.window >= burst.seconds {
            self.window = now;
            self.burst = 0;
        }
        self.burst = self.burst.saturating_add(1);
        self.burst == burst.calls
    }
}

#[cfg(test)]
mod tests;
