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
const SAMPLE: usize = 16 * 1024;

impl Layout {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut count = Counts::default();
        let mut line = Line::default();
        for byte in bytes.iter().take(SAMPLE) {
            match byte {
                b'\n' => {
                    count.end(&line);
                    line = Line::default();
                }
                b' ' | b'\r' => {}
                _ => {
                    if line.first == 0 {
                        line.first = *byte;
                    }
                    line.last = *byte;
                    match byte {
                        b'|' | b'\t' => line.bars += 1,
                        b'<' => count.tags += 1,
                        b'"' | b'\'' => count.quotes += 1,
                        b':' => {
                            count.colons += 1;
                            line.has_colon |= !line.has_letters_enough;
                        }
                        b'{' | b'}' | b'[' | b']' => count.braces += 1,
                        b'(' | b')' | b';' | b'=' => count.code += 1,
                        _ => {}
                    }
                    line.length += 1;
                    line.has_letters_enough = line.length > 24;
                }
            }
        }
        count.end(&line);
        count.layout(bytes.len().min(SAMPLE))
    }
}

#[derive(Default)]
struct Line {
    first: u8,
    last: u8,
    bars: usize,
    length: usize,
    has_colon: bool,
    has_letters_enough: bool,
}

#[derive(Default)]
struct Counts {
    lines: usize,
    rows: usize,
    headers: usize,
    statements: usize,
    tags: usize,
    quotes: usize,
    colons: usize,
    braces: usize,
    code: usize,
}

impl Counts {
    fn end(&mut self, line: &Line) {
        if line.length == 0 {
            return;
        }
        self.lines += 1;
        self.rows += usize::from(line.bars > 1);
        self.headers += usize::from(line.has_colon && line.bars < 2);
        self.statements += usize::from(matches!(line.last, b';' | b'{' | b'}' | b')' | b','));
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
            && share(self.code + self.braces) > 20
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
