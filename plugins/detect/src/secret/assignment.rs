//! The pass over `=`, `:`, `>` and `,`: values that stand beside the name of a credential, and addresses with a password.

use crate::candidate::position;

use super::context::{self, is_end, is_name_part};
use super::name::Sign;
use super::{CREDENTIAL, Confidence, PASSWORD, Secret, structure, url};

/// Longest value that is read.
const LONGEST: usize = 320;

/// Finds the secrets that names have as their values.
pub(crate) fn scan(bytes: &[u8], found: &mut Vec<Secret>) {
    let is_operator = |byte: u8| (byte == b'=') | (byte == b':') | (byte == b'>') | (byte == b',');
    let mut at = position(bytes, 0, is_operator);
    while at < bytes.len() {
        let secret = match bytes[at] {
            b':' => url::at(bytes, at).or_else(|| assigned(bytes, at)),
            // The arguments of a call: `define("DB_PASSWORD", "…")`.
            b',' if at == 0 || !matches!(bytes[at - 1], b'"' | b'\'') => None,
            _ => assigned(bytes, at),
        };
        let mut next = at + 1;
        if let Some(secret) = secret {
            next = next.max(secret.end);
            found.push(secret);
        }
        at = position(bytes, next, is_operator);
    }
}

/// The secret that the operator at `at` gives to a name.
fn assigned(bytes: &[u8], at: usize) -> Option<Secret> {
    let (start, quote) = value(bytes, at + 1)?;
    let first = *bytes.get(start)?;
    if is_end(first) {
        return None;
    }
    if bytes[at] == b',' && quote.is_none() {
        return None;
    }
    // Before an operator stands a name, perhaps in quotes.
    let joint = |byte: &&u8| {
        !matches!(
            byte,
            b' ' | b'\t' | b'"' | b'\'' | b'\\' | b']' | b'?' | b':'
        )
    };
    let before = bytes[at.saturating_sub(24)..at].iter().rev().find(joint);
    if !before.is_some_and(|byte| is_name_part(*byte)) {
        return None;
    }
    let found = context::before(bytes, at);
    if found.sign < Sign::Weak {
        return None;
    }
    // Only a text that is a name, all of it, names the next argument.
    if bytes[at] == b','
        && !matches!(
            found.from.checked_sub(1).map(|before| bytes[before]),
            Some(b'"' | b'\'')
        )
    {
        return None;
    }
    let is_query = matches!(bytes.get(found.end.wrapping_sub(1)), Some(byte) if is_name_part(*byte))
        && query(bytes, at);
    let (start, is_header) = header(bytes, start);
    let end = end(bytes, start, quote);
    let value = &bytes[start..end];
    if value.len() < 4 {
        return None;
    }
    let secret = |kind, confidence| {
        Some(Secret {
            kind,
            start,
            end,
            confidence,
        })
    };
    if is_header && structure::is_basic_auth(value) {
        return secret("basic-auth", Confidence::Sure);
    }
    // What follows a value without quotes tells code from a value.
    let is_code = quote.is_none() && matches!(bytes.get(end), Some(b'(' | b'[' | b'{'));
    let in_connection = found.sign == Sign::Password
        && quote.is_none()
        && bytes[at] == b'='
        && context::is_literal(value)
        && is_connection(&bytes[found.from.saturating_sub(160)..found.from]);
    if in_connection {
        return secret(PASSWORD, Confidence::Probable);
    }
    match found.sign {
        Sign::Password if !is_code && context::is_password(value, quote.is_some()) => {
            secret(PASSWORD, Confidence::Probable)
        }
        // Badges and links have short tokens that are no secrets.
        Sign::Token if is_query && value.len() < 16 => None,
        Sign::Token if !is_code && context::is_token(bytes, start, end, quote.is_some()) => {
            secret(CREDENTIAL, Confidence::Probable)
        }
        Sign::Weak if !is_code && value.len() >= 16 && !is_query => {
            context::is_key_of_provider(bytes, found.end, start, end)
                .then(|| secret(CREDENTIAL, Confidence::Probable))?
        }
        _ => None,
    }
}

/// Whether the operator belongs to a query of an address: `?token=…`.
fn query(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[at.saturating_sub(40)..at];
    let name = before
        .iter()
        .rev()
        .take_while(|byte| is_name_part(**byte))
        .count();
    matches!(before.iter().rev().nth(name), Some(b'?' | b'&'))
}

/// Whether a connection string ends there, as ADO and ODBC have it: `Server=…;User Id=…;Password=…`. In one a word is
/// a password too.
fn is_connection(before: &[u8]) -> bool {
    let line = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let line = &before[line..];
    let ends = line.trim_ascii_end().last() == Some(&b';');
    ends && [
        b"user id=" as &[u8],
        b"uid=",
        b"server=",
        b"data source=",
        b"username=",
    ]
    .iter()
    .any(|part| {
        line.windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
    })
}

/// Where the value after an operator begins, and its quote.
fn value(bytes: &[u8], mut at: usize) -> Option<(usize, Option<u8>)> {
    let most = at + 6;
    loop {
        match *bytes.get(at)? {
            b' ' | b'\t' | b'=' | b'>' if at < most => at += 1,
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => at += 1,
            quote @ (b'"' | b'\'' | b'`') => return Some((at + 1, Some(quote))),
            b'@' | b'b' | b'r' if matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => at += 1,
            _ => return Some((at, None)),
        }
    }
}

/// Where the value ends.
fn end(bytes: &[u8], start: usize, quote: Option<u8>) -> usize {
    let rest = &bytes[start..bytes.len().min(start + LONGEST)];
    let length = match quote {
        Some(quote) => rest
            .iter()
            .position(|byte| *byte == quote || matches!(byte, b'\n' | b'\\')),
        None => rest.iter().position(|byte| is_end(*byte) || *byte == b'&'),
    };
    start + length.unwrap_or(rest.len())
}

/// The schemes of an `Authorization` header that a credential follows.
const SCHEMES: &[&[u8]] = &[
    b"Basic ", b"Bearer ", b"Token ", b"SSWS ", b"ApiKey ", b"Apikey ", b"basic ", b"bearer ",
    b"token ",
];

/// Where the credential of a header begins, and whether a scheme stands before it.
fn header(bytes: &[u8], start: usize) -> (usize, bool) {
    let is_scheme = |scheme: &&&[u8]| bytes[start..].starts_with(scheme);
    match SCHEMES.iter().find(is_scheme) {
        Some(scheme) => (start + scheme.len(), true),
        None => (start, false),
    }
}
