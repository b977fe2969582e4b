//! Masks the secrets of one message on its way to the client.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sandgate_detect::secret::{self, Confidence, Secret};
use sandgate_sdk::{
    Context, Document, Edit, Error, Explanation, Refusal, Texts, because, finding, refuse,
};
use serde_json::{Value, json};

use crate::arguments::{confidence, may_be_told, told_pointer};
use crate::settings::{Incoming, Place};
use crate::{SecretRedactor, mark, members, place, schema};

/// Most places in a finding. Each costs a call to the host.
const MOST_PLACES: usize = 64;

/// A message and what is known of it.
pub(crate) struct Message<'a> {
    pub(crate) policy: &'a SecretRedactor,
    pub(crate) context: &'a Context<'a>,
    pub(crate) document: &'a Document<'a>,
    pub(crate) method: &'a str,
    pub(crate) failed: bool,
    /// Whether these are the params of a server's notification or request.
    pub(crate) is_params: bool,
}

/// What happens to the message.
pub(crate) enum Outcome {
    Edits(Vec<Edit>),
    Refusal(Refusal),
}

/// A text with secrets.
struct Hit {
    index: u32,
    /// None where nobody asked.
    pointer: Option<String>,
    secrets: Vec<Secret>,
    /// Where the text stands in the machine-readable part.
    within: Option<String>,
}

/// The machine-readable part: where its texts are among those of the document, and which of them are secrets by their
/// names.
struct Structured {
    first: usize,
    count: usize,
    /// By the index in the part.
    named: Vec<(usize, Secret)>,
}

impl Message<'_> {
    /// Finds the secrets, and masks them or says why the message is withheld.
    pub(crate) fn outcome(&self) -> Result<Outcome, Error> {
        let nothing = Ok(Outcome::Edits(Vec::new()));
        if self.policy.results == Incoming::Pass {
            return nothing;
        }
        let texts = self.document.texts();
        let mut found = Vec::new();
        secret::scan(texts.joined(), &mut found);
        let mut by_text = split(&texts, &found);
        // A name in the machine-readable part makes its value a secret: the part is searched as JSON text.
        let part = self.part();
        let json = part.and_then(|at| self.document.get(at));
        let json = json.as_deref().filter(|json| may_have_more(json, &by_text));
        let names = self.document.keys();
        let mut in_names = Vec::new();
        secret::scan(names.joined(), &mut in_names);
        in_names.retain(|secret| secret.confidence == Confidence::Sure);
        if by_text.is_empty() && json.is_none() && in_names.is_empty() {
            return nothing;
        }
        let target = self.policy.target(self.context);
        let target = target.as_deref();
        let mut structured = None;
        if let (Some(json), Some(at)) = (json, part) {
            let read = self.structured(json, at, texts.len())?;
            for (index, secret) in &read.named {
                by_text
                    .entry(read.first + index)
                    .or_insert_with(|| vec![*secret]);
            }
            structured = Some(read);
        }
        let place = Place {
            target,
            argument: None,
        };
        for (index, secrets) in &mut by_text {
            let text = texts.get(*index).unwrap_or_default();
            secrets.retain(|secret| {
                let value = &text[secret.start..secret.end];
                self.policy.wanted.has(secret) && !self.policy.wanted.allows(secret, value, place)
            });
        }
        by_text.retain(|_, secrets| !secrets.is_empty());
        let name = in_names.into_iter().find(|secret| {
            let value = &names.joined()[secret.start..secret.end];
            self.policy.wanted.has(secret) && !self.policy.wanted.allows(secret, value, place)
        });
        let withins = match (&structured, json) {
            (Some(structured), Some(json)) => withins(json, structured, &by_text),
            _ => BTreeMap::new(),
        };
        let hits = self.hits(by_text, withins)?;
        self.report(&hits, name, target);
        self.decide(&texts, &hits, name, target)
    }

    /// The pointer to the machine-readable part.
    fn part(&self) -> Option<&'static str> {
        match self.method {
            _ if self.failed => Some("/data"),
            "tools/call" => Some("/structuredContent"),
            "notifications/message" => Some("/data"),
            _ => None,
        }
    }

    /// Reads the machine-readable part at `at`.
    fn structured(&self, json: &str, at: &str, texts: usize) -> Result<Structured, Error> {
        let mut count = 0;
        let mut ends = [String::new(), String::new()];
        let mut named = Vec::new();
        members::read(json, &mut |member| {
            if member.is_name {
                return;
            }
            if let Some(secret) = secret::member(member.name, member.text) {
                named.push((count, secret));
            }
            let [first, last] = &mut ends;
            if count == 0 {
                first.push_str(member.pointer);
            }
            last.clear();
            last.push_str(member.pointer);
            count += 1;
        });
        // The texts of the part are consecutive. Nearly always they are last or first in the document.
        let stands = |text: usize, within: &str| {
            let text = u32::try_from(text).ok();
            let pointer = text.and_then(|text| self.document.text_pointer(text));
            pointer.is_some_and(|pointer| pointer.strip_prefix(at) == Some(within))
        };
        let begins = |first: &usize| {
            count == 0 || stands(*first, &ends[0]) && stands(first + count - 1, &ends[1])
        };
        let last = texts.saturating_sub(count);
        let first = (0..=last)
            .flat_map(|n| [last - n, n])
            .take(last + 1)
            .find(begins)
            .ok_or_else(|| {
                Error::new("the texts of the structured part are not where they should be")
            })?;
        Ok(Structured {
            first,
            count,
            named,
        })
    }

    /// The hits with their places. `withins` are those of the machine-readable part; for the others the gateway is asked,
    /// where it matters.
    fn hits(
        &self,
        by_text: BTreeMap<usize, Vec<Secret>>,
        mut withins: BTreeMap<usize, String>,
    ) -> Result<Vec<Hit>, Error> {
        let part = self.part().unwrap_or_default();
        let is_needed = self.is_params || !place::is_anywhere_in_reply(self.method, self.failed);
        let mut asked = 0;
        let mut hits = Vec::with_capacity(by_text.len());
        for (text, secrets) in by_text {
            let index = u32::try_from(text)?;
            let within = withins.remove(&text);
            let pointer = match &within {
                Some(within) => Some([part, within].concat()),
                None if is_needed || asked < MOST_PLACES => {
                    asked += 1;
                    self.document.text_pointer(index)
                }
                None => None,
            };
            hits.push(Hit {
                index,
                pointer,
                secrets,
                within,
            });
        }
        Ok(hits)
    }

    /// Whether the text may become a mark.
    fn may_mask(&self, hit: &Hit) -> bool {
        let pointer = hit.pointer.as_deref().unwrap_or_default();
        match self.is_params {
            true => place::in_params(self.method, pointer),
            false => place::in_reply(self.method, self.failed, pointer),
        }
    }

    /// Records the kinds that were found, with their places.
    fn report(&self, hits: &[Hit], name: Option<Secret>, target: Option<&str>) {
        let mut kinds: BTreeMap<&str, (Confidence, u32, Vec<Value>)> = BTreeMap::new();
        if let Some(secret) = name {
            kinds.insert(secret.kind, (secret.confidence, 1, Vec::new()));
        }
        for hit in hits {
            for secret in &hit.secrets {
                let (_, count, places) =
                    kinds
                        .entry(secret.kind)
                        .or_insert((secret.confidence, 0, Vec::new()));
                *count += 1;
                if let Some(pointer) = &hit.pointer
                    && places.len() < MOST_PLACES
                {
                    let pointer = told_pointer(pointer);
                    places.push(
                        json!({ "pointer": pointer, "start": secret.start, "end": secret.end }),
                    );
                }
            }
        }
        for (kind, (sure, count, places)) in kinds {
            let note = finding(format!("secret.{kind}"), format!("{count} of the kind {kind}"))
                .warn()
                .details(
                    json!({ "kind": kind, "count": count, "confidence": confidence(sure), "spans": places }).to_string(),
                )
                .explain(explanation(kind, sure, target));
            match self.is_params {
                true => note.in_params().report(),
                false => note.report(),
            }
        }
    }

    fn decide(
        &self,
        texts: &Texts,
        hits: &[Hit],
        name: Option<Secret>,
        target: Option<&str>,
    ) -> Result<Outcome, Error> {
        let first = hits
            .first()
            .map(|hit| (hit.secrets[0], hit.pointer.as_deref().unwrap_or_default()));
        match self.policy.results {
            Incoming::Pass | Incoming::Record => return Ok(Outcome::Edits(Vec::new())),
            Incoming::Refuse => {
                return Ok(match first.or(name.map(|name| (name, ""))) {
                    Some((secret, pointer)) => {
                        Outcome::Refusal(withheld(secret, pointer, target, ""))
                    }
                    None => Outcome::Edits(Vec::new()),
                });
            }
            Incoming::Mask => {}
        }
        if let Some(secret) = name {
            let why = " in the name of a member, which no mark can replace";
            return Ok(Outcome::Refusal(withheld(secret, "", target, why)));
        }
        let output = self.output_schema(hits);
        let mut edits = Vec::with_capacity(hits.len());
        for hit in hits {
            if !self.may_mask(hit) {
                continue;
            }
            let text = texts.get(hit.index as usize).unwrap_or_default();
            let marked = mark::marked(text, &hit.secrets);
            if let (Some(schema), Some(within)) = (&output, &hit.within)
                && !schema::has_room(schema, within, &marked)
            {
                let why = " at a place where its schema leaves no room for a mark";
                return Ok(Outcome::Refusal(withheld(
                    hit.secrets[0],
                    hit.pointer.as_deref().unwrap_or_default(),
                    target,
                    why,
                )));
            }
            edits.push(Edit::Text((hit.index, marked)));
        }
        Ok(Outcome::Edits(edits))
    }

    /// The tool's output schema, where one of the hits is in the machine-readable part of its result.
    fn output_schema(&self, hits: &[Hit]) -> Option<Value> {
        let is_result = self.method == "tools/call" && !self.failed && !self.is_params;
        if !is_result || hits.iter().all(|hit| hit.within.is_none()) {
            return None;
        }
        let definition = self.context.definition()?;
        let mut definition: Value = serde_json::from_str(&definition).ok()?;
        definition.get_mut("outputSchema").map(Value::take)
    }
}

/// Whether names in the JSON text may make more values secrets than the texts have.
fn may_have_more(json: &str, by_text: &BTreeMap<usize, Vec<Secret>>) -> bool {
    if json.contains('\\') {
        return true;
    }
    let mut found = Vec::new();
    secret::scan(json, &mut found);
    !found.is_empty() || !by_text.is_empty()
}

/// Where the texts with secrets stand in the machine-readable part.
fn withins(
    json: &str,
    structured: &Structured,
    by_text: &BTreeMap<usize, Vec<Secret>>,
) -> BTreeMap<usize, String> {
    let mut withins = BTreeMap::new();
    let texts = structured.first..structured.first + structured.count;
    if by_text.range(texts.clone()).next().is_none() {
        return withins;
    }
    let mut text = structured.first;
    members::read(json, &mut |member| {
        if member.is_name {
            return;
        }
        if by_text.contains_key(&text) {
            withins.insert(text, member.pointer.to_owned());
        }
        text += 1;
    });
    withins
}

/// The secrets of each text. One that goes over several texts is one in each of them.
fn split(texts: &Texts, found: &[Secret]) -> BTreeMap<usize, Vec<Secret>> {
    let mut by_text: BTreeMap<usize, Vec<Secret>> = BTreeMap::new();
    for secret in found {
        let mut index = texts
            .ends()
            .partition_point(|end| (*end as usize) < secret.start);
        while let Some(&end) = texts.ends().get(index) {
            let start = index
                .checked_sub(1)
                .map_or(0, |before| texts.ends()[before] as usize + 1);
            if start >= secret.end {
                break;
            }
            let own = Secret {
                start: secret.start.max(start) - start,
                end: secret.end.min(end as usize).saturating_sub(start),
                ..*secret
            };
            if own.start < own.end {
                by_text.entry(index).or_default().push(own);
            }
            index += 1;
        }
    }
    by_text
}

fn withheld(secret: Secret, pointer: &str, target: Option<&str>, why: &str) -> Refusal {
    let kind = secret.kind;
    refuse(
        "secret.withheld",
        format!("The reply holds a secret ({kind}){why}, so all of it is withheld."),
    )
    .at(told_pointer(pointer))
    .details(json!({ "kind": kind }))
    .explain(explanation(kind, secret.confidence, target))
}

/// The exception for this tool and kind.
fn explanation(kind: &str, sure: Confidence, target: Option<&str>) -> Explanation {
    let told = because(format!("{}: {kind}", confidence(sure))).taken_for("text of a result");
    let Some(target) = target.filter(|target| may_be_told(target)) else {
        return told.decided_by("/allow");
    };
    let value: Cow<str> = match target.split_once('/') {
        Some((_, name)) if !name.is_empty() => target.into(),
        Some((server, _)) => format!("{server}/*").into(),
        None => "*".into(),
    };
    told.allowed_by("/allow/-", json!({ "tool": value, "kind": kind }))
}
