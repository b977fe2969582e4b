//! What kind of document a text is, and what kind of place a passage has in it: an instruction stands out in a table, and
//! not in a letter.

/// What most of a text consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Layout {
    /// One line or two.
    Short,
    Prose,
    Table,
    /// JSON, YAML and the like.
    Data,
    Code,
    Markup,
    /// Lines of `Name: value`.
    Headers,
    /// A table and hardly anything else.
    Grid,
}

/// Where a passage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Place {
    Line,
    /// In quotation marks, after a name.
    Value,
    Cell,
    Item,
    Comment,
    Header,
    Fenced,
}

/// How much of a text is looked at.
const SAMPLE: usize = 8 * 1024;

/// What a byte says about a layout; 0 for those that say nothing, which are most.
const KIND: [u8; 256] = {
    let mut kind = [0; 256];
    let said = [
        (b'\n', LINE),
        (b'|', BAR),
        (b'\t', BAR),
        (b'<', TAG),
        (b'"', QUOTE),
        (b'\'', QUOTE),
        (b':', COLON),
        (b'{', BRACE),
        (b'}', BRACE),
        (b'[', BRACE),
        (b']', BRACE),
        (b'(', SIGN),
        (b')', SIGN),
        (b';', SIGN),
        (b'=', SIGN),
    ];
    let mut index = 0;
    while index < said.len() {
        kind[said[index].0 as usize] = said[index].1;
        index += 1;
    }
    kind
};
const LINE: u8 = 1;
const BAR: u8 = 2;
const TAG: u8 = 3;
const QUOTE: u8 = 4;
const COLON: u8 = 5;
const BRACE: u8 = 6;
const SIGN: u8 = 7;

/// How far from the beginning of a line the name of a header ends.
const NAME: usize = 25;

impl Layout {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(SAMPLE)];
        let mut count = Counts::default();
        let (mut start, mut bars, mut has_name) = (0, 0, false);
        for (at, byte) in bytes.iter().enumerate() {
            match KIND[usize::from(*byte)] {
                0 => {}
                LINE => {
                    count.line(&bytes[start..at], bars, has_name);
                    (start, bars, has_name) = (at + 1, 0, false);
                }
                BAR => bars += 1,
                TAG => count.tags += 1,
                QUOTE => count.quotes += 1,
                COLON => has_name |= at - start < NAME,
                BRACE => count.braces += 1,
                _ => count.signs += 1,
            }
        }
        count.line(&bytes[start..], bars, has_name);
        count.layout(bytes.len())
    }
}

#[derive(Default)]
struct Counts {
    lines: usize,
    rows: usize,
    headers: usize,
    statements: usize,
    tags: usize,
    quotes: usize,
    braces: usize,
    signs: usize,
}

impl Counts {
    fn line(&mut self, line: &[u8], bars: usize, has_name: bool) {
        let Some(last) = line.iter().rev().find(|byte| !matches!(byte, b' ' | b'\r')) else {
            return;
        };
        self.lines += 1;
        self.rows += usize::from(bars > 1);
        self.headers += usize::from(has_name && bars < 2);
        self.statements += usize::from(matches!(last, b';' | b'{' | b'}' | b')' | b','));
    }

    fn layout(&self, length: usize) -> Layout {
        let share = |part: usize| part * 1000 / length.max(1);
        if self.rows > 1 && (self.lines - self.rows) * 8 <= self.lines + 6 {
            Layout::Grid
        } else if self.rows > 1 && self.rows * 2 >= self.lines {
            Layout::Table
        } else if self.braces > 3 && self.quotes > 5 && share(self.quotes + self.braces) > 25 {
            Layout::Data
        } else if self.tags > 3 && share(self.tags) > 8 {
            Layout::Markup
        } else if self.lines > 2
            && share(self.signs + self.braces) > 20
            && self.statements * 5 > self.lines
        {
            Layout::Code
        } else if self.lines > 2 && self.headers * 2 > self.lines {
            Layout::Headers
        } else if self.lines < 3 && length < 400 {
            Layout::Short
        } else {
            Layout::Prose
        }
    }
}
