//! Detects what policies found in an exchange, to the character: from their findings and refusals, and from what they
//! changed.

use std::collections::BTreeMap;

use sandgate_message::{Finding, Json, Limits, Node, Part, PreDecision, apply};
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};

use super::replayer::Observation;

/// The shortest value in characters. Shorter ones stand in too many places by chance, and cannot be told from other
/// text.
const SHORTEST: usize = 4;

/// A value that a policy found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Value {
    /// The value as it stands in the text.
    pub(super) text: String,
    /// The policy's word for it, for example `email`. May be anything, or empty.
    pub(super) kind: String,
}

/// A policy found something, and it is not known where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interceptor {interceptor:?} found something and does not say where")]
pub(super) struct Unplaced {
    interceptor: String,
}

/// What `details` of a finding or a refusal may say of the value. `docs/recording.md` describes the members.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    entity: Option<String>,
    private: Option<bool>,
    start: Option<usize>,
    end: Option<usize>,
    spans: Option<Vec<Span>>,
}

/// A range of bytes of a text.
#[derive(Debug, Deserialize)]
struct Span {
    pointer: String,
    start: Option<usize>,
    end: Option<usize>,
}

impl Details {
    fn of(details: Option<&Json>) -> Self {
        details
            .and_then(|details| details.to().ok())
            .unwrap_or_default()
    }
}

/// Everything that was found, without duplicates.
///
/// # Errors
///
/// Something was found, and it is not known where.
pub(super) fn values(
    observations: &[Observation],
    limits: &Limits,
) -> Result<Vec<Value>, Unplaced> {
    let mut values = Vec::new();
    for observation in observations {
        Seeker {
            observation,
            values: &mut values,
        }
        .seek(limits)?;
    }
    values.sort();
    values.dedup_by(|one, other| one.text == other.text);
    Ok(values)
}

struct Seeker<'a> {
    observation: &'a Observation,
    values: &'a mut Vec<Value>,
}

impl Seeker<'_> {
    fn seek(&mut self, limits: &Limits) -> Result<(), Unplaced> {
        let observation = self.observation;
        let changed = match &observation.decision {
            Ok(PreDecision::Edit(edits)) => apply(&observation.document, edits, limits).ok(),
            Ok(PreDecision::Replace(json)) => Some(json.clone()),
            _ => None,
        };
        // Whether all that was found is known to the character.
        let mut exact = !observation.findings.is_empty();
        for finding in &observation.findings {
            exact &= self.finding(finding, changed.is_some())?;
        }
        if let Ok(PreDecision::Refuse(refusal)) = &observation.decision
            && !exact
            && let Some(pointer) = &refusal.pointer
        {
            let details = Details::of(refusal.details.as_ref());
            let kind = details.entity.clone();
            let kind = kind.unwrap_or_else(|| last_word(&refusal.code));
            // The name of a tool or a prompt is what the call is about, and not a value in it.
            let is_name = pointer == "/name"
                && matches!(&*observation.call.method, "tools/call" | "prompts/get");
            if details.private != Some(false) && !is_name {
                let document = observation.document.clone();
                self.at(&document, pointer, details.start.zip(details.end), &kind)
                    .ok_or_else(|| self.unplaced())?;
            }
        }
        if let (Some(changed), false) = (changed, exact) {
            let document = observation.document.clone();
            self.replaced(document.root(), changed.root())
                .ok_or_else(|| self.unplaced())?;
        }
        Ok(())
    }

    /// Collects what a finding is about. Returns whether the finding says exactly where.
    fn finding(&mut self, finding: &Finding, changed: bool) -> Result<bool, Unplaced> {
        let details = Details::of(finding.details.as_ref());
        if details.private == Some(false) {
            return Ok(!changed);
        }
        let kind = details.entity.clone();
        let kind = kind.unwrap_or_else(|| last_word(&finding.rule));
        let document = match (finding.part, &self.observation.sent) {
            (Part::Params, Some(sent)) => sent.clone(),
            _ => self.observation.document.clone(),
        };
        let unplaced = self.unplaced();
        if let Some(spans) = details.spans.filter(|spans| !spans.is_empty()) {
            for span in spans {
                self.at(&document, &span.pointer, span.start.zip(span.end), &kind)
                    .ok_or_else(|| unplaced.clone())?;
            }
            return Ok(true);
        }
        let Some(pointer) = &finding.pointer else {
            // The change shows what was found.
            return if changed { Ok(false) } else { Err(unplaced) };
        };
        let span = details.start.zip(details.end);
        self.at(&document, pointer, span, &kind)
            .ok_or(unplaced)
            .map(|()| span.is_some())
    }

    /// Collects the value at the place, or a range of it.
    fn at(
        &mut self,
        document: &Json,
        pointer: &str,
        span: Option<(usize, usize)>,
        kind: &str,
    ) -> Option<()> {
        let node = document.root().at(pointer)?;
        let mut texts = Vec::new();
        leaves(node, &mut texts);
        match span {
            None => texts
                .iter()
                .filter(|text| !text.is_empty())
                .try_for_each(|text| self.push(text, kind)),
            Some((start, end)) => match texts.as_slice() {
                [text] => self.push(text.get(start..end)?, kind),
                _ => None,
            },
        }
    }

    fn push(&mut self, text: &str, kind: &str) -> Option<()> {
        (text.chars().count() >= SHORTEST).then(|| {
            self.values.push(Value {
                text: text.to_owned(),
                kind: kind.to_owned(),
            });
        })
    }

    /// Collects what was replaced by something else. A part that was removed whole is a matter of what may be seen:
    /// nothing in it counts as found.
    fn replaced(&mut self, before: Node<'_>, after: Node<'_>) -> Option<()> {
        if let (Some(before), Some(after)) = (before.string(), after.string()) {
            return segments(&before, &after)
                .iter()
                .try_for_each(|segment| self.push(segment, ""));
        }
        let members: BTreeMap<_, _> = after.members().collect();
        for (name, value) in before.members() {
            match members.get(&name) {
                Some(after) => self.replaced(value, *after)?,
                None => self.removed(value)?,
            }
        }
        let mut elements = after.elements();
        // If elements were removed, it is not known which of the others correspond.
        let same = before.elements().count() == after.elements().count();
        for element in before.elements() {
            match elements.next() {
                Some(after) if same => self.replaced(element, after)?,
                _ => {}
            }
        }
        let is_leaf = before.members().next().is_none() && before.elements().next().is_none();
        if is_leaf && before.as_str() != after.as_str() {
            self.removed(before)?;
        }
        Some(())
    }

    fn removed(&mut self, node: Node<'_>) -> Option<()> {
        use sandgate_message::Kind;
        match node.kind() {
            Kind::String => {
                let text = node.string().unwrap_or_default();
                match text.is_empty() {
                    true => Some(()),
                    false => self.push(&text, ""),
                }
            }
            Kind::Number => self.push(node.as_str(), ""),
            _ => Some(()),
        }
    }

    fn unplaced(&self) -> Unplaced {
        Unplaced {
            interceptor: self.observation.interceptor.to_string(),
        }
    }
}

/// The last word of a rule: `email` of `pii.email`.
fn last_word(rule: &str) -> String {
    rule.rsplit('.').next().unwrap_or_default().to_owned()
}

/// Collects every text and number below a node.
fn leaves(node: Node<'_>, texts: &mut Vec<String>) {
    use sandgate_message::Kind;
    match node.kind() {
        Kind::String => texts.extend(node.string().map(Into::into)),
        Kind::Number => texts.push(node.as_str().to_owned()),
        Kind::Array => node.elements().for_each(|element| leaves(element, texts)),
        Kind::Object => node.members().for_each(|(_, value)| leaves(value, texts)),
        Kind::Null | Kind::Bool => {}
    }
}

/// The pieces of a text that another text lacks, as whole words, without what both have at the ends.
fn segments(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_words(before, after);
    let mut found = Vec::new();
    let (mut gone, mut new) = (String::new(), String::new());
    let mut close = |gone: &mut String, new: &mut String| {
        let (old, put) = (std::mem::take(gone), std::mem::take(new));
        let piece = between(&old, &put).trim();
        if !piece.is_empty() {
            found.push(piece.to_owned());
        }
    };
    for change in diff.iter_all_changes() {
        match change.tag() {
            // White space alone does not separate two changes, since a value may contain spaces.
            ChangeTag::Equal if change.value().trim().is_empty() && !gone.is_empty() => {
                gone += change.value();
                new += change.value();
            }
            ChangeTag::Equal => close(&mut gone, &mut new),
            ChangeTag::Delete => gone += change.value(),
            ChangeTag::Insert => new += change.value(),
        }
    }
    close(&mut gone, &mut new);
    found
}

/// A text without the beginning and the end that it shares with another.
fn between<'a>(old: &'a str, new: &str) -> &'a str {
    let prefix: usize = old
        .chars()
        .zip(new.chars())
        .take_while(|(one, other)| one == other && !one.is_alphanumeric())
        .map(|(one, _)| one.len_utf8())
        .sum();
    let (old, new) = (&old[prefix..], &new[prefix..]);
    let suffix: usize = old
        .chars()
        .rev()
        .zip(new.chars().rev())
        .take_while(|(one, other)| one == other && !one.is_alphanumeric())
        .map(|(one, _)| one.len_utf8())
        .sum();
    &old[..old.len() - suffix]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use sandgate_message::{Call, Edit, Hook, Refusal, Severity};

    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.to_owned(), &Limits::default()).unwrap()
    }

    fn observation(
        decision: PreDecision,
        findings: &[(Option<&str>, Option<&str>)],
    ) -> Observation {
        Observation {
            interceptor: "own".into(),
            hook: Hook::PostCall,
            call: Arc::new(Call {
                target: None,
                ..Call::example()
            }),
            document: json(r#"{"a":"mail ada@corp.example now","n":4111111111111111,"s":"x"}"#),
            sent: None,
            failed: false,
            carried: None,
            decision: Ok(decision),
            findings: findings
                .iter()
                .map(|(pointer, details)| Finding {
                    rule: "own.secret".into(),
                    severity: Severity::Info,
                    part: Part::Reply,
                    pointer: pointer.map(Into::into),
                    message: String::new(),
                    details: details.map(json),
                })
                .collect(),
        }
    }

    fn found(observation: Observation) -> Option<Vec<(String, String)>> {
        let values = values(&[observation], &Limits::default()).ok()?;
        Some(
            values
                .into_iter()
                .map(|value| (value.kind, value.text))
                .collect(),
        )
    }

    fn one(kind: &str, text: &str) -> Option<Vec<(String, String)>> {
        Some(vec![(kind.to_owned(), text.to_owned())])
    }

    #[test]
    fn a_finding_says_where_by_spans_by_a_span_or_by_a_pointer() {
        let spans = r#"{"entity":"email","spans":[{"pointer":"/a","start":5,"end":21}]}"#;
        for finding in [
            (None, Some(spans)),
            (Some("/a"), Some(r#"{"entity":"email","start":5,"end":21}"#)),
        ] {
            let found = found(observation(PreDecision::Proceed, &[finding]));
            assert_eq!(found, one("email", "ada@corp.example"));
        }
        let whole = found(observation(PreDecision::Proceed, &[(Some("/a"), None)]));
        assert_eq!(whole, one("secret", "mail ada@corp.example now"));
        let number = found(observation(PreDecision::Proceed, &[(Some("/n"), None)]));
        assert_eq!(number, one("secret", "4111111111111111"));
    }

    #[test]
    fn what_is_found_nowhere_or_too_short_is_not_known() {
        let beyond = Some(r#"{"start":5,"end":99}"#);
        for finding in [
            (None, None),
            (Some("/s"), None),
            (Some("/z"), None),
            (Some("/a"), beyond),
        ] {
            assert_eq!(
                found(observation(PreDecision::Proceed, &[finding])),
                None,
                "{finding:?}"
            );
        }
        let public = (None, Some(r#"{"private":false}"#));
        assert_eq!(
            found(observation(PreDecision::Proceed, &[public])),
            Some(Vec::new())
        );
    }

    #[test]
    fn what_was_changed_shows_what_was_found() {
        let edit = |finding| {
            let edits = vec![Edit::Set("/a".into(), r#""mail [email] now""#.into())];
            found(observation(PreDecision::Edit(edits), finding))
        };
        assert_eq!(edit(&[]), one("", "ada@corp.example"));
        assert_eq!(edit(&[(None, None)]), one("", "ada@corp.example"));
    }

    #[test]
    fn a_refusal_says_where_too() {
        let refusal = |details: Option<&str>| {
            let refusal = Refusal {
                code: "own.key".into(),
                message: String::new(),
                pointer: Some("/a".into()),
                details: details.map(json),
                explanation: None,
            };
            found(observation(PreDecision::Refuse(refusal), &[]))
        };
        assert_eq!(refusal(None), one("key", "mail ada@corp.example now"));
        assert_eq!(refusal(Some(r#"{"private":false}"#)), Some(Vec::new()));
    }

    #[test]
    fn what_was_replaced_in_a_text_is_found_between_what_stayed() {
        assert_eq!(
            segments(
                "Mail to <ada@example.com>, or call +1 415 555 2671 now.",
                "Mail to <[email]>, or call [phone] now."
            ),
            ["ada@example.com", "+1 415 555 2671"]
        );
        assert_eq!(segments("key=abcd1234;", "[key];"), ["key=abcd1234"]);
        assert!(segments("same", "same").is_empty());
    }
}
