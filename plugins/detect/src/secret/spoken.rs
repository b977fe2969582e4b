//! The pass over the word "password" where no operator follows: options (`--password …`), the lines of a `.netrc`
//! (`login … password …`), and sentences that quote one.

use super::context::{self, is_end};
use super::{Confidence, PASSWORD, Secret};

/// Bytes of a block: two vectors of WebAssembly.
const BLOCK: usize = 32;

/// Finds the passwords that follow the word.
pub(crate) fn scan(bytes: &[u8], found: &mut Vec<Secret>) {
    let mut at = double_s(bytes, 0);
    while at < bytes.len() {
        let begins = at >= 2 && bytes[at - 2..at].eq_ignore_ascii_case(b"pa");
        if begins && let Some(secret) = spoken(bytes, at - 2) {
            found.push(secret);
        }
        at = double_s(bytes, at + 2);
    }
}

/// Where two `s` stand together at or after `from`; the length of the text where they do not.
#[cfg_attr(target_family = "wasm", target_feature(enable = "simd128"))]
fn double_s(bytes: &[u8], from: usize) -> usize {
    let is_s = |byte: u8| byte | 0x20 == b's';
    let mut at = from;
    // Both bytes are compared in whole blocks, without a branch.
    while let (Some(first), Some(second)) =
        (bytes.get(at..at + BLOCK), bytes.get(at + 1..at + 1 + BLOCK))
    {
        let is_there = first
            .iter()
            .zip(second)
            .fold(false, |any, (first, second)| {
                any | (is_s(*first) & is_s(*second))
            });
        if is_there {
            break;
        }
        at += BLOCK;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.windows(2)
        .position(|pair| is_s(pair[0]) && is_s(pair[1]))
        .map_or(bytes.len(), |index| at + index)
}

/// The password after the word that begins at `start`.
fn spoken(bytes: &[u8], start: usize) -> Option<Secret> {
    let length = bytes[start..]
        .iter()
        .take(12)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let word = bytes[start..start + length].to_ascii_lowercase();
    if !matches!(&*word, b"password" | b"passwd" | b"pass" | b"passphrase") {
        return None;
    }
    let is_option = start > 0 && bytes[start - 1] == b'-' || bytes[..start].ends_with(b"--");
    let line = &bytes[start.saturating_sub(120)..start];
    let is_netrc = line.windows(6).any(|part| part == b"login ");
    let mut at = start + length;
    if !bytes
        .get(at)
        .is_some_and(|byte| matches!(byte, b' ' | b'\t'))
    {
        return None;
    }
    at += blanks(bytes, at);
    // The words between: "the password is '…'".
    for word in [b"is" as &[u8], b"was", b"will be", b"of", b"to"] {
        let rest = &bytes[at..];
        if rest.starts_with(word) && rest.get(word.len()) == Some(&b' ') {
            at += word.len();
            at += blanks(bytes, at);
            break;
        }
    }
    // "Pass" is a verb too.
    if length == 4 && !is_option && !is_netrc {
        return None;
    }
    let quote = *bytes.get(at)?;
    let (from, end) = if matches!(quote, b'"' | b'\'') {
        let rest = &bytes[at + 1..bytes.len().min(at + 129)];
        (
            at + 1,
            at + 1 + rest.iter().position(|byte| *byte == quote)?,
        )
    } else if is_option || is_netrc {
        let rest = &bytes[at..bytes.len().min(at + 129)];
        (
            at,
            at + rest
                .iter()
                .position(|byte| is_end(*byte))
                .unwrap_or(rest.len()),
        )
    } else {
        return None;
    };
    let value = &bytes[from..end];
    context::is_password(value, true).then_some(Secret {
        kind: PASSWORD,
        start: from,
        end,
        confidence: Confidence::Probable,
    })
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .take(8)
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let mut found = Vec::new();
        scan(text.as_bytes(), &mut found);
        found.first().map(|secret| &text[secret.start..secret.end])
    }

    #[test]
    fn a_password_without_an_operator_is_found() {
        for (text, value) in [
            ("tool --password Tr0ub4dor& --verbose", "Tr0ub4dor&"),
            ("Connect-VIServer -Password VMware1!", "VMware1!"),
            (
                "machine a.b\n  login ann\n  password pass4711\n",
                "pass4711",
            ),
            ("The password is 'Winter2019!'.", "Winter2019!"),
        ] {
            assert_eq!(found(text), Some(value), "{text}");
        }
        for text in [
            "the password must have 8 characters",
            "password hashing with sha256",
            "-password \"$password\"",
            "less pass classes",
            "the password 'secret'",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn two_letters_are_found_wherever_they_stand() {
        for place in 0..100 {
            let mut text = vec![b'.'; 102];
            text[place] = b's';
            text[place + 1] = b'S';
            assert_eq!(double_s(&text, 0), place);
            assert_eq!(double_s(&text, place + 1), text.len());
        }
        assert_eq!(double_s(b"", 0), 0);
    }
}
