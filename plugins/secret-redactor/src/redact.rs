//! Masks the secrets of one message on its way to the client.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sandgate_detect::secret::{self, Confidence, Secret};
use sandgate_sdk::{
    Context, Document, Edit, Error, Explanation, Refusal, Texts, because, finding, refuse,
};
use serde_json::{Value, json};

use crate::arguments::confidence;
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
    pointer: String,
    secrets: Vec<Secret>,
    /// Where the text stands in the machine-readable part.
    within: Option<String>,
}

/// The machine-readable part: the index of its first text, and the names and places of its texts.
struct Structured<'j> {
    first: usize,
    strings: Vec<members::Member<'j>>,
    /// A secret that is the name of a member.
    name: Option<Secret>,
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
        if by_text.is_empty() && json.is_none() {
            return nothing;
        }
        let target = self.policy.target(self.context);
        let mut structured = None;
        if let (Some(json), Some(at)) = (json, part) {
            let read = self.structured(json, at, texts.len())?;
            for (index, member) in read.strings.iter().enumerate() {
                let text = read.first + index;
                if let Some(secret) = secret::member(&member.name, &member.text)
                    && !by_text.contains_key(&text)
                {
                    by_text.insert(text, vec![secret]);
                }
            }
            structured = Some(read);
        }
        let place = Place {
            target: &target,
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
        let hits = by_text
            .into_iter()
            .map(|(index, secrets)| self.hit(index, secrets, structured.as_ref()))
            .collect::<Result<Vec<_>, Error>>()?;
        let name = structured.as_ref().and_then(|structured| structured.name);
        let name = name.filter(|secret| self.policy.wanted.has(secret));
        self.report(&hits, name, &target);
        self.decide(&texts, &hits, name, &target)
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
    fn structured<'j>(
        &self,
        json: &'j str,
        at: &str,
        texts: usize,
    ) -> Result<Structured<'j>, Error> {
        let mut strings = Vec::new();
        let mut name = None;
        let mut found = Vec::new();
        members::read(json, &mut |member| {
            if !member.is_name {
                strings.push(member);
            } else if name.is_none() {
                found.clear();
                secret::scan(&member.text, &mut found);
                name = found
                    .iter()
                    .find(|secret| secret.confidence == Confidence::Sure)
                    .copied();
            }
        });
        // The texts of the part are consecutive. Nearly always they are last or first in the document.
        let stands = |text: usize, string: usize| {
            let pointer = self.document.text_pointer(u32::try_from(text).ok()?)?;
            let within: &members::Member = strings.get(string)?;
            (pointer.strip_prefix(at) == Some(within.pointer.as_str())).then_some(())
        };
        let begins = |first: &usize| {
            strings.is_empty()
                || (stands(*first, 0).is_some()
                    && stands(first + strings.len() - 1, strings.len() - 1).is_some())
        };
        let last = texts.saturating_sub(strings.len());
        let first = (0..=last)
            .flat_map(|n| [last - n, n])
            .take(last + 1)
            .find(begins)
            .ok_or_else(|| {
                Error::new("the texts of the structured part are not where they should be")
            })?;
        Ok(Structured {
            first,
            strings,
            name,
        })
    }

    fn hit(
        &self,
        index: usize,
        secrets: Vec<Secret>,
        structured: Option<&Structured>,
    ) -> Result<Hit, Error> {
        let index_in_document = u32::try_from(index)?;
        let pointer = self
            .document
            .text_pointer(index_in_document)
            .unwrap_or_default();
        let own = structured
            .and_then(|structured| structured.strings.get(index.checked_sub(structured.first)?))
            .map(|member| member.pointer.clone());
        let within = own.or_else(|| Some(pointer.strip_prefix(self.part()?)?.to_owned()));
        Ok(Hit {
            index: index_in_document,
            pointer,
            secrets,
            within,
        })
    }

    /// Whether the text may become a mark.
    fn may_mask(&self, hit: &Hit) -> bool {
        match self.is_params {
            true => place::in_params(self.method, &hit.pointer),
            false => place::in_reply(self.method, self.failed, &hit.pointer),
        }
    }

    /// Records the kinds that were found, with their places.
    fn report(&self, hits: &[Hit], name: Option<Secret>, target: &str) {
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
                if places.len() < MOST_PLACES {
                    places.push(
                        json!({ "pointer": hit.pointer, "start": secret.start, "end": secret.end }),
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
        target: &str,
    ) -> Result<Outcome, Error> {
        let first = hits
            .first()
            .map(|hit| (hit.secrets[0], hit.pointer.clone()));
        match self.policy.results {
            Incoming::Pass | Incoming::Record => return Ok(Outcome::Edits(Vec::new())),
            Incoming::Refuse => {
                return Ok(match first.or(name.map(|name| (name, String::new()))) {
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
            return Ok(Outcome::Refusal(withheld(
                secret,
                self.part().unwrap_or_default().into(),
                target,
                why,
            )));
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
                    hit.pointer.clone(),
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
    if json.contains("\\u") {
        return true;
    }
    let mut found = Vec::new();
    secret::scan(json, &mut found);
    !found.is_empty() || !by_text.is_empty()
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

fn withheld(secret: Secret, pointer: String, target: &str, why: &str) -> Refusal {
    let kind = secret.kind;
    refuse(
        "secret.withheld",
        format!("The reply holds a secret ({kind}){why}, so all of it is withheld."),
    )
    .at(pointer)
    .details(json!({ "kind": kind }))
    .explain(explanation(kind, secret.confidence, target))
}

/// The exception for this tool and kind.
fn explanation(kind: &str, sure: Confidence, target: &str) -> Explanation {
    let told = because(format!("{}: {kind}", confidence(sure))).taken_for("text of a result");
    let value: Cow<str> = match target.split_once('/') {
        Some((_, name)) if !name.is_empty() => target.into(),
        Some((server, _)) => format!("{server}/*").into(),
        None => "*".into(),
    };
    told.allowed_by("/allow/-", json!({ "tool": value, "kind": kind }))
}
