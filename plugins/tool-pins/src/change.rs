//! Tells a harmless change of a definition from a dangerous one, by what is new in it: text that speaks to the model,
//! hidden characters, weaker promises, parameters that take what they should not.

use std::collections::{BTreeMap, BTreeSet};

use sandgate_detect::hidden::Kinds;
use sandgate_detect::poisoning::{self, Sign, Signs};
use sandgate_sdk::pointer::escape;
use serde_json::{Map, Value};

use crate::wording::{Vocabulary, addresses, hosts};

/// How a definition changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Wording, more to choose from, optional parameters and the like.
    Harmless,
    /// At least one reason weighs enough, or several do together. The heaviest first.
    Dangerous(Vec<Reason>),
}

/// What speaks for a dangerous change.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Stable and machine-readable, for example `concealment` or `read-only-withdrawn`.
    pub name: &'static str,
    /// Where it is in the new definition.
    pub pointer: String,
    weight: f32,
}

/// The sum of weights from which a change counts as dangerous.
const DANGEROUS: f32 = 0.5;

/// Hidden characters and escapes that no description needs.
const HIDDEN: Kinds = Kinds::SUSPICIOUS.and(Kinds::ANSI).and(Kinds::HIDDEN_HTML);

/// The most addresses and hosts of one sentence that are looked for in the old definition.
const MOST_TARGETS: usize = 8;

/// The shortest sentence that counts, in letters. `1.` is none.
const SHORTEST: usize = 12;

/// The most sentences that count as a short addition.
const MOST_ADDED: usize = 4;

/// How deep definitions are read.
const DEEPEST: usize = 128;

/// Judges the change from one definition to another.
pub fn classify(before: &Value, after: &Value) -> Change {
    let mut reasons = Vec::new();
    texts(before, after, &mut reasons);
    annotations(before, after, &mut reasons);
    for schema in ["inputSchema", "outputSchema"] {
        if let (Some(before), Some(after)) = (before.get(schema), after.get(schema)) {
            let pointer = format!("/{schema}");
            parameters(&[before], after, &pointer, true, 0, &mut reasons);
        }
    }
    arguments(before, after, &mut reasons);
    reasons.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    // The floor makes small signs add up, not rounding.
    match reasons.iter().map(|reason| reason.weight).sum::<f32>() >= DANGEROUS - 0.01 {
        true => Change::Dangerous(reasons),
        false => Change::Harmless,
    }
}

/// The strings of a definition with their places, names of members too.
struct Strings<'v> {
    by_place: BTreeMap<String, &'v str>,
    names: BTreeSet<&'v str>,
}

/// The addresses and hosts of a definition.
struct Targets<'v> {
    addresses: BTreeSet<&'v str>,
    hosts: BTreeSet<&'v str>,
}

impl<'v> Targets<'v> {
    fn of(strings: &Strings<'v>) -> Self {
        Self {
            addresses: strings.all().flat_map(addresses).collect(),
            hosts: strings.all().flat_map(hosts).collect(),
        }
    }
}

impl<'v> Strings<'v> {
    fn of(value: &'v Value) -> Self {
        let mut strings = Self {
            by_place: BTreeMap::new(),
            names: BTreeSet::new(),
        };
        strings.walk(value, String::new(), 0);
        strings
    }

    fn walk(&mut self, value: &'v Value, pointer: String, depth: usize) {
        match value {
            Value::String(text) => {
                self.by_place.insert(pointer, text);
            }
            Value::Object(members) if depth < DEEPEST => {
                for (name, value) in members {
                    self.names.insert(name);
                    self.walk(value, child(&pointer, name), depth + 1);
                }
            }
            Value::Array(elements) if depth < DEEPEST => {
                for (n, value) in elements.iter().enumerate() {
                    self.walk(value, child(&pointer, &n.to_string()), depth + 1);
                }
            }
            _ => {}
        }
    }

    fn all(&self) -> impl Iterator<Item = &'v str> {
        self.by_place
            .values()
            .copied()
            .chain(self.names.iter().copied())
    }
}

fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", escape(name))
}

/// Looks at the sentences that are new. A sentence that stood anywhere before is old.
fn texts(before: &Value, after: &Value, reasons: &mut Vec<Reason>) {
    let (old, new) = (Strings::of(before), Strings::of(after));
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut old_signs = Signs::default();
    let mut old_hidden = Kinds::NONE;
    let mut vocabulary = Vocabulary::default();
    for text in old.all() {
        let reading = poisoning::read(text);
        old_signs.join(&reading.signs);
        old_hidden = old_hidden.and(reading.hidden);
        vocabulary.add(text);
        known.extend(
            poisoning::sentences(text)
                .iter()
                .map(|sentence| plain(sentence)),
        );
    }
    let targets = Targets::of(&old);
    let all: BTreeSet<&str> = old.by_place.values().copied().collect();
    let is_known = |text: &str| all.contains(text);
    let changed = new
        .by_place
        .iter()
        .filter(|(place, text)| old.by_place.get(*place) != Some(*text) && !is_known(text));
    for (place, text) in changed {
        let was = old.by_place.get(place).copied();
        let inserted = was.and_then(|was| inserted(was, text));
        let fresh: Vec<_> = poisoning::sentences(inserted.unwrap_or(text))
            .into_iter()
            .filter(|sentence| !known.contains(&plain(sentence)))
            .collect();
        // A text that was written anew, or much longer, has other words. A short addition stays on its topic.
        let is_addition = was.is_some()
            && fresh
                .iter()
                .filter(|one| plain(one).len() >= SHORTEST)
                .count()
                <= MOST_ADDED
            && (inserted.is_some() || fresh.len() < poisoning::sentences(text).len());
        let reading = poisoning::read(&fresh.concat());
        signs(&reading.signs, &old_signs, place, reasons);
        hidden(reading.hidden, old_hidden, place, reasons);
        for sentence in fresh.iter().filter(|_| !place.ends_with("$schema")) {
            new_targets(sentence, &targets, place, reasons);
            if was.is_some() && vocabulary.is_foreign(sentence) {
                add(reasons, "other-script", place, 0.5);
            }
            if is_addition && vocabulary.is_off_topic(sentence) {
                let weight = if poisoning::commands(sentence) {
                    0.5
                } else {
                    0.2
                };
                add(reasons, "off-topic", place, weight);
            }
        }
    }
    for name in new.names.iter().filter(|name| !old.names.contains(*name)) {
        let reading = poisoning::read(name);
        signs(&reading.signs, &old_signs, "", reasons);
        hidden(reading.hidden, old_hidden, "", reasons);
    }
}

/// The signs that weigh more than before.
fn signs(found: &Signs, old: &Signs, place: &str, reasons: &mut Vec<Reason>) {
    for sign in Sign::ALL {
        let weight = found.weight(sign);
        if weight >= 0.2 && weight > old.weight(sign) {
            add(reasons, sign.name(), place, weight);
        }
    }
}

fn hidden(found: Kinds, old: Kinds, place: &str, reasons: &mut Vec<Reason>) {
    let fresh = found.within(HIDDEN);
    if !fresh.is_empty() && fresh.within(old) != fresh {
        let is_sure = fresh.has(
            Kinds::TAGS
                .and(Kinds::ZERO_WIDTH)
                .and(Kinds::BIDI)
                .and(Kinds::VARIATION)
                .and(Kinds::ANSI)
                .and(Kinds::ANSI_HIDING),
        );
        add(
            reasons,
            "hidden-characters",
            place,
            if is_sure { 1.0 } else { 0.3 },
        );
    }
}

/// Addresses and hosts that stood nowhere before.
fn new_targets(sentence: &str, old: &Targets<'_>, place: &str, reasons: &mut Vec<Reason>) {
    for address in addresses(sentence).take(MOST_TARGETS) {
        if !old.addresses.contains(address) {
            add(reasons, "new-address", place, 0.4);
        }
    }
    // Where a value is taken from or sent to, another host is another party. In prose most are documentation.
    let is_value = ["/default", "/const", "/pattern"]
        .iter()
        .any(|end| place.ends_with(end))
        || place.contains("/enum/");
    for host in hosts(sentence).take(MOST_TARGETS) {
        if !old.hosts.contains(host) {
            let is_number = host
                .bytes()
                .all(|c| c.is_ascii_digit() || matches!(c, b'.' | b':'));
            let weight = match (is_value, is_number) {
                (true, _) => 0.6,
                (false, true) => 0.5,
                (false, false) => 0.1,
            };
            add(reasons, "new-host", place, weight);
        }
    }
}

/// What was put into a text that stayed as it was otherwise; `None` where more changed.
fn inserted<'t>(before: &str, after: &'t str) -> Option<&'t str> {
    let (before, after) = (before.trim_end(), after);
    let same = before
        .char_indices()
        .zip(after.chars())
        .find(|((_, one), other)| one != other)
        .map_or(before.len().min(after.len()), |((at, _), _)| at);
    // Whole words.
    let start = match same == before.len() {
        true => same,
        false => before
            .get(..same)?
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + 1),
    };
    let rest = before.get(start..)?;
    let end = after.trim_end().len() - rest.len().min(after.trim_end().len());
    (end > start && after.trim_end().ends_with(rest))
        .then(|| after.get(start..end))
        .flatten()
}

/// The sentence as it is compared: without capitals, marks and blanks.
fn plain(sentence: &str) -> String {
    sentence
        .chars()
        .filter(|c| c.is_alphanumeric() || !c.is_ascii())
        .flat_map(char::to_lowercase)
        .collect()
}

fn add(reasons: &mut Vec<Reason>, name: &'static str, pointer: &str, weight: f32) {
    match reasons.iter_mut().find(|reason| reason.name == name) {
        Some(reason) if reason.weight >= weight => {}
        Some(reason) => {
            reason.weight = weight;
            reason.pointer = pointer.into();
        }
        None => reasons.push(Reason {
            name,
            pointer: pointer.into(),
            weight,
        }),
    }
}

/// Promises that clients act on: a tool that reads only may run without a question.
fn annotations(before: &Value, after: &Value, reasons: &mut Vec<Reason>) {
    let hint = |definition: &Value, name: &str| {
        definition
            .get("annotations")
            .and_then(|all| all.get(name))
            .and_then(Value::as_bool)
    };
    let turned = |name: &str, from: bool| {
        hint(before, name) == Some(from) && hint(after, name) == Some(!from)
    };
    let place = |name: &str| format!("/annotations/{name}");
    if turned("readOnlyHint", true) {
        add(reasons, "read-only-withdrawn", &place("readOnlyHint"), 0.6);
    }
    if turned("readOnlyHint", false) {
        add(reasons, "read-only-claimed", &place("readOnlyHint"), 0.3);
    }
    if turned("destructiveHint", true) {
        add(
            reasons,
            "destructive-denied",
            &place("destructiveHint"),
            0.6,
        );
    }
    if turned("destructiveHint", false) {
        add(reasons, "destructive-added", &place("destructiveHint"), 0.4);
    }
    if turned("openWorldHint", false) {
        add(reasons, "open-world-added", &place("openWorldHint"), 0.3);
    }
}

/// Members of a schema that hold one schema, a list of them, or some by name.
const INNER: [&str; 1] = ["items"];
const LISTS: [&str; 3] = ["anyOf", "oneOf", "allOf"];
const NAMED: [&str; 2] = ["$defs", "definitions"];

/// Parameters that are new, and schemas that take more than before. `before`: what stood in the place; several where it
/// had alternatives.
fn parameters(
    before: &[&Value],
    after: &Value,
    pointer: &str,
    is_required: bool,
    depth: usize,
    reasons: &mut Vec<Reason>,
) {
    if depth > DEEPEST {
        return;
    }
    let closed = |schema: &Value| schema.get("additionalProperties") == Some(&Value::Bool(false));
    let was_closed = !before.is_empty() && before.iter().all(|schema| closed(schema));
    if was_closed && !closed(after) && after.get("$ref").is_none() {
        add(
            reasons,
            "schema-opened",
            &format!("{pointer}/additionalProperties"),
            0.1,
        );
    }
    let required: BTreeSet<&str> = after
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, schema) in members(after, "properties") {
        let place = child(&format!("{pointer}/properties"), name);
        let is_required = is_required && required.contains(name.as_str());
        let old = inner(before, "properties", name);
        if old.is_empty() {
            let none = Map::new();
            let schema = schema.as_object().unwrap_or(&none);
            new_parameter(name, schema, is_required, &place, reasons);
        }
        parameters(&old, schema, &place, is_required, depth + 1, reasons);
    }
    for member in INNER {
        if let Some(schema) = after.get(member) {
            let old: Vec<&Value> = before.iter().filter_map(|one| one.get(member)).collect();
            let place = child(pointer, member);
            parameters(&old, schema, &place, is_required, depth + 1, reasons);
        }
    }
    for member in LISTS {
        let elements = after.get(member).and_then(Value::as_array);
        if let Some(elements) = elements {
            let old: Vec<&Value> = before
                .iter()
                .filter_map(|one| one.get(member)?.as_array())
                .flatten()
                .collect();
            for (n, schema) in elements.iter().enumerate() {
                let place = child(&child(pointer, member), &n.to_string());
                parameters(&old, schema, &place, is_required, depth + 1, reasons);
            }
        }
    }
    for member in NAMED {
        for (name, schema) in members(after, member) {
            let place = child(&child(pointer, member), name);
            let old = inner(before, member, name);
            parameters(&old, schema, &place, is_required, depth + 1, reasons);
        }
    }
}

/// The members of an object in a schema.
fn members<'v>(
    schema: &'v Value,
    member: &str,
) -> impl Iterator<Item = (&'v String, &'v Value)> + use<'v> {
    let object = schema.get(member).and_then(Value::as_object);
    object.into_iter().flatten()
}

/// The schemas of this name that stand in a member of any of these.
fn inner<'v>(schemas: &[&'v Value], member: &str, name: &str) -> Vec<&'v Value> {
    schemas
        .iter()
        .filter_map(|schema| schema.get(member)?.get(name))
        .collect()
}

/// Arguments of a prompt that are new.
fn arguments(before: &Value, after: &Value, reasons: &mut Vec<Reason>) {
    let old: BTreeSet<&str> = prompt_arguments(before).map(|(_, name, _)| name).collect();
    for (n, name, argument) in prompt_arguments(after) {
        if !old.contains(name) {
            let is_required = argument.get("required") == Some(&Value::Bool(true));
            let place = format!("/arguments/{n}");
            new_parameter(name, argument, is_required, &place, reasons);
        }
    }
}

/// The arguments of a prompt, each with its index and its name.
fn prompt_arguments(prompt: &Value) -> impl Iterator<Item = (usize, &str, &Map<String, Value>)> {
    let list = prompt.get("arguments").and_then(Value::as_array);
    let list = list.into_iter().flatten().enumerate();
    list.filter_map(|(n, one)| Some((n, one.get("name")?.as_str()?, one.as_object()?)))
}

fn new_parameter(
    name: &str,
    schema: &Map<String, Value>,
    is_required: bool,
    place: &str,
    reasons: &mut Vec<Reason>,
) {
    let is_free_text = schema.get("type").is_none_or(|kind| kind == "string")
        && !["enum", "const", "format", "pattern"]
            .iter()
            .any(|word| schema.contains_key(*word));
    let words = crate::wording::words_of_name(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let joined = words.concat();
    let is_credential = has(&[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "credential",
        "credentials",
        "apikey",
        "mnemonic",
        "otp",
    ]) || [
        "apikey",
        "accesstoken",
        "authtoken",
        "apitoken",
        "privatekey",
        "sshkey",
        "accesskey",
        "secretkey",
        "seedphrase",
        "sessiontoken",
        "bearertoken",
    ]
    .iter()
    .any(|kind| joined.contains(kind));
    let is_collector = [
        "sidenote",
        "conversation",
        "chathistory",
        "transcript",
        "systemprompt",
        "chainofthought",
        "scratchpad",
        "usermessage",
        "fullcontext",
        "environmentvariables",
        "filecontents",
        "previousmessages",
        "messagehistory",
    ]
    .iter()
    .any(|kind| joined.contains(kind));
    if is_credential {
        add(
            reasons,
            "credential-parameter",
            place,
            if is_required { 0.6 } else { 0.4 },
        );
    }
    if is_collector && is_free_text {
        add(reasons, "collecting-parameter", place, 0.5);
    }
    let is_described = schema.get("description").is_some();
    if is_free_text && is_required {
        add(
            reasons,
            "required-text",
            place,
            if is_described { 0.15 } else { 0.3 },
        );
    }
}

#[cfg(test)]
mod tests;
