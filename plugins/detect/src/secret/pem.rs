//! Private keys in PEM (RFC 7468), in the formats of OpenPGP, OpenSSH and PuTTY, and without a frame.

use super::class::{ALNUM, BASE64};
use super::quality::is_placeholder;
use super::{Confidence, Secret, structure};

/// Longest key that is covered, with its frame.
const LONGEST: usize = 16 * 1024;

/// How much of a key without a frame shows that it is one.
const BEGINNING: usize = 256;

/// Fewest characters of base64 in a key. An elliptic curve's has more than that.
const LEAST: usize = 40;

/// The private key that begins with the run at `start`.
pub(crate) fn at(bytes: &[u8], start: usize) -> Option<Secret> {
    let rest = &bytes[start..bytes.len().min(start + LONGEST)];
    let length = if rest.starts_with(b"-----BEGIN") || rest.starts_with(b"----BEGIN") {
        framed(rest)?
    } else if rest.starts_with(b"PuTTY-User-Key-File-") {
        putty(rest)?
    } else if rest.starts_with(b"b3BlbnNzaC1rZXktdjE") {
        unframed(rest)?
    } else if rest.starts_with(b"LS0tLS1CRUdJTi") {
        encoded(rest)?
    } else {
        return None;
    };
    Some(Secret {
        kind: "private-key",
        start,
        end: start + length,
        confidence: Confidence::Sure,
    })
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// A key between `BEGIN` and `END`. One that is cut off ends where its base64 does.
fn framed(rest: &[u8]) -> Option<usize> {
    let label = &rest[..rest.len().min(80)];
    let private = find(label, b"PRIVATE KEY")?;
    let body = private + find(&rest[private..rest.len().min(private + 40)], b"--")?;
    let body = body
        + rest[body..]
            .iter()
            .take_while(|byte| **byte == b'-')
            .count();
    // Nothing but the last line has so many hyphens.
    let next = find(&rest[body..], b"-----").map(|at| body + at);
    let end = next.filter(|end| rest[*end..].starts_with(b"-----END"));
    let until = match end {
        Some(end) => end,
        None => body + span(&rest[body..next.unwrap_or(rest.len())]),
    };
    let base64 = rest[body..until]
        .iter()
        .filter(|byte| BASE64.has(**byte))
        .count();
    let longest = rest[body..until]
        .split(|byte| !BASE64.has(*byte))
        .max_by_key(|part| part.len())
        .unwrap_or_default();
    if base64 < LEAST || longest.len() < 24 || is_placeholder(longest) {
        return None;
    }
    let tail = match end {
        Some(end) => {
            let line = &rest[end + 8..rest.len().min(end + 80)];
            8 + find(line, b"-----").map_or(0, |at| at + 5)
        }
        None => 0,
    };
    Some(until + tail)
}

/// How far the lines of a key go: base64, and what quotes and joins lines.
fn span(text: &[u8]) -> usize {
    let is_part = |byte: &u8| {
        BASE64.has(*byte)
            || byte.is_ascii_whitespace()
            || matches!(byte, b'\\' | b'"' | b'\'' | b',' | b'-' | b':')
    };
    let end = text
        .iter()
        .position(|byte| !is_part(byte))
        .unwrap_or(text.len());
    // A word after the last line is not of the key: the key ends with its last long part.
    let mut at = 0;
    let mut last = 0;
    for part in text[..end].split(|byte| !BASE64.has(*byte)) {
        at += part.len();
        if part.len() >= 24 {
            last = at;
        }
        at += 1;
    }
    last
}

/// The span where it is at least so long. The beginning is looked at first: a text may have thousands of beginnings, and
/// all of each is looked at only where it is a key.
fn span_over(text: &[u8], least: usize) -> Option<usize> {
    let beginning = &text[..text.len().min(BEGINNING)];
    (span(beginning) >= least).then(|| span(text))
}

fn putty(rest: &[u8]) -> Option<usize> {
    let lines = find(&rest[..rest.len().min(1200)], b"Private-Lines:")?;
    let length = span_over(&rest[lines + 14..], LEAST + 1)?;
    Some(lines + 14 + length)
}

/// A key of OpenSSH whose frame is missing.
fn unframed(rest: &[u8]) -> Option<usize> {
    span_over(rest, 100)
}

/// PEM in base64 once more, as Kubernetes has it. Certificates look the same at first.
fn encoded(rest: &[u8]) -> Option<usize> {
    let mut place = [0; 48];
    let beginning = BASE64.span(rest, 0, 64);
    let plain = structure::decoded(&rest[..beginning], &mut place);
    find(plain, b"PRIVATE")?;
    let length = BASE64.span(rest, 0, rest.len());
    (length >= 100).then_some(length)
}

/// Whether the run is the beginning of a frame's line, which is no value.
pub(crate) fn is_frame(run: &[u8]) -> bool {
    run.starts_with(b"----") && run.iter().filter(|byte| ALNUM.has(**byte)).count() <= 5
}
