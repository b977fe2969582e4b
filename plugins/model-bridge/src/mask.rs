//! Marks in the place of what a classifier named: `[PERSON#3f09ac]`. The tag is keyed, so that a mark is known when it
//! comes back and nobody else's brackets are taken for one.

use serde::de::IgnoredAny;

use crate::secret::Secret;
use crate::settings::is_name;
use crate::verdict::Span;

/// The tag where there is no key.
const UNKEYED: &str = "masked";

/// The length of a tag.
const TAG: usize = 6;

/// The longest name in a mark, in bytes.
const LONGEST_NAME: usize = 64;

/// Makes marks and knows them.
pub(crate) struct Marks {
    /// `#3f09ac]`
    end: String,
}

impl Marks {
    /// Marks with a tag by this secret; all of an interceptor have the same.
    pub(crate) fn of(secret: Option<&Secret>) -> Self {
        let tag = secret.and_then(|secret| secret.digest(&[b"mark"], TAG));
        Self {
            end: format!("#{}]", tag.as_deref().unwrap_or(UNKEYED)),
        }
    }

    /// The mark of an entity.
    pub(crate) fn mark(&self, entity: &str) -> String {
        format!("[{entity}{}", self.end)
    }

    /// The marks in a text: start, end and entity.
    pub(crate) fn within<'t>(
        &self,
        text: &'t str,
    ) -> impl Iterator<Item = (usize, usize, &'t str)> {
        text.match_indices(&self.end).filter_map(|(at, end)| {
            // No further back than a name reaches.
            let from = text.floor_char_boundary(at.saturating_sub(LONGEST_NAME + 1));
            let start = from + text[from..at].rfind('[')?;
            let entity = &text[start + 1..at];
            is_name(entity).then_some((start, at + end.len(), entity))
        })
    }
}

/// The text with marks in the place of the spans; none where it was JSON and would be none any more. Without spans that
/// count, the same text.
pub(crate) fn masked(marks: &Marks, text: &str, spans: &[Span]) -> Option<String> {
    let spans = merged(marks, text, spans);
    let is_json = text.trim_start().starts_with(['{', '[', '"'])
        && serde_json::from_str::<IgnoredAny>(text).is_ok();
    let mut pieces: Vec<(usize, usize, String)> = Vec::new();
    if is_json {
        let tokens = tokens(text);
        for (start, end, entity) in spans {
            let mark = marks.mark(entity);
            // The tokens are in order.
            let first = tokens.partition_point(|token| token.end <= start);
            for token in tokens[first..].iter().take_while(|token| token.start < end) {
                pieces.extend(token.piece(start, end, &mark));
            }
        }
        pieces.sort();
        pieces.dedup_by(|next, before| next.0 < before.1);
    } else {
        pieces = spans
            .into_iter()
            .map(|(start, end, entity)| (start, end, marks.mark(entity)))
            .collect();
    }
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end, mark) in &pieces {
        masked.push_str(text.get(from..*start)?);
        masked.push_str(mark);
        from = *end;
    }
    masked.push_str(text.get(from..)?);
    (!is_json || serde_json::from_str::<IgnoredAny>(&masked).is_ok()).then_some(masked)
}

/// The spans in order, without overlaps and without those that touch a mark. Of spans that overlap the surest one gives
/// the name.
fn merged<'s>(marks: &Marks, text: &str, spans: &'s [Span]) -> Vec<(usize, usize, &'s str)> {
    let marks: Vec<_> = marks.within(text).collect();
    let mut sorted: Vec<&Span> = spans
        .iter()
        .filter(|span| {
            !marks
                .iter()
                .any(|(start, end, _)| span.start < *end && *start < span.end)
        })
        .collect();
    sorted.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<(usize, usize, &str, f64)> = Vec::new();
    for span in sorted {
        match merged.last_mut() {
            Some((_, end, entity, score)) if span.start < *end => {
                *end = (*end).max(span.end);
                if span.score > *score {
                    (*entity, *score) = (&span.entity, span.score);
                }
            }
            _ => merged.push((span.start, span.end, &span.entity, span.score)),
        }
    }
    merged
        .into_iter()
        .map(|(start, end, entity, _)| (start, end, entity))
        .collect()
}

/// A token of JSON text that can be masked: what stands between the quotes of a string, or a number.
struct Token {
    start: usize,
    end: usize,
    /// Where the escapes of a string begin and end; none for a number.
    escapes: Option<Vec<(usize, usize)>>,
}

impl Token {
    /// What replaces the part of the token between the two places.
    fn piece(&self, start: usize, end: usize, mark: &str) -> Option<(usize, usize, String)> {
        let Some(escapes) = &self.escapes else {
            return Some((self.start, self.end, format!("\"{mark}\"")));
        };
        let (mut start, mut end) = (start.max(self.start), end.min(self.end));
        for (from, to) in escapes {
            if *from < start && start < *to {
                start = *from;
            }
            if *from < end && end < *to {
                end = *to;
            }
        }
        (start < end).then(|| (start, end, mark.to_owned()))
    }
}

/// The strings and numbers of a JSON text.
fn tokens(json: &str) -> Vec<Token> {
    let bytes = json.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => {
                let mut escapes = Vec::new();
                at += 1;
                while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                    if *byte != b'\\' {
                        at += 1;
                        continue;
                    }
                    let from = at;
                    at += escape(&bytes[at..]);
                    escapes.push((from, at));
                }
                tokens.push(Token {
                    start: start + 1,
                    end: at,
                    escapes: Some(escapes),
                });
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let is_of_number =
                    |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                while bytes.get(at).is_some_and(is_of_number) {
                    at += 1;
                }
                tokens.push(Token {
                    start,
                    end: at,
                    escapes: None,
                });
            }
            _ => at += 1,
        }
    }
    tokens
}

/// Bytes of the escape that begins here; the two halves of a pair are one.
fn escape(bytes: &[u8]) -> usize {
    match bytes {
        [
            b'\\',
            b'u',
            b'd' | b'D',
            b'8' | b'9' | b'a'..=b'b' | b'A'..=b'B',
            _,
            _,
            b'\\',
            b'u',
            ..,
        ] => 12,
        [b'\\', b'u', ..] => 6,
        _ => 2,
    }
    .min(bytes.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn span(text: &str, part: &str, entity: &str) -> Span {
        let start = text.find(part).unwrap();
        Span {
            start,
            end: start + part.len(),
            entity: entity.into(),
            score: 0.9,
        }
    }

    fn mask(text: &str, parts: &[(&str, &str)]) -> Option<String> {
        let spans: Vec<Span> = parts
            .iter()
            .map(|(part, entity)| span(text, part, entity))
            .collect();
        masked(&Marks::of(None), text, &spans)
    }

    #[test]
    fn prose_gets_marks_and_overlaps_are_one() {
        let text = "Ann Lee lives in Paris.";
        let seen = mask(
            text,
            &[
                ("Ann Lee", "PERSON"),
                ("Lee lives", "X"),
                ("Paris", "LOCATION"),
            ],
        );
        assert_eq!(
            seen.as_deref(),
            Some("[PERSON#masked] in [LOCATION#masked].")
        );
        assert_eq!(mask(text, &[]).as_deref(), Some(text));
    }

    #[test]
    fn what_is_masked_is_not_masked_again() {
        let text = "[PERSON#masked] wrote";
        assert_eq!(
            mask(text, &[("PERSON", "ORGANIZATION")]).as_deref(),
            Some(text)
        );
        assert_eq!(
            Marks::of(None).within(text).collect::<Vec<_>>(),
            [(0, 15, "PERSON")]
        );
        for other in [
            "[PERSON]",
            "[x#1]",
            "#masked]",
            "[a b#masked]",
            "[#masked]",
            "[é#masked",
            "x#é",
        ] {
            assert_eq!(Marks::of(None).within(other).count(), 0, "{other}");
        }
    }

    #[test]
    fn json_stays_json() {
        let text = r#"{"n":4111111111111111,"to":"\nAnn","c":"x"}"#;
        assert_eq!(
            mask(text, &[("4111111111111111", "CARD")]).as_deref(),
            Some(r##"{"n":"[CARD#masked]","to":"\nAnn","c":"x"}"##)
        );
        // Within an escape, and over the end of a string.
        assert_eq!(
            mask(text, &[(r#"nAnn","c":"#, "PERSON")]).as_deref(),
            Some(r##"{"n":4111111111111111,"to":"[PERSON#masked]","[PERSON#masked]":"x"}"##)
        );
        assert_eq!(
            mask(r#"["\ud83d\ude00 Ann"]"#, &[("de00 Ann", "PERSON")]).as_deref(),
            Some(r##"["[PERSON#masked]"]"##)
        );
        assert_eq!(
            mask("[1]", &[("1", "A")]).as_deref(),
            Some(r##"["[A#masked]"]"##)
        );
    }

    #[test]
    fn any_span_leaves_json_what_it_is() {
        let text = r#"{"a":["x\\\"y\u00e9é",-1.5e3,true,null],"b\n":{"":"\ud83d\ude00"}} "#;
        for start in 0..text.len() {
            for end in start + 1..=text.len() {
                if text.is_char_boundary(start) && text.is_char_boundary(end) {
                    let span = Span {
                        start,
                        end,
                        entity: "E".into(),
                        score: 1.0,
                    };
                    assert!(
                        masked(&Marks::of(None), text, &[span]).is_some(),
                        "{start} {end}"
                    );
                }
            }
        }
    }
}
