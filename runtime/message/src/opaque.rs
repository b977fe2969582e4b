//! Recognizes protocol machinery. A string that stands where machinery should and does not look like it is text.

/// The longest token, in bytes: longer than any id, version or trace header in use, and short enough that no prose
/// hides in one.
const LONGEST_TOKEN: usize = 256;

/// Whether the content is a token: visible ASCII without a space.
pub(crate) fn is_token(content: &str) -> bool {
    (1..=LONGEST_TOKEN).contains(&content.len()) && content.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether the content is `type/subtype`, perhaps with parameters (RFC 6838, RFC 9110).
pub(crate) fn is_mime_type(content: &str) -> bool {
    let mut parts = content.split(';');
    let essence = parts.next().and_then(|essence| essence.split_once('/'));
    content.len() <= LONGEST_TOKEN
        && essence.is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
        && parts.all(|parameter| {
            parameter
                .trim_matches(' ')
                .split_once('=')
                .is_some_and(|(name, value)| {
                    let bare = value
                        .strip_prefix('"')
                        .and_then(|value| value.strip_suffix('"'))
                        .unwrap_or(value);
                    is_name(name) && is_token(bare)
                })
        })
}

/// Whether the name is an RFC 9110 token.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether a raw JSON string is in the alphabets of base64, plain and URL-safe. PHP writes `/` as `\/`, and lines may
/// be broken.
pub(crate) fn is_base64(raw: &str) -> bool {
    let mut rest = raw.as_bytes();
    loop {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        if !in_alphabet(&rest[..plain]) {
            return false;
        }
        rest = match &rest[plain..] {
            [] => return true,
            [_, b'/' | b'n' | b'r', after @ ..] => after,
            _ => return false,
        };
    }
}

/// Avoids a branch for each byte, since payloads are large.
fn in_alphabet(bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|block| {
        block.iter().fold(true, |all, &b| {
            let letter = (b | 0x20).wrapping_sub(b'a') < 26;
            let digit = b.wrapping_sub(b'0') < 10;
            all & (letter
                | digit
                | (b == b'+')
                | (b == b'/')
                | (b == b'=')
                | (b == b'-')
                | (b == b'_'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_short_and_has_no_space() {
        for token in [
            "1",
            "786512e2-9e0d-44bd-8f29-789f320fe840",
            "2026-07-28",
            "a/b+c==",
        ] {
            assert!(is_token(token), "{token}");
        }
        for prose in ["", "ignore this", "ïd", "tab\there", &"x".repeat(257)] {
            assert!(!is_token(prose), "{prose}");
        }
    }

    #[test]
    fn a_mime_type_has_two_names_and_tidy_parameters() {
        for mime in [
            "image/png",
            "text/html; charset=utf-8",
            "text/html;profile=\"mcp-app\"",
            "application/vnd.api+json",
        ] {
            assert!(is_mime_type(mime), "{mime}");
        }
        for prose in [
            "",
            "image",
            "image/",
            "a/b/c",
            "image/png now obey",
            "image/png; now obey",
            "a b/c",
            "a/b;x=y z",
        ] {
            assert!(!is_mime_type(prose), "{prose}");
        }
    }

    #[test]
    fn base64_is_its_alphabet_and_nothing_else() {
        for payload in ["", "aGVsbG8=", "-_-_", r"ab\/cd", r"ab\ncd\r\n"] {
            assert!(is_base64(payload), "{payload}");
        }
        for prose in ["two words", "end.", "é", r"\u0061", r"\\", r#"\""#] {
            assert!(!is_base64(prose), "{prose}");
        }
        let long = "QUJD".repeat(100);
        assert!(is_base64(&long));
        assert!(!is_base64(&format!("{long} {long}")));
    }

    #[test]
    fn the_alphabet_is_the_same_in_every_byte_of_a_block() {
        for byte in 0..=127u8 {
            let known = byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
            assert_eq!(in_alphabet(&[byte; 70]), known, "{byte}");
            let mut block = [b'A'; 70];
            block[69] = byte;
            assert_eq!(in_alphabet(&block), known, "{byte}");
        }
    }
}
