//! The judgement of a call: how much the conversation so far speaks for somebody else's will behind it.
//!
//! The score is a sum of what is known. It has no part that a text can lower: an attacker writes the text.

use crate::guess::Tool;
use crate::history::History;
use crate::label::{Label, Labels};

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What is called.
    pub tool: Tool,
    /// Hashes of the values in its arguments that no exception trusts.
    pub values: &'a [u32],
}

/// What speaks for somebody else's will. In the order of weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A value of the arguments comes from a passage that reads like an instruction.
    InstructedValue,
    /// Untrusted text of this conversation reads like an instruction.
    Instruction,
    /// A value of the arguments is named by a command in untrusted text.
    OrderedValue,
    /// Untrusted text told to do what the call does.
    Ordered,
    /// A value of the arguments comes from untrusted text.
    UntrustedValue,
    /// The call is of an application that this conversation had not used before the untrusted text.
    OtherApplication,
    /// Something private was read after the untrusted text.
    PrivateRead,
    /// The conversation deals with credentials for the first time, after untrusted text.
    FirstCredentials,
    /// Many calls that act, in a short time.
    Burst,
}

impl Sign {
    const ALL: [Self; 9] = [
        Self::InstructedValue,
        Self::Instruction,
        Self::OrderedValue,
        Self::Ordered,
        Self::UntrustedValue,
        Self::OtherApplication,
        Self::PrivateRead,
        Self::FirstCredentials,
        Self::Burst,
    ];

    /// For findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::InstructedValue => "value from an instruction",
            Self::Instruction => "instruction in untrusted text",
            Self::OrderedValue => "value that a command names",
            Self::Ordered => "command in untrusted text",
            Self::UntrustedValue => "value from untrusted text",
            Self::OtherApplication => "another application",
            Self::PrivateRead => "private data read before",
            Self::FirstCredentials => "first use of credentials",
            Self::Burst => "burst",
        }
    }
}

/// The judgement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Verdict {
    /// From 0.0. At [`Verdict::ALERT`] and above it is worth an alert.
    pub score: f32,
    /// The place in [`Call::values`] of the first value that counted.
    pub value: Option<usize>,
    signs: u16,
}

impl Verdict {
    /// The score at which a call is recorded unless the operator says otherwise.
    pub const ALERT: f32 = 1.0;

    /// What counted.
    pub fn signs(&self) -> impl Iterator<Item = Sign> {
        let signs = self.signs;
        Sign::ALL
            .into_iter()
            .filter(move |sign| signs >> *sign as u8 & 1 == 1)
    }

    fn add(&mut self, sign: Sign, weight: f32) {
        self.signs |= 1 << sign as u8;
        self.score += weight;
    }
}

/// Judges the next call of a conversation.
pub fn judge(history: &History, next: &Call) -> Verdict {
    let mut verdict = Verdict::default();
    let labels = next.tool.labels;
    // A reader of the open world sends too: what it asks for is in the address.
    let asks = labels.has(Label::Untrusted) && !labels.has(Label::Private) && !labels.act();
    if !history.has_untrusted() || !labels.act() && !asks {
        return verdict;
    }
    verdict.score = if asks { 0.2 } else { harm(labels) };
    let strays = !asks && !history.applications.has(next.tool.application);
    // Where the text that came in was read and is harmless, a change of application is what agents are for.
    let (stray, private) = match history.was_read {
        true => (0.15, 0.1),
        false => (0.6, 0.3),
    };
    // Where it was another application that was read, sending from the first one is part of the same detour.
    if strays || history.strayed && labels.has(Label::Sink) {
        verdict.add(Sign::OtherApplication, stray);
    }
    let takes_away = labels.has(Label::Sink)
        && (history.since.has(Label::Private) || labels.has(Label::Private));
    if takes_away {
        verdict.add(Sign::PrivateRead, private);
    }
    if labels.has(Label::Credentials) && !history.seen.has(Label::Credentials) {
        verdict.add(Sign::FirstCredentials, 0.1);
    }
    let instruction = f32::from(history.instruction) / 255.0;
    if instruction >= 0.3 {
        verdict.add(Sign::Instruction, 0.9 * instruction);
    }
    let first = |is: &dyn Fn(u32) -> bool| next.values.iter().position(|value| is(*value));
    let instructed = first(&|value| history.instructed.has(value) && !history.known.has(value));
    let ordered = first(&|value| history.ordered.has(value) && !history.known.has(value));
    let untrusted = first(&|value| history.untrusted.has(value) && !history.known.has(value));
    if instructed.is_some() {
        verdict.add(Sign::InstructedValue, 0.4);
        verdict.value = instructed;
    } else if ordered.is_some() {
        verdict.add(Sign::OrderedValue, 0.5);
        verdict.value = ordered;
    } else if untrusted.is_some() {
        verdict.add(Sign::UntrustedValue, 0.25);
        verdict.value = untrusted;
    }
    if asks && !(instructed.is_some() || ordered.is_some()) {
        return Verdict::default();
    }
    let does = if asks {
        labels.and(Label::Sink)
    } else {
        labels
    };
    if does.meet(history.commands) {
        verdict.add(Sign::Ordered, 0.2);
    }
    verdict
}

/// What the call could do by itself.
fn harm(labels: Labels) -> f32 {
    let weights = [
        (Label::Credentials, 0.45),
        (Label::Pays, 0.45),
        (Label::Destroys, 0.4),
        (Label::Sink, 0.3),
        (Label::Changes, 0.15),
    ];
    let heaviest = weights.iter().find(|(label, _)| labels.has(*label));
    heaviest.map_or(0.0, |(_, weight)| *weight)
}

impl History {
    /// Puts a call that is made into the history. `now`: seconds since 1970.
    pub fn called(&mut self, call: &Call) {
        let labels = call.tool.labels;
        self.calls = self.calls.saturating_add(1);
        if self.has_untrusted() {
            self.since = self.since.with(labels);
            self.strayed |= labels.has(Label::Private)
                && !labels.act()
                && !self.applications.has(call.tool.application);
        }
        // What an agent says before it could have read it is its own or its user's.
        for value in call.values {
            let is_theirs = self.untrusted.has(*value) || self.ordered.has(*value);
            if !is_theirs {
                self.known.add(*value);
            }
        }
        self.applications.add(call.tool.application);
        self.seen = self.seen.with(labels);
    }
}
