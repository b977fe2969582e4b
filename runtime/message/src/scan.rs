//! The one parser: reads a text once, without recursion, and leaves its tape. The parser is as strict as RFC 8259, and
//! stricter where two readers could take the same text differently.

use crate::json_error::{JsonError, JsonErrorKind, Limits, wrong};
use crate::names::check_names;
use crate::quoted::{escape_end, plain_end};
use crate::tape::{Entry, MAX_BYTES, Tag};

/// The value of `open` when no array or object is open.
const TOP: u32 = u32::MAX;

/// Checks the text's size before anything else reads it.
pub(crate) fn check_size(length: usize, limits: &Limits) -> Result<(), JsonError> {
    let most = limits.bytes.min(MAX_BYTES);
    if length > most {
        return Err(JsonError {
            offset: most,
            trouble: JsonErrorKind::Size(most),
        });
    }
    Ok(())
}

/// Checks a text that is within its size limit, and returns its tape. The first entry is the whole value.
pub(crate) fn scan(text: &str, limits: &Limits) -> Result<Vec<Entry>, JsonError> {
    // Replies have about one value for every 20 bytes, so the tape of a usual reply never has to move. The upper bound
    // keeps a single long string from costing a long tape.
    let tape = Vec::with_capacity((text.len() / 8 + 4).min(1 << 14));
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        tape,
        open: TOP,
        depth: 0,
        deepest: limits.depth,
    };
    scanner.run()?;
    Ok(scanner.tape)
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tape: Vec<Entry>,
    /// The innermost array or object that is still open. Each entry holds its parent, so the tape is the stack.
    open: u32,
    depth: usize,
    deepest: usize,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), JsonError> {
        let mut in_object = false;
        'value: loop {
            self.skip_space();
            let start = self.at;
            match self.peek() {
                Some(b'"') => self.string(Tag::String)?,
                Some(b'{') => {
                    self.enter(Tag::Object)?;
                    self.skip_space();
                    if self.peek() != Some(b'}') {
                        in_object = true;
                        self.key("expected a member name or `}`")?;
                        continue 'value;
                    }
                    self.at += 1;
                    in_object = self.leave();
                }
                Some(b'[') => {
                    self.enter(Tag::Array)?;
                    self.skip_space();
                    if self.peek() != Some(b']') {
                        in_object = false;
                        continue 'value;
                    }
                    self.at += 1;
                    in_object = self.leave();
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true", Tag::Bool)?,
                Some(b'f') => self.literal(b"false", Tag::Bool)?,
                Some(b'n') => self.literal(b"null", Tag::Null)?,
                _ => return Err(wrong(start, "expected a value")),
            }
            loop {
                self.skip_space();
                if self.open == TOP {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(wrong(self.at, "expected the end")),
                    };
                }
                match (self.peek(), in_object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.skip_space();
                        self.key("expected a member name")?;
                        continue 'value;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        continue 'value;
                    }
                    (Some(b'}'), true) => {
                        self.at += 1;
                        check_names(self.text, &self.tape[self.open as usize..])?;
                        in_object = self.leave();
                    }
                    (Some(b']'), false) => {
                        self.at += 1;
                        in_object = self.leave();
                    }
                    (_, true) => return Err(wrong(self.at, "expected `,` or `}`")),
                    (_, false) => return Err(wrong(self.at, "expected `,` or `]`")),
                }
            }
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn enter(&mut self, tag: Tag) -> Result<(), JsonError> {
        if self.depth == self.deepest {
            return Err(JsonError {
                offset: self.at,
                trouble: JsonErrorKind::Depth(self.deepest),
            });
        }
        self.depth += 1;
        let parent = std::mem::replace(&mut self.open, self.tape.len() as u32);
        self.tape.push(Entry::open(tag, self.at, parent));
        self.at += 1;
        Ok(())
    }

    /// Closes the innermost array or object. Returns whether its parent is an object.
    fn leave(&mut self) -> bool {
        let entries = self.tape.len() - self.open as usize;
        let entry = &mut self.tape[self.open as usize];
        let parent = entry.end;
        entry.close(self.at, entries);
        self.depth -= 1;
        self.open = parent;
        parent != TOP && self.tape[parent as usize].tag() == Tag::Object
    }

    #[inline]
    fn key(&mut self, expected: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return Err(wrong(self.at, expected));
        }
        self.string(Tag::Key)?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(wrong(self.at, "expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn string(&mut self, tag: Tag) -> Result<(), JsonError> {
        let start = self.at;
        let mut at = start + 1;
        let mut escaped = false;
        loop {
            at = plain_end(self.bytes, at);
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = escape_end(self.bytes, at)?;
                }
                Some(_) => return Err(wrong(at, "control character in a string")),
                None => return Err(wrong(at, "unfinished string")),
            }
        }
        self.at = at + 1;
        self.tape.push(Entry::text(tag, start, self.at, escaped));
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.at += usize::from(self.bytes[start] == b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.tape.push(Entry::new(Tag::Number, start, self.at));
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            Err(wrong(start, "expected a digit"))
        } else {
            Ok(())
        }
    }

    fn literal(&mut self, word: &'static [u8], tag: Tag) -> Result<(), JsonError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(wrong(self.at, "expected a value"));
        }
        self.tape
            .push(Entry::new(tag, self.at, self.at + word.len()));
        self.at += word.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::json::Json;
    use crate::json_error::{JsonError, JsonErrorKind, Limits};

    fn error(text: impl AsRef<[u8]>) -> JsonError {
        Json::parse(text.as_ref().to_vec(), &Limits::default()).expect_err("malformed")
    }

    #[test]
    fn every_kind_of_value_is_accepted_with_white_space_around() {
        for value in [
            "null", "true", "false", "0", "-0", "10", "1.50", "1E+05", "-1e-7", r#""""#, "[]",
            "{}", "[ ]", "{ }",
        ] {
            for text in [
                value.to_string(),
                format!(" \t\r\n{value}\n "),
                format!("[{value} , {value}]"),
                format!("{{\"k\" : {value} }}"),
            ] {
                let json = Json::parse(text.clone(), &Limits::default()).expect("valid");
                assert_eq!(json.as_str(), text.trim());
            }
        }
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_goes_wrong() {
        for (text, offset, expected) in [
            ("", 0, "expected a value"),
            ("  ", 2, "expected a value"),
            ("\u{feff}{}", 0, "expected a value"),
            ("nul", 0, "expected a value"),
            ("True", 0, "expected a value"),
            ("NaN", 0, "expected a value"),
            ("-Infinity", 1, "expected a digit"),
            ("+1", 0, "expected a value"),
            ("-", 1, "expected a digit"),
            ("01", 1, "expected the end"),
            ("-01", 2, "expected the end"),
            ("[1.]", 3, "expected a digit"),
            (".5", 0, "expected a value"),
            ("1e", 2, "expected a digit"),
            ("1e+", 3, "expected a digit"),
            ("0x1", 1, "expected the end"),
            ("1 2", 2, "expected the end"),
            ("{} {}", 3, "expected the end"),
            ("[1,]", 3, "expected a value"),
            ("[,1]", 1, "expected a value"),
            ("[1 2]", 3, "expected `,` or `]`"),
            ("[1}", 2, "expected `,` or `]`"),
            ("[", 1, "expected a value"),
            ("]", 0, "expected a value"),
            ("{", 1, "expected a member name or `}`"),
            ("{a:1}", 1, "expected a member name or `}`"),
            ("{'a':1}", 1, "expected a member name or `}`"),
            (r#"{"a" 1}"#, 5, "expected `:`"),
            (r#"{"a":}"#, 5, "expected a value"),
            (r#"{"a":1,}"#, 7, "expected a member name"),
            (r#"{"a":1]"#, 6, "expected `,` or `}`"),
            (r#"{"a":1 "b":2}"#, 7, "expected `,` or `}`"),
            (
                r#"{"a":1//
}"#,
                6,
                "expected `,` or `}`",
            ),
            ("\"abc", 4, "unfinished string"),
            ("\"a\nb\"", 2, "control character in a string"),
            ("\"a\0b\"", 2, "control character in a string"),
            ("{\"a\tb\":1}", 3, "control character in a string"),
            (r#""\x41""#, 1, "unknown escape"),
            ("\"\\", 1, "unknown escape"),
            (r#""\u12G4""#, 3, "expected four hex digits"),
            (r#""\u12"#, 3, "expected four hex digits"),
            (r#""\u+123""#, 3, "expected four hex digits"),
            ("[1]\u{a0}", 3, "expected the end"),
            ("[1\u{c}]", 2, "expected `,` or `]`"),
        ] {
            assert_eq!(
                error(text),
                JsonError {
                    offset,
                    trouble: JsonErrorKind::Syntax(expected)
                },
                "{text:?}"
            );
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_refused_in_values_and_names() {
        for half in [
            r"\ud800",
            r"\uDBFF",
            r"\udc00",
            r"\uDFFF",
            r"\ud800x",
            r"\ud800\n",
            r"\ud800\u0041",
            r"\ud800\ud800",
            r"\udc00\ud800",
        ] {
            for text in [
                format!("\"{half}\""),
                format!("{{\"{half}\":1}}"),
                format!("[\"\\ud83d\\ude00{half}\"]"),
            ] {
                assert_eq!(error(&text).trouble, JsonErrorKind::LoneSurrogate, "{text}");
            }
        }
    }

    #[test]
    fn invalid_utf_8_is_refused_where_it_begins() {
        for (bad, offset) in [
            (&b"\"\xff\""[..], 1),
            (b"\"\xc0\xaf\"", 1),
            (b"\"ab\xed\xa0\x80\"", 3),
            (b"\"\xf4\x90\x80\x80\"", 1),
            (b"[\"\xe2\x82", 2),
            (b"{}\x80", 2),
        ] {
            assert_eq!(
                error(bad),
                JsonError {
                    offset,
                    trouble: JsonErrorKind::Utf8
                }
            );
        }
    }

    #[test]
    fn depth_is_bounded_and_costs_no_stack() {
        let nest = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let limits = Limits {
            bytes: 1 << 24,
            depth: 3,
        };
        assert!(Json::parse(nest(3), &limits).is_ok());
        assert!(Json::parse("[[[1]],[[2]],{\"a\":[3]}]", &limits).is_ok());
        assert_eq!(
            Json::parse(nest(4), &limits).expect_err("deep"),
            JsonError {
                offset: 3,
                trouble: JsonErrorKind::Depth(3)
            }
        );
        let deep = Limits {
            bytes: 1 << 24,
            depth: usize::MAX,
        };
        assert!(Json::parse(nest(1_000_000), &deep).is_ok());
        assert!(Json::parse("{\"a\":".repeat(1_000_000), &deep).is_err());
    }

    #[test]
    fn the_default_depth_is_what_serde_json_reads_by_default() {
        let nest = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let deepest = Limits::default().depth;
        assert!(serde_json::from_str::<serde_json::Value>(&nest(deepest)).is_ok());
        assert!(serde_json::from_str::<serde_json::Value>(&nest(deepest + 1)).is_err());
    }

    #[test]
    fn size_is_bounded_to_the_byte() {
        let limits = Limits { bytes: 6, depth: 1 };
        assert!(Json::parse("[1234]", &limits).is_ok());
        assert_eq!(
            Json::parse("[1234] ", &limits).expect_err("large"),
            JsonError {
                offset: 6,
                trouble: JsonErrorKind::Size(6)
            }
        );
    }

    #[test]
    fn numbers_are_text_of_any_length() {
        let million = format!(
            "[-{}.{}e{}]",
            "9".repeat(1_000_000),
            "0".repeat(1_000_000),
            "1".repeat(1000)
        );
        let json = Json::parse(million.clone(), &Limits::default()).expect("valid");
        assert_eq!(json.as_str(), million);
    }
}
