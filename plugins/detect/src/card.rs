//! Detects payment cards.

use crate::checksum::luhn;
use crate::context::Context;
use crate::number::{Gap, Number};
use crate::words::Topic;

/// How many groups, beginning with group `first`, form a card number. `None` where they form none. The longest number
/// counts: the first twelve digits of a card of sixteen may pass Luhn by chance, and the last four would stay.
pub(crate) fn groups(number: &Number, first: usize, context: &Context) -> Option<usize> {
    (1..=5).rev().find(|&count| {
        let Some(groups) = number.groups().get(first..first + count) else {
            return false;
        };
        let digits = number.digits(groups);
        if !is_shaped(groups.iter().map(|group| group.count))
            || !is_evenly_spaced(number, first, count)
        {
            return false;
        }
        let known = match network(digits) {
            Network::None => return false,
            Network::Sure => true,
            Network::Doubtful => false,
        };
        if luhn(digits) != 0 || digits.iter().all(|digit| *digit == digits[0]) {
            return false;
        }
        let (start, end) = (groups[0].start, groups[count - 1].end);
        // One number in ten passes Luhn, and one in three begins like a card. A number of a known network in the groups
        // of a card, or alone in its text, needs no word.
        let called = || {
            (context.says(Topic::Card, start) || context.says_after(Topic::Card, end))
                && !context.is_nearer(Topic::Impersonal, Topic::Card, start)
                && !context.is_named(Topic::Impersonal)
        };
        (known && (count > 1 || context.is_all(start, end))) || called()
    })
}

enum Network {
    Sure,
    Doubtful,
    None,
}

/// The network by prefix and length, as the networks publish them (issuer ranges of ISO/IEC 7812).
fn network(digits: &[u8]) -> Network {
    let prefix = |count: usize| {
        digits
            .iter()
            .take(count)
            .fold(0u32, |prefix, &digit| prefix * 10 + u32::from(digit))
    };
    let (two, three, four) = (prefix(2), prefix(3), prefix(4));
    match digits.len() {
        14 if matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39) => Network::Sure, // Diners Club
        15 if matches!(two, 34 | 37) => Network::Sure, // American Express
        15 if matches!(four, 2131 | 1800) => Network::Sure, // JCB, older
        16 | 19 if digits[0] == 4 => Network::Sure,    // Visa
        16 if matches!(two, 51..=55) || matches!(four, 2221..=2720) => Network::Sure, // Mastercard
        16..=19 if matches!(four, 3528..=3589 | 6011) => Network::Sure, // JCB, Discover
        16..=19 if matches!(three, 644..=649) || matches!(two, 60 | 62 | 65 | 81 | 82) => {
            Network::Sure
        } // UnionPay, RuPay
        16 if matches!(four, 2200..=2204) => Network::Sure, // Mir
        16 if matches!(two, 50 | 56..=59 | 61 | 63 | 66..=69) => Network::Sure, // Maestro
        12..=19 => Network::Doubtful,
        _ => Network::None,
    }
}

/// Whether the groups have the lengths that cards use: one group, groups of four, or the lengths that some networks
/// emboss.
fn is_shaped(mut counts: impl Iterator<Item = usize> + Clone) -> bool {
    let listed: &[&[usize]] = &[
        &[4, 6, 5],
        &[4, 6, 4],
        &[4, 4, 4, 3],
        &[4, 4, 4, 4],
        &[4, 4, 4, 4, 3],
        &[4, 4, 4, 1],
        &[4, 4, 4],
    ];
    listed
        .iter()
        .any(|shape| shape.iter().copied().eq(counts.clone()))
        || (counts.next().is_some() && counts.next().is_none())
}

/// Whether all gaps within the number are the same, and the number is separated from the text around it.
fn is_evenly_spaced(number: &Number, first: usize, count: usize) -> bool {
    let groups = &number.groups()[first..first + count];
    let inner = groups.get(1).map(|group| group.gap);
    let even = matches!(inner, None | Some(Gap::Space | Gap::Hyphen | Gap::Dot))
        && groups[1..].iter().all(|group| Some(group.gap) == inner);
    let (before, after) = (groups[0].gap, number.gap_after(first + count - 1));
    // A space before or after the number separates it. A hyphen or dot joins it to other digits.
    let ends = |gap: Gap| matches!(gap, Gap::Edge | Gap::Slash | Gap::Parenthesis | Gap::Space);
    // Another group of four after a space may be part of a longer number.
    let goes_on = count > 1
        && after == Gap::Space
        && inner == Some(Gap::Space)
        && number.groups()[first + count].count == 4;
    even && ends(before) && ends(after) && !goes_on
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<usize> {
        let start = text.find(|character: char| character.is_numeric())?;
        let context = Context::new(text, &String::new);
        groups(&Number::read(text.as_bytes(), start), 0, &context)
    }

    #[test]
    fn a_check_digit_and_a_network_make_a_card() {
        assert_eq!(found("4111111111111111"), Some(1));
        assert_eq!(found("4111 1111 1111 1111"), Some(4));
        // The first twelve digits pass Luhn as well.
        assert_eq!(found("card 4000 0000 0002 0000"), Some(4));
        assert_eq!(found("3782-822463-10005"), Some(3));
        assert_eq!(found("４１１１１１１１１１１１１１１１"), Some(1));
        assert_eq!(found("4111111111111112"), None);
        // The check digit is right, but no network has this prefix.
        assert_eq!(found("9111111111111110"), None);
        assert_eq!(found("run 4111111111111111 ended"), None);
        assert_eq!(found("paid with card 4111111111111111 today"), Some(1));
        assert_eq!(found("order_id: 4111111111111111"), None);
        assert_eq!(found("my card 9111111111111110"), Some(1));
    }

    #[test]
    fn the_numbers_beside_it_are_not_part_of_it() {
        assert_eq!(found("4111 1111 1111 1111 12/27"), Some(4));
        assert_eq!(found("4111-1111 1111-1111"), None);
        assert_eq!(found("4111111111111111.5"), None);
        assert_eq!(found("4111-1111-1111-1111-2"), None);
    }

    #[test]
    fn short_numbers_need_a_word() {
        assert_eq!(found("4222222222222"), None);
        assert_eq!(found("card 4222222222222"), Some(1));
    }
}
