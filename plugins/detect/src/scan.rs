//! Scans a text in one pass. Only a few bytes can be part of a value, and the scan looks closer only around those. It
//! uses no regular expressions, because a run would have to fill the tables of their automaton: the scan touches the
//! text and nothing else.

use crate::context::Context;
use crate::entity::{Entities, Entity, Found};
use crate::number::{Gap, Number};
use crate::text::{folded, folded_before, is_word};
use crate::token::{Token, is_joined};
use crate::{
    birth, candidate, card, crypto, email, iban, ip, labelled, mac, national, phone, postal,
};

/// Fewest digits of a value.
const LEAST: usize = 4;
/// Fewest letters and digits of a token of both.
const MIXED: u8 = 7;
/// How many bytes of a token are searched for its beginning.
const BACK: usize = 80;

/// Passes every value of the wanted kinds to `found`, in the order of the text and without overlap. `key` returns the
/// name of the member that holds the text, or an empty text. It is called only where the text does not decide.
pub fn scan(text: &str, wanted: Entities, key: &dyn Fn() -> String, found: &mut dyn FnMut(Found)) {
    walk(text, wanted, key, found, candidate::next, short);
}

/// The scan, with the functions that pass over what cannot be a value.
pub(crate) fn walk(
    text: &str,
    wanted: Entities,
    key: &dyn Fn() -> String,
    found: &mut dyn FnMut(Found),
    next: fn(&[u8], usize) -> usize,
    short: fn(&[u8], usize) -> Option<usize>,
) {
    let bytes = text.as_bytes();
    let context = Context::new(text, key);
    let mut hits = Hits { done: 0, found };
    let mut at = next(bytes, 0);
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b'@' if wanted.has(Entity::Email) => {
                hits.take(Entity::Email, email::around(bytes, at, hits.done))
            }
            b':' => colon(bytes, at, wanted, &context, &mut hits),
            b'0'..=b'9' => Some(digit(bytes, at, wanted, &context, &mut hits, short)),
            0xEF => match folded(bytes, at) {
                Some((b'0'..=b'9', _)) => {
                    Some(digit(bytes, at, wanted, &context, &mut hits, short))
                }
                _ => None,
            },
            _ => None,
        };
        at = next(bytes, end.unwrap_or(at + 1));
    }
}

/// Passes on the address that has its first colon at `at`.
fn colon(
    bytes: &[u8],
    at: usize,
    wanted: Entities,
    context: &Context,
    hits: &mut Hits,
) -> Option<usize> {
    // Most colons stand between a name and a value.
    if bytes
        .get(at + 1)
        .is_some_and(|byte| !byte.is_ascii_hexdigit() && *byte != b':')
    {
        return None;
    }
    if wanted.has(Entity::Ip)
        && let Some(end) = hits.take(Entity::Ip, ip::v6_around(bytes, at, hits.done, context))
    {
        return Some(end);
    }
    let start = at.checked_sub(2).filter(|start| *start >= hits.done)?;
    let end = (wanted.has(Entity::Mac) && !is_joined(bytes, start))
        .then(|| mac::end(bytes, start, context))??;
    hits.take(Entity::Mac, Some((start, end)))
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

/// Passes on the value to which the digit at `at` belongs. Returns where to continue.
fn digit(
    bytes: &[u8],
    at: usize,
    wanted: Entities,
    context: &Context,
    hits: &mut Hits,
    short: fn(&[u8], usize) -> Option<usize>,
) -> usize {
    if let Some(end) = account(bytes, at, wanted, context, hits) {
        return end;
    }
    let start = beginning(bytes, at, hits.done);
    if start == at
        && let Some(end) = short(bytes, at)
    {
        return end;
    }
    let token = Token::at(bytes, start);
    let is_mixed = start < at
        || folded(bytes, at + digits_at(bytes, at))
            .is_some_and(|(character, _)| character.is_ascii_alphabetic());
    if is_mixed {
        // The parts of an identifier are no values.
        if token.end <= at {
            return at + 1;
        }
        let end = whole(bytes, &token, wanted, context, hits);
        return end.unwrap_or(token.end).max(at + 1);
    }
    if let Some(end) = prefixed(bytes, start, wanted, context, hits) {
        return end;
    }
    number(bytes, at, wanted, context, hits)
}

/// Passes on the bank account whose first digit is at `at`, or passes over what only has the shape of one.
fn account(
    bytes: &[u8],
    at: usize,
    wanted: Entities,
    context: &Context,
    hits: &mut Hits,
) -> Option<usize> {
    let start = at.checked_sub(2).filter(|start| *start >= hits.done)?;
    if !bytes[start].is_ascii_alphabetic()
        || !bytes[start + 1].is_ascii_alphabetic()
        || is_word(bytes, start.checked_sub(1))
    {
        return None;
    }
    if wanted.has(Entity::Iban)
        && let Some(end) = iban::end(bytes, start, context)
        && !is_word(bytes, Some(end))
    {
        return hits.take(Entity::Iban, Some((start, end)));
    }
    iban::shape_end(bytes, start).filter(|end| !is_word(bytes, Some(*end)))
}

/// Where the token with the digit at `at` begins.
fn beginning(bytes: &[u8], at: usize, floor: usize) -> usize {
    let mut start = at;
    while start > floor.max(at.saturating_sub(BACK)) && bytes[start - 1].is_ascii_alphanumeric() {
        start -= 1;
    }
    start
}

/// The length of the digits at `at` in bytes.
fn digits_at(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some((b'0'..=b'9', length)) = folded(bytes, end) {
        end += length;
    }
    end - at
}

/// Passes on what a token of letters and digits is, with the groups that follow. Returns its end.
fn whole(
    bytes: &[u8],
    token: &Token,
    wanted: Entities,
    context: &Context,
    hits: &mut Hits,
) -> Option<usize> {
    let continues = bytes
        .get(token.end)
        .is_some_and(|byte| matches!(byte, b' ' | b'-' | b'(' | b'/'));
    if (token.run < MIXED && !continues && !context_may_label(token))
        || is_joined(bytes, token.start)
    {
        return None;
    }
    if wanted.has(Entity::Crypto) && crypto::is_address(bytes, token) {
        return hits.take(Entity::Crypto, Some((token.start, token.end)));
    }
    if token.run > 24 {
        return None;
    }
    if wanted.has(Entity::Mac)
        && matches!(token.run, 2 | 4)
        && let Some(end) = mac::end(bytes, token.start, context)
    {
        return hits.take(Entity::Mac, Some((token.start, end)));
    }
    if let Some((entity, end)) = national::found(token, wanted, context) {
        return hits.take(entity, Some((token.start, end)));
    }
    if wanted.has(Entity::PostalCode)
        && (2..=4).contains(&token.run)
        && let Some(end) = postal::end(bytes, token)
    {
        return hits.take(Entity::PostalCode, Some((token.start, end)));
    }
    let (entity, end) = labelled::found(bytes, token, wanted, context)?;
    hits.take(entity, Some((token.start, end)))
}

/// Whether a short token may be a plate or a postal code.
fn context_may_label(token: &Token) -> bool {
    token.run >= 4
}

/// Passes on the value that begins with capitals and a space or hyphen before the digits at `at`: `AB 12 34 56 C`.
fn prefixed(
    bytes: &[u8],
    at: usize,
    wanted: Entities,
    context: &Context,
    hits: &mut Hits,
) -> Option<usize> {
    let gap = at
        .checked_sub(1)
        .filter(|gap| matches!(bytes[*gap], b' ' | b'-'))?;
    let letters = bytes[hits.done.min(gap)..gap]
        .iter()
        .rev()
        .take(5)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let start = gap - letters;
    if !(1..=4).contains(&letters)
        || start < hits.done
        || is_word(bytes, start.checked_sub(1))
        || is_joined(bytes, start)
    {
        return None;
    }
    let (entity, end) = national::found(&Token::at(bytes, start), wanted, context)?;
    hits.take(entity, Some((start, end)))
}

/// Passes on what the number at `at` is or contains. Returns where to continue.
fn number(bytes: &[u8], at: usize, wanted: Entities, context: &Context, hits: &mut Hits) -> usize {
    if wanted.has(Entity::BirthDate)
        && let Some(hit) = birth::around(bytes, at, hits.done, context)
    {
        return hits.take(Entity::BirthDate, Some(hit)).unwrap_or(hit.1);
    }
    if wanted.has(Entity::Mac)
        && (bytes.get(at + 2) == Some(&b'-') || bytes.get(at + 4) == Some(&b'.'))
        && let Some(end) =
            mac::end(bytes, at, context).filter(|_| at >= hits.done && !is_joined(bytes, at))
    {
        hits.take(Entity::Mac, Some((at, end)));
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
    // Dates are the commonest numbers with hyphens.
    if let [_, month, day, ..] = number.groups()
        && month.gap == day.gap
        && month.gap != Gap::Space
        && phone::is_date(&number, &number.groups()[..3])
    {
        return day.end;
    }
    let mut first = 0;
    while first < number.groups().len() {
        match one(bytes, &number, first, wanted, context) {
            Some(hit) if hit.start >= hits.done && !is_glued(bytes, hit.end) => {
                hits.take(hit.entity, Some((hit.start, hit.end)));
                while number
                    .groups()
                    .get(first)
                    .is_some_and(|group| group.start < hit.end)
                {
                    first += 1;
                }
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
    let goes_on = match bytes.get(end) {
        Some(b' ' | b'-' | b'.' | b'/' | b'(' | b')' | 0x80..) => true,
        // Part of a hardware address.
        Some(b'a'..=b'f' | b'A'..=b'F') => bytes.get(end + 1) == Some(&b'-'),
        // A year may follow a day: "October 4, 1983".
        Some(b',') => matches!(bytes.get(end + 1..end + 3), Some(b" 1" | b" 2")),
        _ => false,
    };
    ((1..LEAST).contains(&(end - at)) && !goes_on).then_some(end)
}

/// The value that begins with group `first`.
fn one(
    bytes: &[u8],
    number: &Number,
    first: usize,
    wanted: Entities,
    context: &Context,
) -> Option<Found> {
    let groups = &number.groups()[first..];
    let start = groups[0].start;
    let found = |entity, start, end| Some(Found { entity, start, end });
    if wanted.has(Entity::Ip) && ip::is_v4(bytes, number, first, context) {
        return found(Entity::Ip, start, ip::suffix_end(bytes, groups[3].end));
    }
    // A group after a hyphen or a dot is a part of something longer.
    let is_whole = matches!(
        groups[0].gap,
        Gap::Edge | Gap::Space | Gap::Parenthesis | Gap::Slash
    ) && !is_joined_loosely(bytes, start, first);
    let token = Token::at(bytes, start);
    if is_whole && let Some((entity, end)) = national::found(&token, wanted, context) {
        return found(entity, start, end);
    }
    if wanted.has(Entity::CreditCard)
        && is_whole
        && let Some(count) = card::groups(number, first, context)
    {
        return found(Entity::CreditCard, start, groups[count - 1].end);
    }
    if is_whole && let Some((entity, end)) = labelled::found(bytes, &token, wanted, context) {
        return found(entity, start, end);
    }
    if wanted.has(Entity::Phone)
        && let Some((start, end)) = phone::found(bytes, number, first, context)
    {
        return found(Entity::Phone, start, end);
    }
    None
}

/// Whether a longer token ends right before the first group. A slash between two numbers separates them.
fn is_joined_loosely(bytes: &[u8], start: usize, first: usize) -> bool {
    first == 0 && is_joined(bytes, start)
}

/// Whether a word or an e-mail address continues right after the number.
fn is_glued(bytes: &[u8], end: usize) -> bool {
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
            found("ann@example.com,bob@example.com;+819012345678/4111-1111-1111-1111"),
            [
                (Entity::Email, "ann@example.com"),
                (Entity::Email, "bob@example.com"),
                (Entity::Phone, "+819012345678"),
                (Entity::CreditCard, "4111-1111-1111-1111"),
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
