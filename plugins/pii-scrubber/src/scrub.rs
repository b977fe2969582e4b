//! Scrubs one message on its way to the client.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

use sandgate_detect::{Entity, Found, is_private, scan};
use sandgate_sdk::{
    Context, Document, Edit, Error, Explanation, Refusal, Texts, finding, glob_matches, pointer,
    refuse,
};
use serde_json::Value;

use crate::PiiScrubber;
use crate::json::{leaves, push_number};
use crate::mark::{self, Marks};
use crate::prose::Prose;
use crate::pseudonym;
use crate::schema::Bounds;
use crate::settings::Action;
use crate::structured::{DATA, LONG, STRUCTURED, Structured};

/// The message and what was found in it.
pub(crate) struct Scrub<'a> {
    policy: &'a PiiScrubber,
    context: &'a Context<'a>,
    document: &'a Document<'a>,
    /// What the texts are, for explanations.
    place: &'static str,
    /// The texts where a mask may stand.
    prose: Prose,
    /// The pointer to machine-readable content.
    structured: Option<&'static str>,
    /// Whether the message is a tool's result, whose form the tool's output schema may restrict.
    is_tool_result: bool,
    /// How many values of each kind were found.
    counts: [u32; Entity::ALL.len()],
    /// The places of the values, so that a person can find them again.
    spans: Vec<Span>,
    /// The pointers of the places of `spans`, each written as a JSON string.
    pointers: Vec<String>,
    /// A number for each different value, which distinguishes surrogates.
    serials: BTreeMap<String, usize>,
    /// What replaced the texts and numbers of the machine-readable part: a text that says the same in JSON gets the same.
    replaced: BTreeMap<String, String>,
    schema: OnceCell<Schema>,
    has_forms: OnceCell<bool>,
    marks: OnceCell<Marks>,
    edits: Vec<Edit>,
}

/// What replaces a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A mark.
    Mark,
    /// A mark that differs for each value.
    Distinct,
    /// A surrogate where there is one, otherwise a mark.
    Surrogate,
}

/// How often a masked text is scanned again. A value may come to light because another was replaced.
const AGAIN: usize = 3;

/// Most places in findings. A reply with more of them is a list of people, and each place costs a call to the host.
const MOST_SPANS: usize = 64;

/// The pointer to what a result asks the client for.
const REQUESTS: &str = "/inputRequests";

/// The place of a value.
struct Span {
    entity: Entity,
    /// The index of the place in [`Scrub::pointers`].
    place: usize,
    /// The bytes of the value in the text. `None`: the value is everything at the place.
    bytes: Option<(usize, usize)>,
}

impl Span {
    /// Writes the span as JSON, by hand: with one span in each line of a reply, a serialiser takes as long as
    /// everything else.
    fn write(&self, pointers: &[String], into: &mut String) {
        into.push_str("{\"pointer\":");
        into.push_str(pointers.get(self.place).map_or("\"\"", String::as_str));
        if let Some((start, end)) = self.bytes {
            into.push_str(",\"start\":");
            push_number(start, into);
            into.push_str(",\"end\":");
            push_number(end, into);
        }
        into.push('}');
    }
}

/// The output schema of the tool.
enum Schema {
    /// The definition is not known, so the form of the result may be restricted.
    Unknown,
    /// The definition has no output schema.
    None,
    Output(Value),
}

/// A place where no mask satisfies the schema.
struct NoRoom {
    entity: Entity,
    pointer: String,
}

impl NoRoom {
    fn at(entity: Entity, structured: &str, pointer: &str) -> Self {
        Self {
            entity,
            pointer: format!("{structured}{pointer}"),
        }
    }
}

impl<'a> Scrub<'a> {
    /// Prepares the reply to a client's request.
    pub(crate) fn of_reply(
        policy: &'a PiiScrubber,
        method: &str,
        context: &'a Context<'a>,
        reply: &'a Document<'a>,
    ) -> Self {
        let failed = context.failed();
        let is_tool_result = method == "tools/call" && !failed;
        Self {
            place: match failed {
                true => "text of an error",
                false => "text of a result",
            },
            prose: Prose::of_reply(method, failed),
            structured: match failed {
                true => Some(DATA),
                false => is_tool_result.then_some(STRUCTURED),
            },
            is_tool_result,
            ..Self::new(policy, context, reply)
        }
    }

    /// Prepares the params of a server's notification or request.
    pub(crate) fn of_params(
        policy: &'a PiiScrubber,
        context: &'a Context<'a>,
        params: &'a Document<'a>,
    ) -> Self {
        let method = context.method();
        Self {
            prose: Prose::of_params(&method),
            structured: (method == "notifications/message").then_some(DATA),
            ..Self::new(policy, context, params)
        }
    }

    fn new(policy: &'a PiiScrubber, context: &'a Context<'a>, document: &'a Document<'a>) -> Self {
        Self {
            policy,
            context,
            document,
            place: "text of a server's own message",
            prose: Prose::Everywhere,
            structured: None,
            is_tool_result: false,
            counts: [0; Entity::ALL.len()],
            spans: Vec::new(),
            pointers: Vec::new(),
            serials: BTreeMap::new(),
            replaced: BTreeMap::new(),
            schema: OnceCell::new(),
            has_forms: OnceCell::new(),
            marks: OnceCell::new(),
            edits: Vec::new(),
        }
    }

    /// The edits that mask what is found, or the refusal where a place has no room for a mask.
    pub(crate) fn run(mut self) -> Result<Result<Vec<Edit>, Refusal>, Error> {
        let texts = self.document.texts();
        let structured = match self.structured {
            Some(at) => Structured::of(self.document, at, texts.len())?,
            None => None,
        };
        let no_room = self.all(&texts, structured.as_ref())?;
        for (entity, count) in Entity::ALL
            .into_iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
        {
            finding(
                entity.rule(),
                format!("{count} of the kind {}", entity.name()),
            )
            .details(self.details(entity, count))
            .explain(self.explanation(entity))
            .report();
        }
        if let Some(NoRoom { entity, pointer }) = no_room {
            let message = format!(
                "The result holds personal data ({}) at a place where its schema leaves no room for a mask, so all of \
                 it is withheld.",
                entity.name()
            );
            let refusal = refuse("pii.no-room-for-a-mask", message)
                .at(pointer)
                .explain(self.explanation(entity));
            return Ok(Err(refusal));
        }
        Ok(Ok(self.edits))
    }

    fn explanation(&self, entity: Entity) -> Explanation {
        let told = self.policy.explanations[entity as usize].clone();
        told.taken_for(self.place)
    }

    /// The details of a finding, as the convention for findings requires: the kind, the count, and each place as a
    /// pointer and the bytes of the text. With more than [`MOST_SPANS`] places the list is left out.
    fn details(&self, entity: Entity, count: u32) -> String {
        let mut details = format!("{{\"entity\":\"{}\",\"count\":{count}", entity.name());
        if self.spans.len() <= MOST_SPANS {
            details.reserve(64 * self.spans.len());
            details += ",\"spans\":[";
            let own = self.spans.iter().filter(|span| span.entity == entity);
            for (index, span) in own.enumerate() {
                if index > 0 {
                    details.push(',');
                }
                span.write(&self.pointers, &mut details);
            }
            details.push(']');
        }
        details + "}"
    }

    /// Masks the machine-readable part first, and then the other texts, which may say the same.
    fn all(
        &mut self,
        texts: &Texts,
        structured: Option<&Structured>,
    ) -> Result<Option<NoRoom>, Error> {
        if let Some(structured) = structured {
            for (index, text) in texts.iter().enumerate() {
                if let Some(pointer) = structured.pointer(index)
                    && let Some(no_room) = self.structured_text(index, text, pointer)?
                {
                    return Ok(Some(no_room));
                }
            }
            if let Some(no_room) = self.numbers(structured) {
                return Ok(Some(no_room));
            }
        }
        for (index, text) in texts.iter().enumerate() {
            if structured.is_none_or(|structured| structured.pointer(index).is_none()) {
                self.text(index, text)?;
            }
        }
        Ok(None)
    }

    /// Masks a text of the machine-readable part.
    fn structured_text(
        &mut self,
        index: usize,
        text: &str,
        pointer: &str,
    ) -> Result<Option<NoRoom>, Error> {
        let name = || name_at(pointer);
        let hits = self.hits(text, &name);
        let index = u32::try_from(index)?;
        if hits.is_empty() {
            return Ok(None);
        }
        let at = self.structured.unwrap_or_default();
        let place = format!("{at}{pointer}");
        if !self.prose.has(&place) {
            return Ok(None);
        }
        self.note(index, Some(place), &hits);
        let Some(changed) = self.fitting(text, &hits, pointer, &name)? else {
            return Ok(Some(NoRoom::at(hits[0].entity, at, pointer)));
        };
        self.replaced.insert(text.to_owned(), changed.clone());
        self.edits.push(Edit::Text((index, changed)));
        Ok(None)
    }

    /// Masks another text.
    fn text(&mut self, index: usize, text: &str) -> Result<(), Error> {
        let hits = self.hits(text, &String::new);
        if hits.is_empty() && self.replaced.is_empty() {
            return Ok(());
        }
        let place = u32::try_from(index)?;
        if is_json(text) {
            if self.may_mask(place, text)
                && let Some(changed) = self.json(place, text)?
            {
                self.edits.push(Edit::Text((place, changed)));
            }
            return Ok(());
        }
        if hits.is_empty() || !self.may_mask(place, text) {
            return Ok(());
        }
        self.note(place, None, &hits);
        let changed = self.rewritten(text, &hits, Way::Mark, &String::new)?;
        self.edits.push(Edit::Text((place, changed)));
        Ok(())
    }

    /// The values in a text. `name` is the name of the member that holds it.
    fn hits(&self, text: &str, name: &dyn Fn() -> String) -> Vec<Found> {
        let mut hits = Vec::new();
        scan(text, self.policy.wanted, name, &mut |found| {
            hits.push(found)
        });
        hits.retain(|found| {
            let value = &text[found.start..found.end];
            let is_nobodys = found.entity == Entity::Ip
                && !self.policy.settings.private_addresses
                && is_private(value);
            !is_nobodys
                && !self.is_allowed(value)
                && !self.marks().covers(text, found.start, found.end)
        });
        hits
    }

    /// The key of the marks: the operator's, or the gateway's own for this interceptor.
    fn marks(&self) -> Marks {
        *self.marks.get_or_init(|| self.policy.marks(self.context))
    }

    /// A text that is JSON, masked leaf by leaf as the machine-readable part is, so that both say the same. `None` where
    /// nothing is to be masked.
    fn json(&mut self, index: u32, text: &str) -> Result<Option<String>, Error> {
        let mut changed = String::new();
        let (mut done, mut spans, mut failed) = (0, Vec::new(), None);
        leaves(text, &mut |leaf| {
            let token = &text[leaf.start..leaf.end];
            let made = match leaf.is_string {
                true => self.json_text(token, leaf.start, leaf.pointer, &mut spans),
                false => Ok(self.json_number(token, leaf.start, leaf.pointer, &mut spans)),
            };
            match made {
                Ok(Some(made)) => {
                    changed += &text[done..leaf.start];
                    changed += &made;
                    done = leaf.end;
                }
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if done == 0 {
            return Ok(None);
        }
        self.note(index, None, &spans);
        changed += &text[done..];
        Ok(Some(changed))
    }

    fn json_text(
        &mut self,
        token: &str,
        start: usize,
        pointer: &str,
        spans: &mut Vec<Found>,
    ) -> Result<Option<String>, Error> {
        let plain = &token[1..token.len() - 1];
        let text: Cow<str> = match plain.contains('\\') {
            true => serde_json::from_str(token)?,
            false => plain.into(),
        };
        let name = || name_at(pointer);
        let hits = self.hits(&text, &name);
        if hits.is_empty() && !self.replaced.contains_key(&*text) {
            return Ok(None);
        }
        let is_plain = matches!(text, Cow::Borrowed(_));
        spans.extend(hits.iter().map(|found| match is_plain {
            true => Found {
                start: start + 1 + found.start,
                end: start + 1 + found.end,
                ..*found
            },
            false => Found {
                start,
                end: start + token.len(),
                ..*found
            },
        }));
        let changed = match self.replaced.get(&*text) {
            Some(changed) => changed.clone(),
            None => self.rewritten(&text, &hits, Way::Mark, &name)?,
        };
        Ok(Some(Value::from(changed).to_string()))
    }

    fn json_number(
        &mut self,
        digits: &str,
        start: usize,
        pointer: &str,
        spans: &mut Vec<Found>,
    ) -> Option<String> {
        let entity = self.number(digits, pointer)?;
        spans.push(Found {
            entity,
            start,
            end: start + digits.len(),
        });
        // A text in JSON: a number would be somebody else's.
        Some(["\"", &self.number_mark(entity, digits), "\""].concat())
    }

    /// What a number in JSON is.
    fn number(&self, digits: &str, pointer: &str) -> Option<Entity> {
        if digits.len() < LONG {
            return None;
        }
        let hits = self.hits(digits, &|| name_at(pointer));
        hits.first()
            .filter(|found| found.start == 0 && found.end == digits.len())
            .map(|found| found.entity)
    }

    fn number_mark(&mut self, entity: Entity, digits: &str) -> String {
        self.named(entity, digits)
            .unwrap_or_else(|_| self.marks().mark(entity, ""))
    }

    /// Whether the text may be masked. Names, URIs and other words of the protocol must stay.
    fn may_mask(&self, index: u32, text: &str) -> bool {
        let may_be_link = || !text.starts_with(['{', '[']) && !text.contains(char::is_whitespace);
        // Most texts of a result are prose, and the gateway need not be asked for each where it stands.
        if self.prose == Prose::Everywhere && !may_be_link() && !self.has_forms() {
            return true;
        }
        let pointer = self.document.text_pointer(index);
        pointer.is_some_and(|pointer| self.prose.has(&pointer))
    }

    /// Whether a result asks the client for input, with forms that have values to choose from.
    fn has_forms(&self) -> bool {
        *self
            .has_forms
            .get_or_init(|| self.document.get(REQUESTS).is_some())
    }

    /// Counts the values and remembers their places. `known`: the pointer, where it is known.
    fn note(&mut self, index: u32, known: Option<String>, hits: &[Found]) {
        for found in hits {
            self.counts[found.entity as usize] += 1;
        }
        let room = (MOST_SPANS + 1).saturating_sub(self.spans.len());
        if room == 0 {
            return;
        }
        let Some(pointer) = known.or_else(|| self.document.text_pointer(index)) else {
            return;
        };
        let place = self.place_of(&pointer);
        self.spans.extend(hits.iter().take(room).map(|found| Span {
            entity: found.entity,
            place,
            bytes: Some((found.start, found.end)),
        }));
    }

    /// Remembers a place and returns its index.
    fn place_of(&mut self, pointer: &str) -> usize {
        self.pointers.push(Value::from(pointer).to_string());
        self.pointers.len() - 1
    }

    fn is_allowed(&self, value: &str) -> bool {
        self.policy
            .settings
            .allow
            .iter()
            .any(|glob| glob_matches(glob, value))
    }

    /// The text with masks that satisfy its schema. `None` where there are none.
    fn fitting(
        &mut self,
        text: &str,
        hits: &[Found],
        pointer: &str,
        name: &dyn Fn() -> String,
    ) -> Result<Option<String>, Error> {
        let (is_free, is_distinct) = match self.schema() {
            Schema::Output(schema) => {
                let bounds = Bounds::of(schema, pointer);
                (bounds.are_free(), bounds.are_distinct())
            }
            Schema::None => (true, false),
            // The schema may require anything, so the form is kept where it can be.
            Schema::Unknown => return self.rewritten(text, hits, Way::Surrogate, name).map(Some),
        };
        if is_free && !is_distinct {
            return self.rewritten(text, hits, Way::Mark, name).map(Some);
        }
        // The borrow of the schema must end before `rewritten`. The bounds are collected again for each try, which
        // happens only where something was found.
        for way in [Way::Mark, Way::Distinct, Way::Surrogate] {
            if is_distinct && way == Way::Mark {
                continue;
            }
            let changed = self.rewritten(text, hits, way, name)?;
            if let Schema::Output(schema) = self.schema()
                && Bounds::of(schema, pointer).let_pass(&changed)
            {
                return Ok(Some(changed));
            }
        }
        Ok(None)
    }

    /// The text with masks. It is scanned again until nothing is found: what was masked must not be found again, and a
    /// second pass must change nothing.
    fn rewritten(
        &mut self,
        text: &str,
        hits: &[Found],
        way: Way,
        name: &dyn Fn() -> String,
    ) -> Result<String, Error> {
        let mut changed = self.masked(text, hits, way)?;
        for _ in 0..AGAIN {
            let more = self.hits(&changed, name);
            if more.is_empty() {
                break;
            }
            for found in &more {
                self.counts[found.entity as usize] += 1;
            }
            changed = self.masked(&changed, &more, way)?;
        }
        Ok(changed)
    }

    fn masked(&mut self, text: &str, hits: &[Found], way: Way) -> Result<String, Error> {
        let mut changed = String::with_capacity(text.len() + 16 * hits.len());
        let mut done = 0;
        for found in hits {
            let value = &text[found.start..found.end];
            changed += &text[done..found.start];
            let mark = match way {
                Way::Mark => self.named(found.entity, value)?,
                _ => {
                    let next = self.serials.len() + 1;
                    let serial = *self.serials.entry(value.to_owned()).or_insert(next);
                    let surrogate = match way {
                        Way::Surrogate => self.marks().surrogate(found.entity, value, serial),
                        _ => None,
                    };
                    match surrogate {
                        Some(surrogate) => surrogate,
                        None if way == Way::Distinct => {
                            self.marks().mark(found.entity, &format!("-{serial}"))
                        }
                        None => self.named(found.entity, value)?,
                    }
                }
            };
            // A mark in place of a number would make the JSON around it invalid.
            let quote = if is_json_number(text, found) {
                "\""
            } else {
                ""
            };
            changed += quote;
            changed += &mark;
            changed += quote;
            done = found.end;
        }
        changed += &text[done..];
        Ok(changed)
    }

    /// The mark of a value, as the setting `action` says.
    fn named(&self, entity: Entity, value: &str) -> Result<String, Error> {
        let settings = &self.policy.settings;
        let part = match settings.action {
            Action::Mask => mark::tail(value, settings.reveal.get(&entity).copied().unwrap_or(0)),
            Action::Hash => {
                let key = settings.key.as_deref().unwrap_or_default();
                format!(":{}", pseudonym::hash(key.as_bytes(), entity, value)?)
            }
            Action::Tokenise => {
                let conversation = self
                    .context
                    .session()
                    .or_else(|| self.context.principal())
                    // Callers that nobody knows share nothing: the numbers hold within the reply.
                    .unwrap_or_else(|| format!("exchange/{}", self.context.id()));
                format!("-{}", pseudonym::number(&conversation, entity, value)?)
            }
        };
        Ok(self.marks().mark(entity, &part))
    }

    /// Masks values that are JSON numbers rather than texts.
    fn numbers(&mut self, structured: &Structured) -> Option<NoRoom> {
        for (pointer, digits) in &structured.numbers {
            let Some(entity) = self.number(digits, pointer) else {
                continue;
            };
            self.counts[entity as usize] += 1;
            if self.spans.len() <= MOST_SPANS {
                let place = self.place_of(&format!("{}{pointer}", structured.at));
                self.spans.push(Span {
                    entity,
                    place,
                    bytes: None,
                });
            }
            let mark = self.number_mark(entity, digits);
            let fits = match self.schema() {
                Schema::Output(schema) => {
                    let bounds = Bounds::of(schema, pointer);
                    bounds.let_texts_pass() && bounds.let_pass(&mark)
                }
                Schema::None => true,
                Schema::Unknown => false,
            };
            if !fits {
                return Some(NoRoom::at(entity, structured.at, pointer));
            }
            self.replaced.insert(digits.clone(), mark.clone());
            self.edits.push(Edit::Set((
                format!("{}{pointer}", structured.at),
                Value::from(mark).to_string(),
            )));
        }
        None
    }

    fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| {
            if !self.is_tool_result {
                return Schema::None;
            }
            let Some(definition) = self.context.definition() else {
                return Schema::Unknown;
            };
            match serde_json::from_str::<Value>(&definition) {
                Ok(mut definition) => match definition.get_mut("outputSchema").map(Value::take) {
                    Some(schema) => Schema::Output(schema),
                    None => Schema::None,
                },
                Err(_) => Schema::Unknown,
            }
        })
    }
}

/// The name that speaks for the value at the pointer. Where the value's own name is empty, the name above it does.
fn name_at(pointer: &str) -> String {
    pointer::member(pointer.trim_end_matches('/')).into_owned()
}

/// Whether the text is JSON.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether the value is a number in JSON, of which the text may hold more than one.
fn is_json_number(text: &str, found: &Found) -> bool {
    let bytes = text.as_bytes();
    if !bytes[found.start..found.end].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut before = bytes[..found.start]
        .iter()
        .rev()
        .take(64)
        .filter(|byte| !byte.is_ascii_whitespace());
    let after = bytes[found.end..]
        .iter()
        .take(64)
        .find(|byte| !byte.is_ascii_whitespace());
    let is_member = match before.next() {
        Some(b':') => before.next() == Some(&b'"'),
        Some(b',' | b'[') => text.trim_start().starts_with(['{', '[']),
        _ => false,
    };
    is_member && matches!(after, Some(b',' | b'}' | b']'))
}
