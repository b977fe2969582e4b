//! One message on its way to the client.

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

pub(crate) struct Scrub<'a> {
    policy: &'a PiiScrubber,
    context: &'a Context<'a>,
    document: &'a Document<'a>,
    /// What people or models read there.
    place: &'static str,
    /// Where a mask may stand.
    prose: Prose,
    /// Where machine-readable content stands.
    structured: Option<&'static str>,
    /// It is a tool's, who may have promised a form.
    is_tool_result: bool,
    /// How many of each kind were found.
    counts: [u32; Entity::ALL.len()],
    /// Where, for whoever has to find the values again.
    spans: Vec<Span>,
    /// The pointers of the places of `spans`, each as a JSON string.
    pointers: Vec<String>,
    /// Tells the surrogates of different values apart.
    serials: BTreeMap<String, usize>,
    schema: OnceCell<Schema>,
    edits: Vec<Edit>,
}

/// How many places are told of; a reply with more of them is a list of people, and each place costs a look.
const MOST_SPANS: usize = 64;

/// Where a value stands.
struct Span {
    entity: Entity,
    /// Index of the place among [`Scrub::pointers`].
    place: usize,
    /// Its bytes in the text there; none: all that is there.
    bytes: Option<(usize, usize)>,
}

impl Span {
    /// Written as JSON by hand: one in each line of a reply is as costly as all else.
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

/// What the tool promised of its result.
enum Schema {
    /// The definition is not known: it may have promised anything.
    Unknown,
    /// The definition promises nothing.
    None,
    Output(Value),
}

/// A place whose schema leaves no room for a mask.
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
    /// The reply to what a client asked.
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

    /// What a server says or asks unasked.
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

    /// The edits that mask what is found, or why it cannot be masked.
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

    /// As the convention for findings has it: the kind, and each place as bytes of the text at a pointer. No place where
    /// there are too many.
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

    /// Names, URIs and other words of the protocol have to stay as they are.
    fn may_mask(&self, index: u32) -> bool {
        let pointer = || self.document.text_pointer(index);
        self.prose == Prose::Everywhere || pointer().is_some_and(|it| self.prose.has(&it))
    }

    /// Remembers where they stand.
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

    /// Remembers a place. Returns its index.
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

    /// The text with masks that its schema lets pass; none where there are none such.
    fn fitting(
        &mut self,
        text: &str,
        hits: &[Found],
        pointer: &str,
    ) -> Result<Option<String>, Error> {
        let bounds = match self.schema() {
            Schema::Output(schema) => Bounds::of(schema, pointer),
            Schema::None => return self.rewritten(text, hits, None).map(Some),
            // It may promise anything: the form is kept.
            Schema::Unknown => return self.rewritten(text, hits, Some(0)).map(Some),
        };
        if bounds.are_free() {
            return self.rewritten(text, hits, None).map(Some);
        }
        // The borrow of the schema ends here; it is read anew below, which only happens where something was found.
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

    /// The text with marks, or with surrogates of the given way of writing.
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
                // A mark there would break the JSON that the text is.
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

    /// Values that a tool gives as numbers rather than texts.
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

/// The name of the member that a pointer leads to, or of the list's that holds it.
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

/// The text is JSON, and the value is a number in it.
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
