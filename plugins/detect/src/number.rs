//! A number as people write it: groups of digits with separators between.

use crate::text::folded;

/// Digits are dropped beyond this; nothing that is looked for is as long.
const DIGITS: usize = 40;
const GROUPS: usize = 12;

/// What stands between two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Gap {
    /// The text's edge or a character that belongs to no number.
    #[default]
    Edge,
    /// A space of any width.
    Space,
    /// A hyphen, dash or minus.
    Hyphen,
    /// A full stop.
    Dot,
    /// A slash.
    Slash,
    /// An opening or closing parenthesis, perhaps with a space or hyphen.
    Parenthesis,
}

/// A run of digits without anything between.
#[derive(Clone, Copy, Debug, Default)]
pub struct Group {
    /// Index of its first digit among the number's digits.
    pub first: usize,
    /// How many digits it has.
    pub count: usize,
    /// Where in the text it begins.
    pub start: usize,
    /// Where in the text it ends.
    pub end: usize,
    /// What stands before it.
    pub gap: Gap,
}

/// A number with its groups, without an allocation.
pub struct Number {
    digits: [u8; DIGITS],
    count: usize,
    groups: [Group; GROUPS],
    len: usize,
    /// Where in the text the reading stopped.
    pub end: usize,
}

impl Number {
    /// Reads the number whose first digit stands at `start`. It stops at a line's end, at anything that does not
    /// separate digits, and where there is no room for more.
    pub fn read(bytes: &[u8], start: usize) -> Self {
        let mut number = Self {
            digits: [0; DIGITS],
            count: 0,
            groups: [Group::default(); GROUPS],
            len: 0,
            end: start,
        };
        let mut gap = Gap::Edge;
        while number.len < GROUPS && number.read_group(bytes, gap) {
            match gap_at(bytes, number.end) {
                Some((next, found)) => {
                    number.end = next;
                    gap = found;
                }
                None => break,
            }
        }
        // A gap that was followed by no group is no part of it.
        number.end = number.groups[number.len - 1].end.max(start + 1);
        number
    }

    fn read_group(&mut self, bytes: &[u8], gap: Gap) -> bool {
        let (first, start) = (self.count, self.end);
        while let Some((digit @ b'0'..=b'9', length)) = folded(bytes, self.end) {
            if self.count == DIGITS {
                break;
            }
            self.digits[self.count] = digit - b'0';
            self.count += 1;
            self.end += length;
        }
        if self.count > first {
            self.groups[self.len] = Group {
                first,
                count: self.count - first,
                start,
                end: self.end,
                gap,
            };
            self.len += 1;
        }
        self.count > first && self.count < DIGITS
    }

    /// Its groups, in their order.
    pub fn groups(&self) -> &[Group] {
        &self.groups[..self.len]
    }

    /// The digits of a stretch of its groups.
    pub fn digits(&self, groups: &[Group]) -> &[u8] {
        match (groups.first(), groups.last()) {
            (Some(first), Some(last)) => &self.digits[first.first..last.first + last.count],
            _ => &[],
        }
    }

    /// What stands after the n-th group.
    pub fn gap_after(&self, index: usize) -> Gap {
        self.groups()
            .get(index + 1)
            .map_or(Gap::Edge, |group| group.gap)
    }
}

/// The gap that begins at `at`, and where the next digit is; none where no digit follows.
fn gap_at(bytes: &[u8], mut at: usize) -> Option<(usize, Gap)> {
    let mut gap = Gap::Edge;
    for _ in 0..=3 {
        let (character, length) = folded(bytes, at)?;
        let here = match character {
            b'0'..=b'9' => return (gap != Gap::Edge).then_some((at, gap)),
            b' ' => Gap::Space,
            b'-' => Gap::Hyphen,
            b'.' => Gap::Dot,
            b'/' => Gap::Slash,
            b'(' | b')' => Gap::Parenthesis,
            _ => return None,
        };
        gap = match (gap, here) {
            (Gap::Edge, here) => here,
            (Gap::Parenthesis, Gap::Space | Gap::Hyphen | Gap::Parenthesis) => Gap::Parenthesis,
            (Gap::Space | Gap::Hyphen, Gap::Parenthesis) => Gap::Parenthesis,
            // " - " and ". " and the like do not hold a number together.
            _ => return None,
        };
        at += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(usize, Gap)>, String, &str) {
        let number = Number::read(text.as_bytes(), 0);
        let groups: Vec<_> = number
            .groups()
            .iter()
            .map(|group| (group.count, group.gap))
            .collect();
        let digits = number
            .digits(number.groups())
            .iter()
            .map(|digit| (digit + b'0') as char)
            .collect();
        (groups, digits, &text[..number.end])
    }

    #[test]
    fn groups_and_what_stands_between_them_are_kept() {
        let (groups, digits, whole) = read("415) 555-0132 x9");
        assert_eq!(
            groups,
            [(3, Gap::Edge), (3, Gap::Parenthesis), (4, Gap::Hyphen)]
        );
        assert_eq!((digits.as_str(), whole), ("4155550132", "415) 555-0132"));
    }

    #[test]
    fn full_width_digits_and_dashes_read_as_ascii() {
        let (groups, digits, whole) = read("０７０－５０６９ー４２３４です");
        assert_eq!(groups, [(3, Gap::Edge), (4, Gap::Hyphen), (4, Gap::Hyphen)]);
        assert_eq!(
            (digits.as_str(), whole),
            ("07050694234", "０７０－５０６９ー４２３４")
        );
    }

    #[test]
    fn a_line_end_and_a_loose_dash_end_a_number() {
        assert_eq!(read("123\n456").1, "123");
        assert_eq!(read("123 - 456").1, "123");
        assert_eq!(read("123. 456").1, "123");
        assert_eq!(read("123-").2, "123");
    }

    #[test]
    fn endless_numbers_are_read_in_part_and_the_reading_goes_on_behind() {
        let long = "7".repeat(100);
        assert_eq!(read(&long).2.len(), DIGITS);
        let many = "1 ".repeat(100);
        assert_eq!(read(&many).0.len(), GROUPS);
    }
}
