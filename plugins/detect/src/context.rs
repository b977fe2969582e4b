//! What the surroundings of a value say of it: the words before and after, the name of the member that holds it, the
//! heading of its column, the label of its row.

use std::cell::{Cell, OnceCell};

use crate::words::{TOPICS, Topic, topics};

/// How many bytes before a value are searched for words.
const WINDOW: usize = 64;
/// How many bytes after a value are searched for words.
const AFTER: usize = 24;
/// How many bytes a word after another may take and still belong to it.
const BESIDE: u8 = 5;
/// Longest heading of a table, and longest row before a value, that are read.
const ROW: usize = 512;

/// The text, and what is known of the place of each value in it.
pub(crate) struct Context<'t> {
    pub(crate) text: &'t str,
    /// The member's name; empty where the text is not a member of a JSON object. It is only called when needed, because
    /// the answer costs a call to the host.
    pub(crate) key: &'t dyn Fn() -> String,
    /// The topics of the member's name.
    named: OnceCell<u32>,
    /// The last place that was asked about, and what was found there.
    last: Cell<Option<(usize, Near)>>,
    /// The place after which was looked last, and the topics there.
    after: Cell<Option<(usize, u32)>>,
    /// The heading of the text, if its first line is one.
    heading: OnceCell<Option<Heading>>,
    /// The row in which the last value stood.
    row: Cell<Option<Row>>,
    /// The place that was asked about last, and the topics of its column.
    column: Cell<Option<(usize, u32)>>,
}

/// The heading of a table.
struct Heading {
    separator: u8,
    /// The topics of each column.
    columns: [u32; COLUMNS],
    /// How many columns there are.
    count: usize,
    /// Where the heading ends.
    end: usize,
}

/// Most columns that are looked at.
const COLUMNS: usize = 24;

/// A row, read as far as `at`.
#[derive(Clone, Copy)]
struct Row {
    at: usize,
    column: usize,
    quoted: bool,
    /// Whether the row has as many cells as the heading.
    fits: bool,
}

/// How far before a place each topic was spoken of, in bytes. [`FAR`]: it was not.
type Near = [u8; TOPICS];
const FAR: u8 = u8::MAX;

impl<'t> Context<'t> {
    pub(crate) fn new(text: &'t str, key: &'t dyn Fn() -> String) -> Self {
        Self {
            text,
            key,
            named: OnceCell::new(),
            last: Cell::new(None),
            after: Cell::new(None),
            heading: OnceCell::new(),
            row: Cell::new(None),
            column: Cell::new(None),
        }
    }

    /// Whether the topic is spoken of in the [`WINDOW`] before `at`, in the member's name or in the column's heading.
    pub(crate) fn says(&self, topic: Topic, at: usize) -> bool {
        self.says_within(topic, at, WINDOW) || self.is_named(topic) || self.is_headed(topic, at)
    }

    /// Whether the topic is spoken of in the last `window` bytes before `at`.
    pub(crate) fn says_within(&self, topic: Topic, at: usize, window: usize) -> bool {
        usize::from(self.near(at)[topic as usize]) <= window
    }

    /// How many bytes before `at` a word of the topic ends.
    pub(crate) fn distance(&self, topic: Topic, at: usize) -> Option<usize> {
        let near = self.near(at)[topic as usize];
        (near < FAR).then_some(usize::from(near))
    }

    /// Whether the topic is spoken of nearer to `at` than the other one. A short word right after the other, as in "tax
    /// id", belongs to it.
    pub(crate) fn is_nearer(&self, topic: Topic, than: Topic, at: usize) -> bool {
        let near = self.near(at);
        near[topic as usize].saturating_add(BESIDE) < near[than as usize]
    }

    /// Whether the topic is spoken of right after `at`, on the same line.
    pub(crate) fn says_after(&self, topic: Topic, at: usize) -> bool {
        if let Some((place, mask)) = self.after.get()
            && place == at
        {
            return mask & bit(topic) != 0;
        }
        let bytes = self.text.as_bytes();
        let rest = &bytes[at..bytes.len().min(at + AFTER)];
        // A bracket begins something else, for example a mark that stands for another value.
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'[' | b'"' | b';' | b'|'));
        let mask = mask(&rest[..end.unwrap_or(rest.len())]);
        self.after.set(Some((at, mask)));
        mask & bit(topic) != 0
    }

    /// Whether the topic is spoken of in the member's name.
    pub(crate) fn is_named(&self, topic: Topic) -> bool {
        let named = self.named.get_or_init(|| mask((self.key)().as_bytes()));
        named & bit(topic) != 0
    }

    /// Whether the text is nothing but `start..end`, perhaps with quotes or punctuation around.
    pub(crate) fn is_all(&self, start: usize, end: usize) -> bool {
        let is_nothing =
            |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'.' | b',' | b'\'');
        let bytes = self.text.as_bytes();
        start < 4
            && bytes.len() < end + 4
            && bytes[..start].iter().chain(&bytes[end..]).all(is_nothing)
    }

    /// Whether an `@` stands on the same line near the place: a list of people.
    pub(crate) fn is_beside_an_address(&self, start: usize, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        let before = bytes[start.saturating_sub(80)..start]
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n');
        let after = bytes[end..]
            .iter()
            .take(80)
            .take_while(|byte| **byte != b'\n');
        before.chain(after).any(|byte| *byte == b'@')
    }

    fn near(&self, at: usize) -> Near {
        if let Some((place, near)) = self.last.get()
            && place == at
        {
            return near;
        }
        let mut near = [FAR; TOPICS];
        let start = self.window(at);
        topics(&self.text.as_bytes()[start..at], &mut |topic, after| {
            near[topic as usize] = u8::try_from(at - start - after).unwrap_or(FAR);
        });
        self.last.set(Some((at, near)));
        near
    }

    /// Where the words about the value at `at` may begin: not before another value that has words of its own, not before
    /// the name of the member in JSON, not before a mark.
    fn window(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let start = at.saturating_sub(WINDOW);
        let (mut letters, mut digits, mut is_row) = (0, 0, false);
        for place in (start..at).rev() {
            match bytes[place] {
                b'0'..=b'9' => {
                    digits += 1;
                    if digits >= 5 && letters > 3 {
                        return place + 1;
                    }
                }
                b':' if place > start && bytes[place - 1] == b'"' => {
                    let name = bytes[start..place - 1]
                        .iter()
                        .rposition(|byte| *byte == b'"');
                    return name.map_or(start, |name| start + name);
                }
                // In a row of a table, the rows above say nothing.
                b'\n' if is_row => return place + 1,
                // The end of a mark: a word in it speaks of the value that was there.
                b']' if bytes[..place]
                    .iter()
                    .rev()
                    .take(8)
                    .any(|byte| *byte == b'~') =>
                {
                    return place + 1;
                }
                byte => {
                    digits = 0;
                    is_row |= matches!(byte, b'\t' | b',' | b';' | b'|');
                    letters += usize::from(byte.is_ascii_alphabetic() || byte >= 0x80);
                }
            }
        }
        start
    }

    /// Whether the topic is spoken of in the heading of the column in which `at` stands: the first line of a text with
    /// tabs, commas, semicolons or bars, or the first row of a table in Markdown.
    pub(crate) fn is_headed(&self, topic: Topic, at: usize) -> bool {
        let topics = match self.column.get() {
            Some((place, topics)) if place == at => topics,
            _ => {
                let topics = self.column_topics(at);
                self.column.set(Some((at, topics)));
                topics
            }
        };
        topics & bit(topic) != 0
    }

    fn column_topics(&self, at: usize) -> u32 {
        let bytes = self.text.as_bytes();
        if let Some(heading) = self.heading.get_or_init(|| Heading::read(bytes)) {
            return match self.row(heading, at) {
                Row {
                    column, fits: true, ..
                } if column < COLUMNS => heading.columns[column],
                _ => 0,
            };
        }
        self.markdown(at).unwrap_or_default()
    }

    /// The row and column of `at`. Values are asked about in the order of the text, so that each row is read once.
    fn row(&self, heading: &Heading, at: usize) -> Row {
        let bytes = self.text.as_bytes();
        let known = self.row.get().filter(|row| {
            row.at <= at && at - row.at <= ROW && !bytes[row.at..at].contains(&b'\n')
        });
        let (mut row, from) = match known {
            Some(row) => (row, row.at),
            None => {
                let from = at.saturating_sub(ROW);
                let line = bytes[from..at]
                    .iter()
                    .rposition(|byte| *byte == b'\n')
                    .map(|line| from + line + 1);
                let start = line.unwrap_or(from);
                let rest = &bytes[start..bytes.len().min(start + 2 * ROW)];
                let end = start
                    + rest
                        .iter()
                        .position(|byte| *byte == b'\n')
                        .unwrap_or(rest.len());
                // Prose has commas, too: rows have as many cells as their heading.
                let fits = line.is_some_and(|line| line > heading.end)
                    && cells(&bytes[start..end], heading.separator).count() == heading.count;
                (
                    Row {
                        at,
                        column: 0,
                        quoted: false,
                        fits,
                    },
                    start,
                )
            }
        };
        for byte in &bytes[from..at] {
            row.quoted ^= *byte == b'"';
            row.column += usize::from(*byte == heading.separator && !row.quoted);
        }
        row.at = at;
        self.row.set(Some(row));
        row
    }

    /// The topics of the column of a table in Markdown.
    fn markdown(&self, at: usize) -> Option<u32> {
        let bytes = self.text.as_bytes();
        let from = at.saturating_sub(ROW / 4);
        let line = from + bytes[from..at].iter().rposition(|byte| *byte == b'\n')? + 1;
        if bytes[line] != b'|' {
            return None;
        }
        let column = bytes[line..at].iter().filter(|byte| **byte == b'|').count();
        let above = &bytes[line.saturating_sub(4 * ROW)..line];
        let rule = above
            .windows(3)
            .rposition(|three| three == b"|--" || three == b"|:-" || three == b"| -")?;
        // The first bar of the line of dashes ends the heading.
        let rule = above[..=rule].iter().rposition(|byte| *byte == b'\n')?;
        let start = above[..rule]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |start| start + 1);
        let is_one_table = !above[rule..].windows(2).any(|pair| pair == b"\n\n");
        let cell = above[start..rule].split(|byte| *byte == b'|').nth(column)?;
        (is_one_table && cell.len() <= CELL).then(|| mask(cell))
    }
}

impl Heading {
    /// The first line as a heading, if a column of it speaks of anything.
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().take(ROW).position(|byte| *byte == b'\n')?;
        let line = &bytes[..end];
        // A line of code or a comment is no heading.
        if line.iter().any(|byte| {
            matches!(
                byte,
                b'(' | b'{' | b'=' | b':' | b'!' | b'<' | b'/' | b'#' | b'*' | b'\\'
            )
        }) || line.first() == Some(&b'|')
        {
            return None;
        }
        let separator = *line
            .iter()
            .find(|byte| matches!(byte, b'\t' | b',' | b';' | b'|'))?;
        let mut heading = Self {
            separator,
            columns: [0; COLUMNS],
            count: 0,
            end,
        };
        for cell in cells(line, separator) {
            if let Some(column) = heading.columns.get_mut(heading.count)
                && cell.len() <= CELL
            {
                *column = mask(cell);
            }
            heading.count += 1;
        }
        heading
            .columns
            .iter()
            .any(|topics| *topics != 0)
            .then_some(heading)
    }
}

/// Longest cell of a heading.
const CELL: usize = 32;

/// The cells of a row. A separator between quotes separates nothing.
fn cells(row: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    row.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == separator && !quoted
    })
}

fn bit(topic: Topic) -> u32 {
    1 << topic as u8
}

fn mask(text: &[u8]) -> u32 {
    let mut mask = 0;
    topics(text, &mut |topic, _| mask |= bit(topic));
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(topic: Topic, text: &str) -> bool {
        Context::new(text, &String::new).says(topic, text.len())
    }

    #[test]
    fn words_far_away_say_nothing() {
        assert!(says(Topic::Phone, "phone "));
        assert!(!says(Topic::Phone, &format!("phone {}", "x".repeat(70))));
        // The window begins in the middle of a character.
        assert!(says(Topic::Phone, &format!("{}電話", "あ".repeat(20))));
    }

    #[test]
    fn a_word_speaks_of_the_next_value_only() {
        assert!(!says(Topic::National, "tax id 123456789 and call "));
        assert!(says(Topic::National, "tax ids 123456789, "));
        assert!(!says(Topic::Phone, "{\"phone\": \"x\", \"order\": "));
        assert!(!says(Topic::Phone, "[phone~bcdfgh] "));
    }

    #[test]
    fn columns_have_headings() {
        assert!(says(Topic::Phone, "name,phone\nAnn,"));
        assert!(!says(Topic::Phone, "name,phone,n\nAnn,1,"));
        assert!(says(
            Topic::Phone,
            "text\n\n| name | phone\n|---|---\n| Bob | 1\n| Ann | "
        ));
    }

    #[test]
    fn names_of_members_are_taken_apart() {
        let key = |name: &str| Context::new("", &|| name.to_owned()).is_named(Topic::Phone);
        assert!(key("homePhone"));
        assert!(key("contact_tel"));
        assert!(key("電話番号"));
        assert!(!key("hotelId"));
    }
}
