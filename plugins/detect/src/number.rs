//! Reads a number as people write it: groups of digits with separators between.

use crate::text::folded;

/// Most digits that are read. A value is never as long.
const DIGITS: usize = 40;
/// Most groups that are read.
const GROUPS: usize = 12;

/// The separator before a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Gap {
    /// None: the edge of the text, or a character that belongs to no number.
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
    /// An opening or closing parenthesis, perhaps with a space, a hyphen or another parenthesis.
    Parenthesis,
}

/// A run of digits without separators.
#[derive(Clone, Copy, Debug, Default)]
pub struct Group {
    /// Index of the first digit among the number's digits.
    pub first: usize,
    /// How many digits the group has.
    pub count: usize,
    /// Where the group begins in the text, in bytes.
    pub start: usize,
    /// Where the group ends in the text, in bytes.
    pub end: usize,
    /// The separator before the group. The first group has [`Gap::Edge`].
    pub gap: Gap,
}

/// A number and its groups. Reading it allocates nothing.
pub struct Number {
    digits: [u8; DIGITS],
    count: usize,
    groups: [Group; GROUPS],
    len: usize,
    /// Where the last group ends in the text, in bytes.
    pub end: usize,
}

impl Number {
    /// Reads the number whose first digit is at `start`. Reading stops at the end of a line, at any character that does
    /// not separate digits, and after 40 digits or 12 groups.
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
        // A separator at the end belongs to no group, so it is not part of the number.
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

    /// The groups in order.
    pub fn groups(&self) -> &[Group] {
        &self.groups[..self.len]
    }

    /// The digits, as values from 0 to 9, of consecutive groups of this number.
    pub fn digits(&self, groups: &[Group]) -> &[u8] {
        match (groups.first(), groups.last()) {
            (Some(first), Some(last)) => &self.digits[first.first..last.first + last.count],
            _ => &[],
        }
    }

    /// The separator after the group with that index. [`Gap::Edge`] after the last one.
    pub fn gap_after(&self, index: usize) -> Gap {
        self.groups()
            .get(index + 1)
            .map_or(Gap::Edge, |group| group.gap)
    }
}

/// The separator that begins at `at`, and where the next digit is. `None` where no digit follows.
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
            (
                Gap::Parenthesis,
                Gap::Space | Gap::Hyphen | Gap::Parenthesis | Gap::Dot | Gap::Slash,
            ) => Gap::Parenthesis,
            (Gap::Space | Gap::Hyphen, Gap::Parenthesis) => Gap::Parenthesis,
            // " - ", ". " and the like do not hold a number together.
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
