//! The leaves of JSON: its strings and whole numbers, with their places.

use sandgate_sdk::pointer::escape;

/// A string or number.
pub(crate) struct Leaf<'j> {
    /// The pointer within the JSON.
    pub(crate) pointer: &'j str,
    /// Where the token begins, a string's with its quote.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
    /// Whether it is a string.
    pub(crate) is_string: bool,
}

/// Deepest nesting that is walked. Deeper values are passed over.
const DEPTH: usize = 128;

/// Passes each string and each whole, non-negative number to `each`, in the order of the JSON, which must be sound.
pub(crate) fn leaves(json: &str, each: &mut dyn FnMut(Leaf)) {
    Walk {
        json: json.as_bytes(),
        at: 0,
        depth: 0,
    }
    .value(&mut String::new(), each);
}

struct Walk<'j> {
    json: &'j [u8],
    at: usize,
    depth: usize,
}

impl Walk<'_> {
    fn value(&mut self, pointer: &mut String, each: &mut dyn FnMut(Leaf)) {
        let length = pointer.len();
        self.depth += 1;
        match self.peek() {
            Some(b'{') if self.depth < DEPTH => {
                self.at += 1;
                while self.peek() == Some(b'"') {
                    self.name(pointer);
                    self.peek();
                    // Skips the colon.
                    self.at += 1;
                    self.value(pointer, each);
                    pointer.truncate(length);
                    self.comma();
                }
                self.at += 1;
            }
            Some(b'[') if self.depth < DEPTH => {
                self.at += 1;
                let mut index = 0usize;
                while !matches!(self.peek(), Some(b']') | None) {
                    pointer.push('/');
                    push_number(index, pointer);
                    self.value(pointer, each);
                    pointer.truncate(length);
                    self.comma();
                    index += 1;
                }
                self.at += 1;
            }
            Some(b'"') => {
                let start = self.at;
                self.string();
                let end = self.at.min(self.json.len());
                each(Leaf {
                    pointer,
                    start,
                    end,
                    is_string: true,
                });
            }
            Some(_) => {
                let start = self.at;
                let rest = &self.json[start..];
                let end = rest.iter().position(|byte| {
                    matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace()
                });
                let token = &rest[..end.unwrap_or(rest.len()).max(1)];
                self.at += token.len();
                if token.iter().all(u8::is_ascii_digit) {
                    each(Leaf {
                        pointer,
                        start,
                        end: self.at,
                        is_string: false,
                    });
                }
            }
            None => {}
        }
        self.depth -= 1;
    }

    /// Appends the member's name to the pointer.
    fn name(&mut self, pointer: &mut String) {
        let token = self.string();
        let plain = token
            .get(1..token.len().saturating_sub(1))
            .unwrap_or_default();
        pointer.push('/');
        if !plain.iter().any(|byte| matches!(byte, b'\\' | b'~' | b'/'))
            && let Ok(name) = std::str::from_utf8(plain)
        {
            pointer.push_str(name);
            return;
        }
        let name: String = serde_json::from_slice(token).unwrap_or_default();
        pointer.push_str(&escape(&name));
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while self.json.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    fn comma(&mut self) {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
    }

    /// Reads a string. Returns it with its quotes.
    fn string(&mut self) -> &[u8] {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.json.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        self.at += 1;
        &self.json[start..self.at.min(self.json.len())]
    }
}

/// Appends the number in decimal.
pub(crate) fn push_number(number: usize, into: &mut String) {
    if number > 9 {
        push_number(number / 10, into);
    }
    into.push((b'0' + (number % 10) as u8) as char);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_whole_numbers_have_places() {
        let json = r#" {"a/b": ["x\"", 12, -3, 4.5, true], "c": {"d": "é"}} "#;
        let mut seen = Vec::new();
        leaves(json, &mut |leaf| {
            seen.push((
                leaf.pointer.to_owned(),
                json[leaf.start..leaf.end].to_owned(),
            ))
        });
        let expected = [
            ("/a~1b/0", r#""x\"""#),
            ("/a~1b/1", "12"),
            ("/c/d", r#""é""#),
        ];
        assert_eq!(
            seen,
            expected.map(|(pointer, token)| (pointer.to_owned(), token.to_owned()))
        );
    }

    #[test]
    fn nothing_in_broken_or_deep_json_breaks_the_walk() {
        for json in [
            "",
            "{",
            "[",
            "\"",
            "{\"a\"",
            "{\"a\":",
            "[1,",
            "[}",
            "{]",
            "\\",
            &"[".repeat(100_000),
        ] {
            leaves(json, &mut |_| {});
        }
    }
}
