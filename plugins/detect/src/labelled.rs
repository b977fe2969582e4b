//! Detects values without check digits by the words right before them: "passport no. X1234567", "運転免許証番号は第…号".

use crate::context::Context;
use crate::entity::{Entities, Entity};
use crate::text::folded;
use crate::token::Token;
use crate::words::Topic;

/// A label: what it speaks of, how far before the value it may end, and what the value looks like.
struct Label {
    topic: Topic,
    entity: Entity,
    /// How many bytes may stand between the word and the value.
    far: usize,
    /// Fewest and most letters and digits.
    length: (usize, usize),
    /// Fewest digits.
    digits: usize,
    /// Most letters.
    letters: usize,
    /// Whether the word may also follow.
    after: bool,
}

/// The ten digits, of which programs draw or spell numbers: nobody's number.
const ALPHABET: &[u8] = b"0123456789";

const LABELS: [Label; 6] = [
    Label {
        topic: Topic::Document,
        entity: Entity::Document,
        far: 24,
        length: (6, 14),
        digits: 5,
        letters: 5,
        after: true,
    },
    Label {
        topic: Topic::Licence,
        entity: Entity::Document,
        far: 24,
        length: (5, 20),
        digits: 5,
        letters: 7,
        after: false,
    },
    Label {
        topic: Topic::Plate,
        entity: Entity::Document,
        far: 20,
        length: (4, 10),
        digits: 2,
        letters: 6,
        after: false,
    },
    Label {
        topic: Topic::Bank,
        entity: Entity::BankAccount,
        far: 20,
        length: (6, 20),
        digits: 6,
        letters: 2,
        after: false,
    },
    Label {
        topic: Topic::Postal,
        entity: Entity::PostalCode,
        far: 14,
        length: (3, 9),
        digits: 2,
        letters: 5,
        after: false,
    },
    Label {
        topic: Topic::Identity,
        entity: Entity::NationalId,
        far: 16,
        length: (8, 20),
        digits: 6,
        letters: 8,
        after: false,
    },
];

/// The value that begins where the token begins, because the words before it say what it is.
pub(crate) fn found(
    bytes: &[u8],
    token: &Token,
    wanted: Entities,
    context: &Context,
) -> Option<(Entity, usize)> {
    let text = &bytes[token.start..token.end];
    if token.run > 24
        || text.starts_with(b"0x")
        || text.starts_with(ALPHABET)
        || text.iter().any(u8::is_ascii_lowercase)
    {
        return None;
    }
    LABELS
        .iter()
        .filter(|label| wanted.has(label.entity))
        .find_map(|label| {
            let said = context.says_within(label.topic, token.start, label.far)
                || context.is_named(label.topic)
                || context.is_headed(label.topic, token.start)
                || (label.after && context.says_after(label.topic, token.end));
            if !said
                || context.is_nearer(Topic::Impersonal, label.topic, token.start)
                || context.is_nearer(Topic::Phone, label.topic, token.start)
                || context.is_nearer(Topic::Card, label.topic, token.start)
                || context.is_nearer(Topic::Birth, label.topic, token.start)
            {
                return None;
            }
            let (end, count, digits) = extent(bytes, token, label);
            let fits = (label.entity != Entity::PostalCode || is_postal(text))
                && (label.length.0..=label.length.1).contains(&count)
                && digits >= label.digits
                && count - digits <= label.letters
                && is_direct(bytes, token.start, label, context);
            fits.then_some((label.entity, end))
        })
}

/// The end of the value, and how many letters and digits it has: tokens of digits and capitals that a space, hyphen, dot
/// or slash joins.
fn extent(bytes: &[u8], token: &Token, label: &Label) -> (usize, usize, usize) {
    let is_small = |token: &Token| {
        bytes[token.start..token.end]
            .iter()
            .any(u8::is_ascii_lowercase)
    };
    let digits = |token: &Token| {
        (token.start..token.end)
            .filter(|at| {
                folded(bytes, *at).is_some_and(|(character, _)| character.is_ascii_digit())
            })
            .count()
    };
    let (mut end, mut count, mut all) = (token.end, usize::from(token.run), digits(token));
    while let Some((separator, length)) = folded(bytes, end) {
        let joins = matches!(separator, b'-' | b'.' | b'/')
            || (separator == b' ' && count < label.length.0.max(4));
        let next = Token::at(bytes, end + length);
        let number = digits(&next);
        if !joins
            || next.run == 0
            || count + usize::from(next.run) > label.length.1
            || (separator != b'-' && (is_small(&next) || (number == 0 && next.run > 3)))
        {
            break;
        }
        (end, count, all) = (next.end, count + usize::from(next.run), all + number);
    }
    (end, count, all)
}

/// Whether only particles, punctuation and a short word or two stand between the label and the value.
fn is_direct(bytes: &[u8], start: usize, label: &Label, context: &Context) -> bool {
    let Some(far) = context
        .distance(label.topic, start)
        .filter(|far| *far <= label.far)
    else {
        return true;
    };
    let between = &bytes[start - far..start];
    let is_end = |pair: &[u8]| {
        matches!(pair, b". " | b"; " | b", " | b"! " | b"? ") && between.len() > 4 && pair != b". "
    };
    !between.iter().any(|byte| {
        byte.is_ascii_digit()
            || matches!(byte, b'_' | b';' | b'{' | b'}' | b'\\' | b'+' | b'$' | b'%')
    }) && !between.windows(2).any(is_end)
}

/// Whether the token may be a postal code: it begins with a digit, or is written like one of the countries that put
/// letters first.
fn is_postal(token: &[u8]) -> bool {
    let digits = token.iter().filter(|byte| byte.is_ascii_digit()).count();
    token[0].is_ascii_digit() && (digits == token.len() || digits >= 4)
        || token[0] >= 0x80
        || (token[0].is_ascii_uppercase()
            && token.len() <= 7
            && digits >= 1
            && token
                .iter()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && token[1..].iter().take(3).any(u8::is_ascii_digit))
}
