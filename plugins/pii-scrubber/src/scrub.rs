//! Scrubs one message on its way to the client.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use sandgate_detect::{Entity, Found, scan};
use sandgate_sdk::{
    Context, Document, Edit, Error, Explanation, Refusal, Texts, finding, glob_matches, refuse,
};
use serde_json::Value;

use crate::PiiScrubber;
use crate::mask::{self, SURROGATES};
use crate::prose::Prose;
use crate::pseudonym;
use crate::schema::Bounds;
use crate::settings::Action;
use crate::structured::{DATA, STRUCTURED, Structured};

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
    schema: OnceCell<Schema>,
    edits: Vec<Edit>,
}

/// Most places in findings. A reply with more of them is a list of people, and each place costs a call to the host.
const MOST_SPANS: usize = 64;

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

fn push_number(number: usize, into: &mut String) {
    if number > 9 {
        push_number(number / 10, into);
    }
    into.push((b'0' + (number % 10) as u8) as char);
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
            structured: is_tool_result.then_some(STRUCTURED),
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
            schema: OnceCell::new(),
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
        let no_room = match (self.texts(&texts, structured.as_ref())?, &structured) {
            (None, Some(structured)) => self.numbers(structured),
            (no_room, _) => no_room,
        };
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

    /// Masks the texts.
    fn texts(
        &mut self,
        texts: &Texts,
        structured: Option<&Structured>,
    ) -> Result<Option<NoRoom>, Error> {
        let mut hits = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            hits.clear();
            let place = || structured.and_then(|structured| structured.pointer(index));
            scan(
                text,
                self.policy.wanted,
                &|| place().map(key).unwrap_or_default(),
                &mut |found| hits.push(found),
            );
            hits.retain(|found| {
                !mask::is_ours(*found, text) && !self.is_allowed(&text[found.start..found.end])
            });
            if hits.is_empty() || !self.may_mask(u32::try_from(index)?) {
                continue;
            }
            for found in &hits {
                self.counts[found.entity as usize] += 1;
            }
            self.note(u32::try_from(index)?, &hits);
            let changed = match place() {
                None => self.rewritten(text, &hits, None)?,
                Some(pointer) => match self.fitting(text, &hits, pointer)? {
                    Some(changed) => changed,
                    None => {
                        let at = self.structured.unwrap_or_default();
                        return Ok(Some(NoRoom::at(hits[0].entity, at, pointer)));
                    }
                },
            };
            self.edits
                .push(Edit::Text((u32::try_from(index)?, changed)));
        }
        Ok(None)
    }

    /// Whether the text may be masked. Names, URIs and other words of the protocol must stay.
    fn may_mask(&self, index: u32) -> bool {
        let pointer = || self.document.text_pointer(index);
        self.prose == Prose::Everywhere || pointer().is_some_and(|it| self.prose.has(&it))
    }

    /// Remembers the places of the values.
    fn note(&mut self, index: u32, hits: &[Found]) {
        let room = (MOST_SPANS + 1).saturating_sub(self.spans.len());
        if room == 0 {
            return;
        }
        let Some(pointer) = self.document.text_pointer(index) else {
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
    ) -> Result<Option<String>, Error> {
        let bounds = match self.schema() {
            Schema::Output(schema) => Bounds::of(schema, pointer),
            Schema::None => return self.rewritten(text, hits, None).map(Some),
            // The schema may require anything, so the form is kept.
            Schema::Unknown => return self.rewritten(text, hits, Some(0)).map(Some),
        };
        if bounds.are_free() {
            return self.rewritten(text, hits, None).map(Some);
        }
        // The borrow of the schema must end before `rewritten`. The bounds are collected again for each try, which
        // happens only where something was found.
        for way in (0..SURROGATES).map(Some).chain([None]) {
            let changed = self.rewritten(text, hits, way)?;
            if let Schema::Output(schema) = self.schema()
                && Bounds::of(schema, pointer).let_pass(&changed)
            {
                return Ok(Some(changed));
            }
        }
        Ok(None)
    }

    /// The text with marks, or with surrogates where `way` is given.
    fn rewritten(
        &mut self,
        text: &str,
        hits: &[Found],
        way: Option<usize>,
    ) -> Result<String, Error> {
        let mut changed = String::with_capacity(text.len() + 16 * hits.len());
        let mut done = 0;
        for found in hits {
            let value = &text[found.start..found.end];
            changed += &text[done..found.start];
            match way {
                // A mark would make the JSON in the text invalid.
                None if is_json_number(text, found) => {
                    changed += &mask::surrogate_digits(value.len())
                }
                None => changed += &self.named(found.entity, value)?,
                Some(way) => {
                    let next = self.serials.len() + 1;
                    let serial = *self.serials.entry(value.to_owned()).or_insert(next);
                    changed += &mask::surrogate(found.entity, value, serial, way);
                }
            }
            done = found.end;
        }
        changed += &text[done..];
        Ok(changed)
    }

    /// The mark of a value, as the setting `action` says.
    fn named(&self, entity: Entity, value: &str) -> Result<String, Error> {
        let name = entity.name();
        Ok(match self.policy.settings.action {
            Action::Mask => mask::mark(
                entity,
                value,
                self.policy
                    .settings
                    .reveal
                    .get(&entity)
                    .copied()
                    .unwrap_or(0),
            ),
            Action::Hash => {
                let key = self.policy.settings.key.as_deref().unwrap_or_default();
                format!(
                    "[{name}:{}]",
                    pseudonym::hash(key.as_bytes(), entity, value)?
                )
            }
            Action::Tokenise => {
                let conversation = self
                    .context
                    .session()
                    .or_else(|| self.context.principal())
                    .unwrap_or_default();
                format!(
                    "[{name}-{}]",
                    pseudonym::number(&conversation, entity, value)?
                )
            }
        })
    }

    /// Masks values that are JSON numbers rather than texts.
    fn numbers(&mut self, structured: &Structured) -> Option<NoRoom> {
        for (pointer, digits) in &structured.numbers {
            let mut entity = None;
            scan(digits, self.policy.wanted, &|| key(pointer), &mut |found| {
                let is_whole = found.start == 0 && found.end == digits.len();
                entity = entity.or((is_whole && !self.is_allowed(digits)).then_some(found.entity));
            });
            let surrogate = mask::surrogate_digits(digits.len());
            let Some(entity) = entity.filter(|_| surrogate != *digits) else {
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
            let fits = match (self.schema(), surrogate.parse()) {
                (Schema::Output(schema), Ok(surrogate)) => {
                    Bounds::of(schema, pointer).let_number_pass(surrogate)
                }
                (_, parsed) => parsed.is_ok(),
            };
            if !fits {
                return Some(NoRoom::at(entity, structured.at, pointer));
            }
            self.edits.push(Edit::Set((
                format!("{}{pointer}", structured.at),
                surrogate,
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

/// The name of the member at the pointer. For an element of a list: the name of the member that holds the list.
fn key(pointer: &str) -> String {
    let is_name =
        |token: &&str| !token.is_empty() && !token.bytes().all(|byte| byte.is_ascii_digit());
    pointer
        .rsplit('/')
        .find(is_name)
        .unwrap_or_default()
        .replace("~1", "/")
        .replace("~0", "~")
}

/// Whether the text is JSON and the value is a number in it.
fn is_json_number(text: &str, found: &Found) -> bool {
    let bytes = text.as_bytes();
    let is_visible = |byte: &&u8| !byte.is_ascii_whitespace();
    bytes[found.start..found.end].iter().all(u8::is_ascii_digit)
        && text.trim_start().starts_with(['{', '['])
        && matches!(
            bytes[..found.start].iter().rev().find(is_visible),
            Some(b':' | b',' | b'[')
        )
        && matches!(
            bytes[found.end..].iter().find(is_visible),
            Some(b',' | b'}' | b']')
        )
}
