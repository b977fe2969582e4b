//! Scans a text in one pass. Only a few bytes can be part of a value, and the scan looks closer only around those. It
//! uses no regular expressions, because a run would have to fill the tables of their automaton: the scan touches the
//! text and nothing else.

use crate::context::Context;
use crate::entity::{Entities, Entity, Found};
use crate::number::Number;
use crate::text::{folded, folded_before, is_word};
use crate::{candidate, card, email, iban, ip, national, phone};

/// Fewest digits of a value.
const LEAST: usize = 4;

/// Passes every value of the wanted kinds to `found`, in the order of the text and without overlap. `key` returns the
/// name of the member that holds the text, or an empty text. It is called only where the text does not decide.
pub fn scan(text: &str, wanted: Entities, key: &dyn Fn() -> String, found: &mut dyn FnMut(Found)) {
    let bytes = text.as_bytes();
    let context = Context { text, key };
    let mut hits = Hits { done: 0, found };
    let mut at = candidate::next(bytes, 0);
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b'@' if wanted.has(Entity::Email) => {
                hits.take(Entity::Email, email::around(bytes, at, hits.done))
            }
            b':' if wanted.has(Entity::Ip) => {
                hits.take(Entity::Ip, ip::v6_around(bytes, at, hits.done))
            }
            b'0'..=b'9' => Some(number(bytes, at, wanted, &context, &mut hits)),
            0xEF => match folded(bytes, at) {
                Some((b'0'..=b'9', _)) => Some(number(bytes, at, wanted, &context, &mut hits)),
                _ => None,
            },
            _ => None,
        };
        at = candidate::next(bytes, end.unwrap_or(at + 1));
    }
}

/// The values found so far.
struct Hits<'f> {
    /// Text before this index is not looked at again.
    done: usize,
    found: &'f mut dyn FnMut(Found),
}

impl Hits<'_> {
    /// Passes on the value at these bytes, if there is one, and returns its end.
    fn take(&mut self, entity: Entity, stretch: Option<(usize, usize)>) -> Option<usize> {
        let (start, end) = stretch?;
        (self.found)(Found { entity, start, end });
        self.done = end;
        Some(end)
    }
}

/// Passes on what the number at `at` is or contains. Returns where to continue.
fn number(bytes: &[u8], at: usize, wanted: Entities, context: &Context, hits: &mut Hits) -> usize {
    if wanted.has(Entity::Iban)
        && let Some(start) = at.checked_sub(2).filter(|start| *start >= hits.done)
        && !is_word(bytes, start.checked_sub(1))
        && let Some(end) = iban::end(bytes, start, context)
        && !is_word(bytes, Some(end))
    {
        hits.take(Entity::Iban, Some((start, end)));
        return end;
    }
    if let Some(end) = short(bytes, at) {
        return end;
    }
    let number = Number::read(bytes, at);
    // Most numbers are too short to be any value. They are skipped.
    if number.digits(number.groups()).len() < LEAST
        || is_word(bytes, folded_before(bytes, at).map(|(_, before)| before))
    {
        return number
            .groups()
            .first()
            .map_or(number.end, |group| group.end);
    }
    let mut first = 0;
    while first < number.groups().len() {
        match one(bytes, &number, first, wanted, context) {
            Some((hit, groups)) if hit.start >= hits.done && !is_glued(bytes, hit.end) => {
                hits.take(hit.entity, Some((hit.start, hit.end)));
                first += groups;
            }
            _ => first += 1,
        }
    }
    number.end.max(hits.done)
}

/// The end of a number that is too short for any value, without reading the number: one to three digits, followed by
/// nothing that could separate further digits.
fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes[at..].iter().take(LEAST);
    let end = at + digits.take_while(|byte| byte.is_ascii_digit()).count();
    let goes_on = bytes
        .get(end)
        .is_some_and(|byte| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | 0x80..));
    ((1..LEAST).contains(&(end - at)) && !goes_on).then_some(end)
}

/// The value that begins with group `first`, and how many groups it has.
pub(crate) fn one(
    bytes: &[u8],
    number: &Number,
    first: usize,
    wanted: Entities,
    context: &Context,
) -> Option<(Found, usize)> {
    let stretch = |entity, count: usize| {
        let groups = &number.groups()[first..first + count];
        (
            Found {
                entity,
                start: groups[0].start,
                end: groups[count - 1].end,
            },
            count,
        )
    };
    if wanted.has(Entity::Ip) && ip::is_v4(number, first, context) {
        let (mut found, count) = stretch(Entity::Ip, 4);
        found.end = ip::suffix_end(bytes, found.end);
        return Some((found, count));
    }
    if wanted.has(Entity::CreditCard)
        && let Some(count) = card::groups(number, first, context)
    {
        return Some(stretch(Entity::CreditCard, count));
    }
    if wanted.has(Entity::JpMyNumber)
        && let Some(count) = national::jp_my_number_groups(number, first, context)
    {
        return Some(stretch(Entity::JpMyNumber, count));
    }
    if wanted.has(Entity::UsSsn)
        && let Some(count) = national::us_ssn_groups(number, first, context)
    {
        return Some(stretch(Entity::UsSsn, count));
    }
    if wanted.has(Entity::Phone)
        && let Some((start, end, count)) = phone::found(bytes, number, first, context)
    {
        return Some((
            Found {
                entity: Entity::Phone,
                start,
                end,
            },
            count,
        ));
    }
    None
}

/// Whether a word or an e-mail address continues right after the number.
pub(crate) fn is_glued(bytes: &[u8], end: usize) -> bool {
    is_word(bytes, Some(end)) || bytes.get(end) == Some(&b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Entity, &str)> {
        let mut hits = Vec::new();
        let all = Entity::ALL.into_iter().collect();
        scan(text, all, &String::new, &mut |hit| {
            hits.push((hit.entity, &text[hit.start..hit.end]))
        });
        hits
    }

    #[test]
    fn a_colon_before_a_value_does_not_hide_it() {
        assert_eq!(found("ip:203.0.113.9"), [(Entity::Ip, "203.0.113.9")]);
        assert_eq!(
            found("card:4111111111111111"),
            [(Entity::CreditCard, "4111111111111111")]
        );
        assert_eq!(
            found("tel:090-1234-5678"),
            [(Entity::Phone, "090-1234-5678")]
        );
        assert_eq!(
            found("mail:ann@example.com"),
            [(Entity::Email, "ann@example.com")]
        );
        assert_eq!(
            found("iban:DE89370400440532013000"),
            [(Entity::Iban, "DE89370400440532013000")]
        );
    }

    #[test]
    fn values_side_by_side_are_all_found() {
        assert_eq!(
            found("ann@example.com,bob@example.com;+819012345678/4111111111111111"),
            [
                (Entity::Email, "ann@example.com"),
                (Entity::Email, "bob@example.com"),
                (Entity::Phone, "+819012345678"),
                (Entity::CreditCard, "4111111111111111"),
            ]
        );
    }

    #[test]
    fn an_address_with_a_number_in_it_is_one_address() {
        assert_eq!(
            found("09012345678@example.com"),
            [(Entity::Email, "09012345678@example.com")]
        );
    }

    #[test]
    fn digits_within_words_and_identifiers_are_none() {
        for text in [
            "a4111111111111111",
            "4111111111111111b",
            "id_4111111111111111",
            "3f2a4111111111111111",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn any_text_can_be_scanned() {
        // Combines awkward pieces, so that an index inside a character that is taken for a boundary is found.
        let pieces = [
            "",
            "０",
            "９０",
            "－",
            "＋",
            "（",
            "é",
            "あ",
            "\u{200b}",
            "@",
            ":",
            "::",
            "1",
            "4111111111111111",
            "+",
            "(",
            ")",
            ".",
            "a@b.co",
            "DE89",
            "電話",
            "\n",
            "10.0.0.1",
        ];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    found(&format!("{a}{b}{c}{b}{a}"));
                }
            }
        }
    }
}
