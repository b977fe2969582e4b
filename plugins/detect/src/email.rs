//! Detects e-mail addresses.

/// The start and end of the address around the `@` at `at`. The address does not begin before `floor`.
pub(crate) fn around(bytes: &[u8], at: usize, floor: usize) -> Option<(usize, usize)> {
    let start = local_start(bytes, at, floor)?;
    let end = domain_end(bytes, at + 1)?;
    // `git@host:path` is a repository, not a person.
    if &bytes[start..at] == b"git" && bytes.get(end) == Some(&b':') {
        return None;
    }
    if is_in_url(bytes, start) {
        return None;
    }
    Some((start, end))
}

/// Whether the local part is the user of a URL: `postgres://app@host`, `https://app:secret@host`.
fn is_in_url(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(80)..start];
    let word = before.iter().rev().take_while(|byte| {
        !byte.is_ascii_whitespace()
            && !matches!(byte, b'"' | b'<' | b'>' | b'(' | b',' | b'?' | b'=' | b'&')
    });
    let word = &before[before.len() - word.count()..];
    word.windows(3)
        .rposition(|three| three == b"://")
        .is_some_and(|scheme| !word[scheme + 3..].contains(&b'/'))
}

/// The start of the local part, at most 64 bytes before the `@`. Accepts the characters of RFC 5321 without the quoted
/// form and without `!`, `/`, `?`, `{`, `|`, `}` and the grave accent. The part begins with a letter, a digit or `_`,
/// and does not end with a dot.
fn local_start(bytes: &[u8], at: usize, floor: usize) -> Option<usize> {
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'#$&*^~".contains(byte);
    let length = bytes[floor..at]
        .iter()
        .rev()
        .take(64)
        .take_while(|byte| is_local(byte))
        .count();
    let mut start = at - length;
    while start < at && !bytes[start].is_ascii_alphanumeric() && bytes[start] != b'_' {
        start += 1;
    }
    (start < at && bytes[at - 1] != b'.').then_some(start)
}

/// The end of the domain, at most 255 bytes. It needs a dot, valid labels, and a last label of letters or beginning
/// with `xn--`.
fn domain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = &bytes[start..bytes.len().min(start + 255)];
    let mut length = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        .count();
    // The full stop of a sentence, or a dash after the address.
    while length > 0 && !rest[length - 1].is_ascii_alphanumeric() {
        length -= 1;
    }
    let domain = &rest[..length];
    let mut labels = domain.split(|byte| *byte == b'.');
    let top = labels.next_back()?;
    let mut others = labels.peekable();
    others.peek()?;
    let sound = others.all(|label| {
        !label.is_empty() && label.len() <= 63 && label[0] != b'-' && label[label.len() - 1] != b'-'
    });
    // `foo@0.2.0.wasm` is a version.
    let is_version = domain
        .split(|byte| *byte == b'.')
        .take(2)
        .all(|label| label.iter().all(u8::is_ascii_digit));
    let is_top =
        (top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic)) || top.starts_with(b"xn--");
    (sound && is_top && !is_version && !is_file_ending(top)).then_some(start + length)
}

/// Whether the last label is a file extension: `logo@2x.png` is a picture.
fn is_file_ending(top: &[u8]) -> bool {
    let endings: &[&[u8]] = &[
        b"png",
        b"jpg",
        b"jpeg",
        b"gif",
        b"svg",
        b"webp",
        b"ico",
        b"css",
        b"js",
        b"mjs",
        b"cjs",
        b"jsx",
        b"tsx",
        b"map",
        b"json",
        b"html",
        b"txt",
        b"pdf",
        b"xml",
        b"yml",
        b"yaml",
        b"toml",
        b"conf",
        b"cfg",
        b"ini",
        b"log",
        b"lock",
        b"tgz",
        b"gz",
        b"bz",
        b"xz",
        b"tar",
        b"whl",
        b"jar",
        b"deb",
        b"rpm",
        b"dll",
        b"exe",
        b"patch",
        b"diff",
        b"vue",
        // Units of systemd: `getty@tty1.service`.
        b"service",
        b"socket",
        b"timer",
        b"mount",
        b"automount",
        b"target",
        b"path",
        b"slice",
        b"scope",
        b"device",
        b"swap",
        // Names inside a network.
        b"internal",
        b"localdomain",
        b"localhost",
        b"lan",
        b"local",
    ];
    endings
        .iter()
        .any(|ending| top.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let (start, end) = around(text.as_bytes(), text.find('@')?, 0)?;
        Some(&text[start..end])
    }

    #[test]
    fn an_address_ends_where_its_characters_end() {
        assert_eq!(
            found("mail to ann.lee+crm@mail.example.co.uk."),
            Some("ann.lee+crm@mail.example.co.uk")
        );
        assert_eq!(
            found("メールはkyo97@example.netです"),
            Some("kyo97@example.net")
        );
        assert_eq!(found("<o'neil@example.com>"), Some("o'neil@example.com"));
        assert_eq!(found("'ann@example.com'"), Some("ann@example.com"));
        assert_eq!(
            found("{\"mail\":\"ann@example.com\"}"),
            Some("ann@example.com")
        );
    }

    #[test]
    fn what_only_has_an_at_sign_is_no_address() {
        for text in [
            "@home",
            "ann@",
            "ann@localhost",
            "react@18.2.0",
            "logo@2x.png",
            "a@b..com",
            "a.@b.com",
            "a@-b.com",
            "git@github.com:a/b",
            "getty@tty1.service",
            "foo@1.2.3.tgz",
            "postgres://app@db.internal",
            "https://app:secret@example.com/x",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
