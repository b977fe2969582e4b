//! Checks what servers tell models about their tools: hidden characters, names that imitate others, texts that speak to
//! the model. What is sure is taken out of the list and cannot be called; what is probable is recorded.
//!
//! The policy looks at definitions only. Whether a tool does what its definition says is not its matter, nor whether the
//! definition changed.

mod capability;
mod definition;
mod known;
mod names;
mod settings;
mod verdict;

use std::borrow::Cow;
use std::collections::BTreeMap;

use list_kind::Kind;
use sandgate_detect::confusable::{Spelling, skeleton, spelling};
use sandgate_detect::poisoning;
use sandgate_sdk::{
    Context, Document, Edit, Error, Interceptor, Issues, PostDecision, PreDecision, bump_arena,
    export, without_system,
};
use serde_json::value::RawValue;

pub use settings::Settings;

use crate::definition::Traits;
use crate::known::Known;
use crate::names::Likeness;
use crate::settings::{Action, Note};
use crate::verdict::{Flaw, Subject};

bump_arena!();
without_system!();
export!(ToolGuard);

/// The most findings of one list. What is taken out beyond that is taken out all the same.
const MOST_FINDINGS: usize = 100;

/// The policy.
pub struct ToolGuard {
    settings: Settings,
}

impl Interceptor for ToolGuard {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        Ok(Self {
            settings: settings.checked()?,
        })
    }

    fn pre_call(&self, context: &Context, _: &Document) -> Result<PreDecision, Error> {
        let Some(kind) = Kind::used_by(&context.method()) else {
            return Ok(PreDecision::Proceed);
        };
        let Some(name) = context.target() else {
            return Ok(PreDecision::Proceed);
        };
        let server = context.server();
        if self.settings.allows(&server, &name) {
            return Ok(PreDecision::Proceed);
        }
        let subject = Subject {
            server: &server,
            name: &name,
            what: kind.singular(),
        };
        if self.settings.imitations == Action::Remove && is_imitation(&name) {
            return Ok(Flaw::Imitation.refusal(subject).into());
        }
        let removes_poisoned = self.settings.poisoned == Action::Remove;
        if self.settings.hidden != Action::Remove && !removes_poisoned {
            return Ok(PreDecision::Proceed);
        }
        let Some(definition) = context.definition() else {
            return Ok(PreDecision::Proceed);
        };
        let traits = match removes_poisoned {
            true => Traits::of(&serde_json::from_str(&definition)?),
            false => Traits::hidden_in(&definition)?,
        };
        if self.settings.hidden == Action::Remove && traits.hides() {
            return Ok(Flaw::Hidden(traits.hidden).refusal(subject).into());
        }
        if removes_poisoned && traits.is_poisoned(self.settings.threshold) {
            return Ok(Flaw::Poisoned(traits.signs).refusal(subject).into());
        }
        Ok(PreDecision::Proceed)
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        if context.failed() {
            return Ok(PostDecision::Proceed);
        }
        match Kind::listed_by(&context.method()) {
            Some(kind) => self.lists(context, reply, kind),
            None => Ok(self.instructs(context, reply)?),
        }
    }
}

/// Whether a name that is called passes for another one.
fn is_imitation(name: &str) -> bool {
    let spelt = spelling(name);
    // Most names are plain, and nothing is asked for them.
    spelt != Spelling::Plain
        && names::alone(spelt, &skeleton(name), &Known::recall()) == Likeness::Imitation
}

impl ToolGuard {
    /// Checks the definitions of a list.
    fn lists(
        &self,
        context: &Context,
        reply: &Document,
        kind: Kind,
    ) -> Result<PostDecision, Error> {
        let pointer = format!("/{}", kind.list());
        let Some(list) = reply.get(&pointer) else {
            return Ok(PostDecision::Proceed);
        };
        let elements: Vec<&RawValue> = serde_json::from_str(&list)
            .map_err(|_| Error::new(format!("{pointer} of the reply is not a list")))?;
        let server = context.server();
        let names: Vec<Option<Cow<'_, str>>> =
            elements.iter().map(|element| name(element, kind)).collect();
        let likenesses = self.likenesses(&server, &names, kind);
        // A sign of a name counts beside a text that says too little to be asked about.
        let is_read_whole = self.settings.threshold < definition::NOTABLE + definition::COLLECTS
            || reply.keys().iter().any(definition::is_sentence);
        let traits = match is_read_whole {
            true => elements
                .iter()
                .map(|element| Ok(Traits::of(&serde_json::from_str(element.get())?)))
                .collect::<Result<Vec<_>, Error>>()?,
            false => traits(reply, kind, elements.len()),
        };
        let mut report = Report::default();
        for (n, element) in elements.iter().enumerate() {
            let subject = Subject {
                server: &server,
                name: names.get(n).and_then(Option::as_deref).unwrap_or_default(),
                what: kind.singular(),
            };
            if self.settings.allows(subject.server, subject.name) {
                continue;
            }
            let place = format!("{pointer}/{n}");
            let likeness = likenesses.get(n).copied().unwrap_or(Likeness::None);
            let mut is_removed = match likeness {
                Likeness::Imitation => {
                    report.act(self.settings.imitations, &Flaw::Imitation, subject, &place)
                }
                Likeness::Variant => {
                    report.act(self.settings.variants, &Flaw::Variant, subject, &place)
                }
                Likeness::None => false,
            };
            let mut traits = traits.get(n).copied().unwrap_or_default();
            if !is_read_whole {
                traits = self.with_names(traits, element)?;
            }
            if traits.hides() && likeness != Likeness::Imitation {
                is_removed |= report.act(
                    self.settings.hidden,
                    &Flaw::Hidden(traits.hidden),
                    subject,
                    &place,
                );
            }
            if traits.is_poisoned(self.settings.threshold) {
                is_removed |= report.act(
                    self.settings.poisoned,
                    &Flaw::Poisoned(traits.signs),
                    subject,
                    &place,
                );
            }
            if self.settings.capabilities == Note::Record {
                let definition: serde_json::Value = serde_json::from_str(element.get())?;
                let description = definition
                    .get("description")
                    .and_then(|text| text.as_str())
                    .unwrap_or_default();
                if capability::is_offensive(subject.name, description) {
                    report.act(Action::Record, &Flaw::Capability, subject, &place);
                }
            }
            if is_removed {
                report.edits.push(Edit::Remove(place));
            }
        }
        Ok(report.edits.into())
    }

    /// The traits of a definition with those of the names of its members, where these matter.
    fn with_names(&self, mut traits: Traits, element: &RawValue) -> Result<Traits, Error> {
        let score = traits.signs.score();
        let is_close = score >= definition::NOTABLE && score < self.settings.threshold;
        if is_close || !definition::is_plain(element.get()) {
            traits.add_names(&serde_json::from_str(element.get())?, 0);
        }
        Ok(traits)
    }

    /// What the names of a list look like, and remembers the plain ones.
    fn likenesses(
        &self,
        server: &str,
        names: &[Option<Cow<'_, str>>],
        kind: Kind,
    ) -> Vec<Likeness> {
        let is_checked =
            self.settings.imitations != Action::Pass || self.settings.variants != Action::Pass;
        // URIs are given to models, which do not choose among them, and differ in single characters.
        if kind.name() != "name" || !is_checked {
            return Vec::new();
        }
        let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
        let mut known = Known::recall();
        let likenesses = names::likenesses(&names, &known);
        names::plain_looks(&names).for_each(|look| known.add(&look));
        known.remember(server);
        likenesses
    }

    /// Checks the instructions that a server gives when a client connects.
    fn instructs(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        const PLACE: &str = "/instructions";
        let Some(json) = reply.get(PLACE) else {
            return Ok(PostDecision::Proceed);
        };
        let server = context.server();
        let subject = Subject {
            server: &server,
            name: "instructions",
            what: "server",
        };
        if self.settings.allows(subject.server, subject.name) {
            return Ok(PostDecision::Proceed);
        }
        let traits = Traits::of(&serde_json::from_str(&json)?);
        let mut report = Report::default();
        let mut is_removed = false;
        if traits.hides() {
            is_removed |= report.act(
                self.settings.hidden,
                &Flaw::Hidden(traits.hidden),
                subject,
                PLACE,
            );
        }
        if traits.is_poisoned(self.settings.threshold) {
            is_removed |= report.act(
                self.settings.poisoned,
                &Flaw::Poisoned(traits.signs),
                subject,
                PLACE,
            );
        }
        if is_removed {
            report.edits.push(Edit::Remove(PLACE.into()));
        }
        Ok(report.edits.into())
    }
}

/// What is done to a list.
#[derive(Default)]
struct Report {
    edits: Vec<Edit>,
    findings: usize,
}

impl Report {
    /// Records a flaw unless it is to pass. True where the definition is to be taken out.
    fn act(&mut self, action: Action, flaw: &Flaw, subject: Subject<'_>, place: &str) -> bool {
        if action != Action::Pass && self.findings < MOST_FINDINGS {
            self.findings += 1;
            flaw.finding(subject, action == Action::Remove)
                .at(place)
                .report();
        }
        action == Action::Remove
    }
}

/// What the texts of each definition of a list say and hide. The document is asked where a text stands only where it
/// says something.
fn traits(reply: &Document, kind: Kind, count: usize) -> Vec<Traits> {
    let mut traits = vec![Traits::default(); count];
    let start = format!("/{}/", kind.list());
    for (index, text) in (0..).zip(reply.strings().iter()) {
        let reading = poisoning::read(text);
        if !Traits::is_notable(&reading) {
            continue;
        }
        let place = reply.string_pointer(index);
        let place = place
            .as_deref()
            .and_then(|place| place.strip_prefix(&start));
        let element = place.and_then(|place| place.split('/').next()?.parse::<usize>().ok());
        if let Some(traits) = element.and_then(|element| traits.get_mut(element)) {
            traits.add(&reading);
        }
    }
    traits
}

/// The name of an element. The rest of it is skipped, whatever it is.
fn name(element: &RawValue, kind: Kind) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(element.get()).ok()?;
    let name: Name<'_> = serde_json::from_str(members.get(kind.name())?.get()).ok()?;
    Some(name.0)
}

#[cfg(test)]
mod tests;
