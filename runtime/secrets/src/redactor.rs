//! Finds managed values in texts, in every spelling that is looked for, and puts a mark in their place.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use crate::decode::{View, bare, from_quoted_printable, listed, unescaped};
use crate::mark::replaced;
use crate::spelling::spellings;
use crate::value::Value;

/// The shortest value that is looked for, in bytes: a shorter one would be found in what has nothing to do with it.
pub const SHORTEST: usize = 12;
/// How many values are looked for that are not in force any more: what was rotated may still be valid elsewhere.
const FORMER: usize = 256;
/// How long they are together, in bytes. What looks for a value takes some hundreds of times its memory, and the time to
/// make it.
const FORMER_BYTES: usize = 64 << 10;
/// How long the values in force are together, in bytes.
const MOST: usize = 256 << 10;
/// The longest part of a value that is looked for at once, in bytes. A longer value is looked for in parts: what is held
/// back of a stream, and looked at twice in a large text, grows with the longest of them.
const PART: usize = 512;
/// The part of a text that is looked at at a time, in bytes.
const WINDOW: usize = 128 << 10;
/// How many times escapes are undone, one over the other.
const LAYERS: usize = 3;

/// Why values are not looked for. It says nothing of them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactorError {
    /// They are too long together.
    #[error(
        "the secrets of all servers are over 256 KiB together, which is more than can be looked for"
    )]
    TooLong,
    /// Nothing could be made that looks for them.
    #[error("the secrets cannot be looked for in what passes")]
    Unbuildable,
}

/// The values that are looked for, shared by everything that hands texts on. Empty, it costs one load.
#[derive(Default)]
pub struct Redactor {
    compiled: ArcSwapOption<Compiled>,
    known: Mutex<Known>,
}

/// What is looked for.
#[derive(Default)]
struct Known {
    /// Values that were in force, the oldest first.
    former: Vec<Value>,
    current: Vec<Value>,
}

/// Two automata over the spellings of all values: as they are, and their bare letters and digits.
struct Compiled {
    whole: AhoCorasick,
    /// By pattern of `whole`: whether the characters beside it hold bits of the value.
    shared_edges: Vec<bool>,
    bare: Option<AhoCorasick>,
    longest: usize,
}

impl Redactor {
    /// Looks for these values from now on, and still for the last 256 others, up to 64 KiB of them. Values under
    /// [`SHORTEST`] bytes are left out.
    ///
    /// # Errors
    ///
    /// They cannot be looked for. What was looked for before still is.
    pub fn look_for<'a>(
        &self,
        values: impl IntoIterator<Item = &'a Value>,
    ) -> Result<(), RedactorError> {
        let mut current: Vec<Value> = Vec::new();
        for value in values {
            if value.expose().len() >= SHORTEST && !current.contains(value) {
                current.push(value.clone());
            }
        }
        if current.iter().map(|one| one.expose().len()).sum::<usize>() > MOST {
            return Err(RedactorError::TooLong);
        }
        let mut known = self.known.lock();
        let before = known.current.len() + known.former.len();
        let gone = known.former.iter().chain(&known.current);
        let gone: Vec<&Value> = gone.filter(|value| !current.contains(value)).collect();
        // None is taken out but for a new one.
        let is_new = gone.len() + current.len() > before;
        let next = Known {
            former: latest(&gone),
            current,
        };
        if is_new {
            let compiled = Compiled::of(next.former.iter().chain(&next.current))?;
            self.compiled.store(compiled.map(Arc::new));
        }
        *known = next;
        Ok(())
    }

    /// Whether there is nothing to look for.
    pub fn is_idle(&self) -> bool {
        self.compiled.load().is_none()
    }

    /// The text with a mark in place of every value; `None` where there is none in it.
    pub fn text(&self, text: &str) -> Option<String> {
        let compiled = self.compiled.load();
        let found = compiled.as_ref()?.find(text.as_bytes());
        replaced(text, &found)
    }

    /// The JSON text with a mark in place of every value; `None` where there is none in it. A value that is spread over
    /// neighbouring strings takes all of them along.
    pub fn json(&self, text: &str) -> Option<String> {
        let compiled = self.compiled.load();
        let compiled = compiled.as_ref()?;
        crate::json::redacted(
            text,
            |text| compiled.find(text),
            |text| compiled.find_spread(text),
        )
    }

    /// Whether there is a value in these bytes.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        let compiled = self.compiled.load();
        compiled
            .as_ref()
            .is_some_and(|compiled| !compiled.find(bytes).is_empty())
    }

    /// The most bytes that a value takes in a text, however it is spelt: what a stream holds back.
    pub(crate) fn reach(&self) -> usize {
        self.compiled
            .load()
            .as_ref()
            .map_or(0, |compiled| compiled.longest)
    }

    /// Where values stand in these bytes, in order and apart.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let compiled = self.compiled.load();
        compiled
            .as_ref()
            .map_or_else(Vec::new, |compiled| compiled.find(bytes))
    }
}

impl Compiled {
    /// `None` where there is no value.
    fn of<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Option<Self>, RedactorError> {
        let all: Vec<_> = values
            .flat_map(|value| parts(value.expose()))
            .flat_map(spellings)
            .collect();
        let built = |patterns: &[&[u8]]| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostLongest)
                .build(patterns)
                .map_err(|_| RedactorError::Unbuildable)
        };
        let whole: Vec<&[u8]> = all.iter().map(|one| &one.text[..]).collect();
        let letters: Vec<_> = whole.iter().map(|text| bare(text).bytes).collect();
        let letters: Vec<&[u8]> = letters
            .iter()
            .map(|text| &text[..])
            .filter(|text| text.len() >= SHORTEST)
            .collect();
        let Some(longest) = whole.iter().map(|text| text.len()).max() else {
            return Ok(None);
        };
        let bare = (!letters.is_empty()).then(|| built(&letters));
        Ok(Some(Self {
            whole: built(&whole)?,
            shared_edges: all.iter().map(|one| one.shared_edges).collect(),
            bare: bare.transpose()?,
            // `&#x00000041;` is the longest spelling of one byte that is looked for.
            longest: longest * 12,
        }))
    }

    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.in_windows(text, |window, found| self.search_all(window, found))
    }

    /// Where values stand in pieces, whatever is between them.
    fn find_spread(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.in_windows(text, |window, found| self.search_spread(window, found))
    }

    /// Looks at a part of the text after the other, so that a large text is not held several times over. Each part goes so
    /// far into the next that no value is cut in both.
    fn in_windows(
        &self,
        text: &[u8],
        search: impl Fn(&[u8], &mut Vec<Range<usize>>),
    ) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut start = 0;
        while text.len() - start >= SHORTEST {
            let end = text.len().min(start + WINDOW + self.longest);
            let before = found.len();
            search(&text[start..end], &mut found);
            for range in &mut found[before..] {
                *range = range.start + start..range.end + start;
            }
            if end == text.len() {
                break;
            }
            start += WINDOW;
        }
        apart(found)
    }

    fn search_all(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        self.search(text, |range| range, found);
        self.search_spread(text, found);
        if let Some(view) = from_quoted_printable(text) {
            self.view(&view, found);
        }
        let mut next = unescaped(text);
        for _ in 0..LAYERS {
            let Some(view) = next else { break };
            self.view(&view, found);
            next = view.unescaped();
        }
    }

    fn search_spread(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        self.search_bare(&bare(text), found);
        let numbers = listed(text);
        self.search(&numbers.bytes, |range| numbers.origin(range), found);
    }

    fn view(&self, view: &View, found: &mut Vec<Range<usize>>) {
        self.search(&view.bytes, |range| view.origin(range), found);
        self.search_bare(&view.bare(), found);
    }

    fn search(
        &self,
        text: &[u8],
        origin: impl Fn(Range<usize>) -> Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) {
        for hit in self.whole.find_iter(text) {
            let mut range = hit.range();
            if self.shared_edges[hit.pattern().as_usize()] {
                let is_part = |at: usize| {
                    text.get(at)
                        .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte))
                };
                if range.start > 0 && is_part(range.start - 1) {
                    range.start -= 1;
                }
                if is_part(range.end) {
                    range.end += 1;
                }
            }
            found.push(origin(range));
        }
    }

    fn search_bare(&self, view: &View, found: &mut Vec<Range<usize>>) {
        let hits = self.bare.iter();
        let mut end = 0;
        for hit in hits.flat_map(|bare| bare.find_iter(&view.bytes)) {
            // Between two parts of a value in base64 is a letter that holds bits of both.
            let start = match end > 0 && hit.start() <= end + 1 {
                true => end - 1,
                false => hit.start(),
            };
            end = hit.end();
            found.push(view.origin(start..end));
        }
    }
}

/// The last of these values, as many as are looked for once they are not in force.
fn latest(gone: &[&Value]) -> Vec<Value> {
    let mut room = FORMER_BYTES;
    let fits = |value: &&&Value| {
        let rest = room.checked_sub(value.expose().len());
        rest.map(|rest| room = rest).is_some()
    };
    let count = gone.iter().rev().take(FORMER).take_while(fits).count();
    let last = gone[gone.len() - count..].iter();
    last.map(|value| (*value).clone()).collect()
}

/// A value, or its parts where it is long: of like length, one beside the other.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let count = value.len().div_ceil(PART);
    let at = move |part: usize| value.floor_char_boundary(value.len() * part / count);
    (0..count).map(move |part| &value[at(part)..at(part + 1)])
}

/// Ranges in order, with those that touch made one.
fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| range.start);
    let mut all: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match all.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

/// One redactor is equal to itself alone.
impl PartialEq for Redactor {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}

#[cfg(test)]
mod tests;
