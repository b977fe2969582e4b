//! What protocol machinery looks like. A string that stands where machinery should and does not look like it is text.

/// Longer than any id, version or trace header in use; short enough that no prose hides in one.
const LONGEST_TOKEN: usize = 256;

/// Visible ASCII without a space.
pub(crate) fn is_token(content: &str) -> bool {
    (1..=LONGEST_TOKEN).contains(&content.len()) && content.bytes().all(|b| b.is_ascii_graphic())
}

/// `type/subtype`, perhaps with parameters (RFC 6838, RFC 9110).
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

/// An RFC 9110 token.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The alphabets of base64, plain and URL-safe, as a JSON string has them: PHP writes `/` as `\/`, and lines may be broken.
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

/// Without a branch a byte, since payloads are large.
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
