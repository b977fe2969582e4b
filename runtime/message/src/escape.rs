//! The escapes of JSON strings, both ways.

use std::borrow::Cow;

/// The content of a checked string, given what stands between its quotes.
pub(crate) fn unescape<'a>(raw: &'a str) -> Cow<'a, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut content = String::with_capacity(raw.len());
    unescape_into(raw, &mut content);
    Cow::Owned(content)
}

/// Appends the content of a checked string, given what stands between its quotes.
pub(crate) fn unescape_into(raw: &str, content: &mut String) {
    let mut rest = raw;
    while let Some(plain) = memchr::memchr(b'\\', rest.as_bytes()) {
        content.push_str(&rest[..plain]);
        rest = &rest[plain + 1..];
        let Some(&letter) = rest.as_bytes().first() else {
            return;
        };
        rest = &rest[1..];
        content.push(match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (char, length) = unicode(rest);
                rest = &rest[length..];
                char
            }
            other => char::from(other),
        });
    }
    content.push_str(rest);
}

/// The character that the hex digits after `\u` stand for, and the number of bytes read. The scanner lets only whole
/// pairs of surrogates through.
fn unicode(rest: &str) -> (char, usize) {
    let high = hex(rest.as_bytes(), 0);
    if !(0xD800..0xDC00).contains(&high) {
        return (
            char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
            4,
        );
    }
    let low = hex(rest.as_bytes(), 6);
    let code = 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF);
    (
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
        10,
    )
}

fn hex(bytes: &[u8], at: usize) -> u32 {
    bytes.iter().skip(at).take(4).fold(0, |code, &digit| {
        code << 4 | char::from(digit).to_digit(16).unwrap_or(0)
    })
}

/// Appends `content` as a quoted JSON string. Escapes only what must be escaped.
pub(crate) fn quote_into(content: &str, json: &mut String) {
    json.reserve(content.len() + 2);
    json.push('"');
    let mut plain = 0;
    for (at, byte) in content.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => "",
            _ => continue,
        };
        json.push_str(&content[plain..at]);
        plain = at + 1;
        if short.is_empty() {
            json.push_str(if byte < 0x10 { "\\u000" } else { "\\u001" });
            json.push(char::from(b"0123456789abcdef"[usize::from(byte & 0xF)]));
        } else {
            json.push_str(short);
        }
    }
    json.push_str(&content[plain..]);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(content: &str) -> String {
        let mut json = String::new();
        quote_into(content, &mut json);
        json
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        assert!(matches!(unescape("plain – ünïcode"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_escape_stands_for_its_character() {
        assert_eq!(
            unescape(r#"\"\\\/\b\f\n\r\t\u0041\u00e9\uD834\uDd1e."#),
            "\"\\/\u{8}\u{c}\n\r\tAé\u{1D11E}."
        );
    }

    #[test]
    fn only_what_must_be_escaped_is() {
        assert_eq!(quoted("a/é\u{7f}\u{2028}"), "\"a/é\u{7f}\u{2028}\"");
        assert_eq!(
            quoted("\"\\\n\r\t\u{8}\u{c}\0\u{1f}"),
            r#""\"\\\n\r\t\b\f\u0000\u001f""#
        );
    }

    #[test]
    fn serde_json_quotes_every_character_below_256_the_same() {
        for code in 0..256u32 {
            let content = char::from_u32(code).map(String::from).unwrap_or_default();
            assert_eq!(
                quoted(&content),
                serde_json::Value::from(content.as_str()).to_string()
            );
        }
    }
}
