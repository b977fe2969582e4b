//! The pass over long runs of letters, digits, underscores and hyphens. Every key that a machine made has one.

use super::class::{ALNUM, BASE64, DOTTED, WORD};
use super::quality::oddness;
use super::{Confidence, Secret, context, format, pem, structure};

/// Shortest run that is looked at. A pass need only look at one byte in so many.
const SHORTEST: usize = 10;

/// Finds the secrets that runs have.
pub(crate) fn scan(bytes: &[u8], found: &mut Vec<Secret>) {
    let mut done = 0;
    let mut at = SHORTEST - 1;
    while let Some(&byte) = bytes.get(at) {
        if !WORD.has(byte) {
            at += SHORTEST;
            continue;
        }
        let start = at - WORD.span_before(bytes, at, at - done.min(at));
        let end = at + WORD.span(bytes, at, bytes.len());
        done = end;
        if end - start >= SHORTEST
            && let Some(secret) = in_run(bytes, start, end)
        {
            done = done.max(secret.end);
            found.push(secret);
        }
        at = done + SHORTEST;
    }
}

/// The secret that the run is, or that it is a part of.
fn in_run(bytes: &[u8], start: usize, end: usize) -> Option<Secret> {
    // The letter of an escaped line feed is no part of the run.
    let is_escaped =
        start > 0 && bytes[start - 1] == b'\\' && matches!(bytes[start], b'n' | b'r' | b't');
    let start = start + usize::from(is_escaped);
    let run = &bytes[start..end];
    match run.first()? {
        b'-' | b'P' | b'b' | b'L' => {
            if let Some(secret) = pem::at(bytes, start) {
                return Some(secret);
            }
            if pem::is_frame(run) {
                return None;
            }
        }
        b'e' | b'Z' => {
            if let Some(secret) = jwt(bytes, start, end) {
                return Some(secret);
            }
        }
        _ => {}
    }
    if !is_inside(bytes, start) {
        let mut at = start;
        for _ in 0..4 {
            if let Some(secret) = format::at(bytes, at) {
                return Some(secret);
            }
            // A prefix may have characters that end a run: `SG.`, `1//0`.
            let Some(before) = joined_before(bytes, at) else {
                break;
            };
            at = before;
        }
    }
    let has_digit = run.iter().any(u8::is_ascii_digit);
    if !has_digit && (run.len() < 16 || oddness(run) < 26) {
        return None;
    }
    if has_digit && let Some(secret) = format::session(bytes, start, end) {
        return Some(secret);
    }
    if has_digit && let Some(secret) = format::by_structure(bytes, start, end) {
        return Some(secret);
    }
    if let Some(secret) = format::webhook(bytes, start, end) {
        return Some(secret);
    }
    password_hash(bytes, start, end).or_else(|| context::of_run(bytes, start, end))
}

/// Whether the run is a part of a longer value in base64.
fn is_inside(bytes: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1) else {
        return false;
    };
    match bytes[before] {
        b'+' => true,
        b'/' => {
            let length = ALNUM.span_before(bytes, before, 40);
            let part = &bytes[before - length..before];
            length >= 10 && oddness(part) >= 26
        }
        _ => false,
    }
}

/// Where the run before this one begins, if one character that prefixes have joins them.
fn joined_before(bytes: &[u8], at: usize) -> Option<usize> {
    let joint = at.checked_sub(1)?;
    if !matches!(
        bytes[joint],
        b'.' | b'/' | b':' | b'$' | b'|' | b'~' | b'+' | b'='
    ) {
        return None;
    }
    // `1//0` has two.
    let end = joint - usize::from(joint > 0 && bytes[joint - 1] == b'/');
    let length = WORD.span_before(bytes, end, 24);
    (length > 0).then_some(end - length)
}

/// A JSON Web Token, or one in base64 once more.
fn jwt(bytes: &[u8], start: usize, end: usize) -> Option<Secret> {
    let run = &bytes[start..end];
    let secret = |end| {
        Some(Secret {
            kind: "jwt",
            start,
            end,
            confidence: Confidence::Sure,
        })
    };
    if run.starts_with(b"ZXlK") && run.len() >= 60 {
        let mut place = [0; 96];
        let plain = structure::decoded(run, &mut place);
        return structure::is_jose_header(plain)
            .then(|| secret(start + BASE64.span(bytes, start, bytes.len())))?;
    }
    if !(run.starts_with(b"eyJ") || run.starts_with(b"ewog") || run.starts_with(b"eyAi")) {
        return None;
    }
    let payload = WORD.span(bytes, end + 1, bytes.len());
    if bytes.get(end) != Some(&b'.') || payload < 16 || !structure::is_jose_header(run) {
        return None;
    }
    let length = DOTTED.span(bytes, start, bytes.len());
    // A full stop ends a sentence.
    let stops = bytes[start..start + length]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'.')
        .count();
    secret(start + length - stops)
}

/// The beginnings of hashes of passwords, as `crypt` writes them.
const CRYPT: &[&[u8]] = &[
    b"$2a$",
    b"$2b$",
    b"$2y$",
    b"$2x$",
    b"$1$",
    b"$5$",
    b"$6$",
    b"$y$",
    b"$argon2id$",
    b"$argon2i$",
    b"$argon2d$",
    b"$8$",
    b"$9$",
    b"$krb5asrep$",
    b"$krb5tgs$",
    b"$apr1$",
    b"$pbkdf2",
    b"$scrypt$",
];

/// The hash of a password that the run is a part of: whoever has it can try all passwords.
fn password_hash(bytes: &[u8], start: usize, end: usize) -> Option<Secret> {
    let before = &bytes[start.saturating_sub(100)..start];
    let is_part = |byte: &u8| {
        BASE64.has(*byte) || matches!(byte, b'.' | b'$' | b',' | b'-' | b':' | b'@' | b'*')
    };
    let length = before.iter().rev().take_while(|byte| is_part(byte)).count();
    let front = &before[before.len() - length..];
    let at = front.iter().position(|byte| *byte == b'$')?;
    let front = &front[at..];
    let is_hash = CRYPT.iter().any(|begin| front.starts_with(begin));
    let rest = bytes[end..]
        .iter()
        .take(200)
        .take_while(|byte| is_part(byte))
        .count();
    let from = start - front.len();
    (is_hash && end + rest - from >= 30).then_some(Secret {
        kind: "password-hash",
        start: from,
        end: end + rest,
        confidence: Confidence::Sure,
    })
}
