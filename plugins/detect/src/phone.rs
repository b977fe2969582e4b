//! Detects telephone numbers: international ones, those in a shape that a country uses, and those that the words around
//! call a telephone number.

use crate::context::Context;
use crate::number::{Gap, Group, Number};
use crate::text::folded_before;
use crate::token::is_joined;
use crate::words::Topic;

/// The start and end of the telephone number that begins with group `first`.
pub(crate) fn found(
    bytes: &[u8],
    number: &Number,
    first: usize,
    context: &Context,
) -> Option<(usize, usize)> {
    let group = number.groups().get(first)?;
    let (start, opened) = lead(bytes, group, first, number.groups().len() > 2);
    if is_code(bytes, start) {
        return None;
    }
    let plus = bytes[start] == b'+' || bytes[start..].starts_with("＋".as_bytes());
    let count = if plus {
        international(number, first)?
    } else {
        national(bytes, number, first, opened, context)?
    };
    let end = number.groups()[first + count - 1].end;
    Some((start, extension_end(bytes, end)))
}

/// Whether an operator or an opening parenthesis of a call is right before: `f(123) 456`.
fn is_code(bytes: &[u8], start: usize) -> bool {
    let before = |n: usize| start.checked_sub(n).map_or(b' ', |at| bytes[at]);
    bytes[start] == b'('
        && (before(1).is_ascii_alphanumeric() || matches!(before(1), b'_' | b')' | b']'))
}

/// Where the number begins, including a `+` or an opening parenthesis before its first digit, and whether there is a
/// parenthesis.
fn lead(bytes: &[u8], group: &Group, first: usize, is_grouped: bool) -> (usize, bool) {
    let mut start = group.start;
    let mut opened = false;
    if (first == 0 || group.gap == Gap::Parenthesis)
        && let Some((b'(', at)) = folded_before(bytes, start)
    {
        (start, opened) = (at, true);
    }
    if first == 0 {
        let spaced = folded_before(bytes, start)
            .filter(|(character, _)| *character == b' ')
            .map_or(start, |(_, at)| at);
        for before in [start, spaced] {
            if let Some((b'+', at)) =
                folded_before(bytes, before).filter(|_| before == start || is_grouped)
            {
                // In `a+1` or `)+1` the plus sign is an addition.
                let is_sign = folded_before(bytes, at).is_none_or(|(character, _)| {
                    !character.is_ascii_alphanumeric() && character != b'+' && character != b')'
                });
                if is_sign {
                    return (at, opened);
                }
            }
        }
    }
    (start, opened)
}

/// How many groups, beginning with group `first`, form a number with a country code (ITU-T E.164): 7 to 15 digits.
/// Country code 1 takes exactly 11 digits, country code 7 at most 11.
fn international(number: &Number, first: usize) -> Option<usize> {
    let groups = &number.groups()[first..];
    let most = match number.digits(groups) {
        [1, ..] => 11,
        [7, ..] => 11,
        _ => 15,
    };
    let count = longest(groups, most)?;
    let digits = number.digits(&groups[..count]);
    if count == 2 && groups[1].gap == Gap::Dot {
        return None;
    }
    let is_north_american = digits.len() == 11 && digits[1] >= 2;
    (digits.len() >= 7 && is_country(digits) && (digits[0] != 1 || is_north_american))
        .then_some(count)
}

/// How many of the leading groups have at most `most` digits together. `None` where the first group alone has more.
fn longest(groups: &[Group], most: usize) -> Option<usize> {
    let mut digits = 0;
    let fits = |group: &&Group| {
        digits += group.count;
        digits <= most
    };
    match groups.iter().take_while(fits).count() {
        0 => None,
        count => Some(count),
    }
}

/// How many groups, beginning with group `first`, form a number without a country code after `+`: because of their
/// shape, because a word calls them a telephone number and they have 6 to 13 digits, or because they stand beside an
/// e-mail address in a list.
fn national(
    bytes: &[u8],
    number: &Number,
    first: usize,
    opened: bool,
    context: &Context,
) -> Option<usize> {
    let groups = &number.groups()[first..];
    let start = groups[0].start;
    if !matches!(groups[0].gap, Gap::Edge | Gap::Space | Gap::Parenthesis)
        || (!opened && bytes[start.saturating_sub(1)] != b'.' && is_joined(bytes, start))
    {
        return None;
    }
    let is_impersonal = || {
        context.is_named(Topic::Impersonal)
            || (context.says_within(Topic::Impersonal, start, 24)
                && !context.is_nearer(Topic::Phone, Topic::Impersonal, start))
            || context.is_nearer(Topic::Postal, Topic::Phone, start)
    };
    let shaped = (1..=groups.len().min(6)).rev().find(|&count| {
        // Groups after another number and a space are a part of it.
        let is_whole = first == 0 || opened || groups[0].gap != Gap::Space;
        is_whole
            && Shape::of(number, &groups[..count], opened).is_a_phone()
            && stands_alone(number, first, count)
            && !(count > 1
                && number.gap_after(first + count - 1) == Gap::Space
                && groups[count].count >= 2)
    });
    if let Some(count) = shaped {
        return (!is_impersonal()).then_some(count);
    }
    let count = longest(groups, 13)?;
    let digits = number.digits(&groups[..count]);
    let end = groups[count - 1].end;
    let short = digits.len() == 5 && count <= 2 && context.says_within(Topic::Phone, start, 3);
    let is_float = count == 2 && groups[1].gap == Gap::Dot;
    let is_near = digits.len() > 6
        || context
            .distance(Topic::Phone, start)
            .is_none_or(|far| far <= 12);
    let plausible = (digits.len() >= 6 || short)
        && is_near
        && !is_float
        && digits.iter().any(|digit| *digit != digits[0])
        && !is_date(number, &groups[..count])
        && !is_toll_free(digits)
        && !matches!(number.gap_after(first + count - 1), Gap::Hyphen | Gap::Dot)
        && groups[1..count]
            .iter()
            .all(|group| group.gap != Gap::Dot || group.count > 1);
    let called = || {
        let is_called = context.says_within(Topic::Phone, start, 40)
            || (context.says_within(Topic::Call, start, 24)
                && (digits.len() >= 8 || (count > 1 && digits.len() >= 7)));
        ((is_called
            && !context.is_nearer(Topic::Card, Topic::Phone, start)
            && !context.is_nearer(Topic::National, Topic::Phone, start)
            && !context.is_nearer(Topic::Bank, Topic::Phone, start))
            || context.is_named(Topic::Phone)
            || context.is_headed(Topic::Phone, start)
            || context.says_after(Topic::Phone, end)
            || (digits.len() >= 7 && count > 1 && context.says_after(Topic::Place, end))
            || (is_listed(bytes, groups, digits, count)
                && context.is_beside_an_address(start, end)))
            && !is_impersonal()
    };
    (plausible && called()).then_some(count)
}

/// Whether the number fills a field of a list, and has groups or begins like a telephone number.
fn is_listed(bytes: &[u8], groups: &[Group], digits: &[u8], count: usize) -> bool {
    let is_end = |byte: Option<&u8>| {
        byte.is_none_or(|byte| matches!(byte, b'|' | b';' | b',' | b'\t' | b'\n' | b'<' | b'>'))
    };
    let (start, end) = (groups[0].start, groups[count - 1].end);
    let before = bytes[..start]
        .iter()
        .rev()
        .take(3)
        .find(|byte| !matches!(byte, b' ' | b'('));
    let after = bytes[end..].iter().take(3).find(|byte| **byte != b' ');
    let is_shaped = match digits {
        [0, ..] => (9..=11).contains(&digits.len()),
        [1, 3..=9, ..] if count == 1 => digits.len() == 11,
        _ => {
            count > 1
                && (7..=12).contains(&digits.len())
                && groups[..count].iter().all(|group| group.count > 1)
        }
    };
    is_shaped
        && is_end(before)
        && is_end(after)
        && groups[1..count].iter().all(|group| group.gap != Gap::Dot)
}

/// Whether the groups are separated from the digits around them: by the edge, a space or a parenthesis.
fn stands_alone(number: &Number, first: usize, count: usize) -> bool {
    let before = number
        .groups()
        .get(first)
        .map_or(Gap::Edge, |group| group.gap);
    let loose = |gap: Gap| matches!(gap, Gap::Edge | Gap::Space | Gap::Parenthesis);
    loose(before) && loose(number.gap_after(first + count - 1))
}

/// Consecutive groups that may form a national number.
struct Shape<'n> {
    digits: &'n [u8],
    counts: [usize; 6],
    groups: &'n [Group],
    /// Whether a parenthesis opens before the first digit.
    opened: bool,
}

impl<'n> Shape<'n> {
    fn of(number: &'n Number, groups: &'n [Group], opened: bool) -> Self {
        let counts = std::array::from_fn(|n| groups.get(n).map_or(0, |group| group.count));
        Self {
            digits: number.digits(groups),
            counts,
            groups,
            opened,
        }
    }

    /// Whether the shape alone shows a telephone number. Toll-free numbers belong to no person and do not count.
    fn is_a_phone(&self) -> bool {
        !is_toll_free(self.digits)
            && (self.is_north_american()
                || self.is_mobile_in_one()
                || self.has_a_trunk_zero()
                || self.dials_out()
                || self.is_in_parentheses())
    }

    /// The separators within the number.
    fn inner(&self) -> impl Iterator<Item = Gap> {
        self.groups[1..].iter().map(|group| group.gap)
    }

    /// (NXX) NXX-XXXX, NXX-NXX-XXXX or NXX.NXX.XXXX, perhaps with a 1 before. With spaces alone the digits could be
    /// anything.
    fn is_north_american(&self) -> bool {
        let digits = match (self.counts, self.digits) {
            ([3, 3, 4, 0, 0, 0], digits) => digits,
            ([1, 3, 3, 4, 0, 0], [1, digits @ ..]) => digits,
            _ => return false,
        };
        let spaced = self.inner().all(|gap| gap == Gap::Space);
        // 252.227-7015 is a clause of a regulation.
        let gaps = self.groups[self.groups.len() - 2..].iter();
        let is_clause = gaps.map(|group| group.gap).eq([Gap::Dot, Gap::Hyphen]);
        digits[0] >= 2
            && digits[3] >= 2
            && !spaced
            && !is_clause
            && self.inner().all(|gap| gap != Gap::Slash)
    }

    /// Eleven digits in one group, in a mobile range of countries that write them so: 050, 070, 080, 090, 07…, 09…,
    /// 010.
    fn is_mobile_in_one(&self) -> bool {
        self.counts == [11, 0, 0, 0, 0, 0]
            && matches!(
                self.digits,
                [0, 5 | 7 | 8 | 9, 0, ..] | [0, 7 | 9, ..] | [0, 1, 0, ..]
            )
            && self.digits[3..] != [0; 8]
    }

    /// A trunk 0 and an area code, then the rest, with hyphens, parentheses, spaces or (between pairs of digits) dots.
    /// Nine to eleven digits.
    fn has_a_trunk_zero(&self) -> bool {
        let groups = self.groups.len();
        let lengths = (2..=5).contains(&groups) && (9..=11).contains(&self.digits.len());
        if !lengths
            || !matches!(self.digits, [0, 1..=9, ..])
            || self.inner().any(|gap| gap == Gap::Slash)
        {
            return false;
        }
        let pairs = self.counts[..groups].iter().all(|count| *count == 2) && groups == 5;
        let last = self.counts[groups - 1];
        let dotted = self.inner().any(|gap| gap == Gap::Dot);
        // 02110-1301 is rather a postal code.
        let is_postal = self.counts[..groups] == [5, 4] && self.groups[1].gap == Gap::Hyphen;
        let parts = self.counts[0] >= 2
            && self.counts[0] <= 6
            && self.counts[1..groups].iter().all(|count| *count >= 2)
            && ((3..=8).contains(&last) || (groups >= 4 && last == 2));
        pairs || (parts && !dotted && !is_postal && !self.begins_as_a_date())
    }

    /// 00, a country code, and the rest.
    fn dials_out(&self) -> bool {
        let digits = self.digits;
        self.groups.len() > 1
            && (2..=5).contains(&self.counts[0])
            && digits.starts_with(&[0, 0])
            && (11..=17).contains(&digits.len())
            && is_country(&digits[2..])
    }

    /// An area code in parentheses before the rest. A year in parentheses is none.
    fn is_in_parentheses(&self) -> bool {
        let is_year = self.counts[0] == 4 && matches!(self.digits, [1, 9, ..] | [2, 0, ..]);
        self.opened
            && (2..=4).contains(&self.groups.len())
            && (2..=5).contains(&self.counts[0])
            && self.groups[1].gap == Gap::Parenthesis
            && (8..=12).contains(&self.digits.len())
            && !is_year
            && self.groups[1..].iter().all(|group| group.count > 1)
            && self.inner().all(|gap| gap != Gap::Dot && gap != Gap::Slash)
    }

    /// Whether the number begins like 31-12-2026 or 01 02 2026.
    fn begins_as_a_date(&self) -> bool {
        matches!(self.counts, [2, 2, 4, ..]) && matches!(self.digits[4..6], [1, 9] | [2, 0])
    }
}

/// Whether the groups begin with a date: year, month and day in either order, or eight digits YYYYMMDD.
pub(crate) fn is_date(number: &Number, groups: &[Group]) -> bool {
    let digits = number.digits(groups);
    let counts: [usize; 3] = std::array::from_fn(|n| groups.get(n).map_or(0, |group| group.count));
    let year = |digits: &[u8]| matches!(digits, [1, 9, ..] | [2, 0, ..]);
    match counts[..] {
        [4, 1..=2, 1..=2, ..] => year(digits),
        [day @ 1..=2, month @ 1..=2, 4, ..] => year(&digits[day + month..]),
        [8, _, _] => {
            year(digits)
                && matches!(digits[4..6], [0, _] | [1, 0..=2])
                && matches!(digits[6..8], [0..=2, _] | [3, 0..=1])
        }
        _ => false,
    }
}

/// Whether the number is toll-free or otherwise only given to companies: 0120, 0800 and 0570 with at most 11 digits; 800,
/// 833, 844, 855, 866, 877 and 888, perhaps after 1, with 10 or 11 digits.
fn is_toll_free(digits: &[u8]) -> bool {
    let north_american = match digits {
        [1, rest @ ..] if digits.len() == 11 => rest,
        _ => digits,
    };
    matches!(
        digits,
        [0, 1, 2, 0, ..] | [0, 8, 0, 0, ..] | [0, 5, 7, 0, ..]
    ) && digits.len() <= 11
        || matches!(north_american, [8, 0, 0, ..]) && north_american.len() == 10
        || matches!(north_american, [8, a @ 3..=8, b, ..] if a == b) && north_american.len() == 10
}

/// Whether the digits begin with an assigned country code (ITU's list, E.164.D). The first three digits decide.
fn is_country(digits: &[u8]) -> bool {
    let [a, b, c, ..] = *digits else { return false };
    match u32::from(a) * 100 + u32::from(b) * 10 + u32::from(c) {
        210 | 214 | 215 | 217 | 219 | 384 | 388 | 422 | 671 | 684 => false,
        100..=279 | 290 | 291 | 297..=378 | 380..=421 | 423 | 430..=692 | 700..=799 => true,
        808
        | 810..=829
        | 840..=850
        | 852
        | 853
        | 855
        | 856
        | 860..=870
        | 878
        | 880..=883
        | 886
        | 888 => true,
        900..=968 | 970..=977 | 979..=989 | 992..=996 | 998 => true,
        _ => false,
    }
}

/// The end of the number with an extension (`x123`, `ext. 123`) of at most six digits that follows it.
fn extension_end(bytes: &[u8], end: usize) -> usize {
    let rest = &bytes[end..];
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count().min(1);
    let after = &rest[spaces..];
    let word = [&b"extension "[..], b"ext. ", b"ext.", b"ext ", b"ext", b"x"]
        .into_iter()
        .find(|word| after.len() > word.len() && after[..word.len()].eq_ignore_ascii_case(word));
    let Some(word) = word else { return end };
    let digits = after[word.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let next = after.get(word.len() + digits);
    if (1..=6).contains(&digits) && !next.is_some_and(u8::is_ascii_alphanumeric) {
        end + spaces + word.len() + digits
    } else {
        end
    }
}
