//! Passwords in addresses (`scheme://user:password@host`) and in the option `-u user:password` of commands.

use super::class::ALNUM;
use super::quality::{Census, is_placeholder, oddness, says_placeholder};
use super::{Confidence, Secret};

/// Longest user and password that are read.
const LONGEST: usize = 320;

/// The password that belongs to the colon at `at`.
pub(crate) fn at(bytes: &[u8], at: usize) -> Option<Secret> {
    if bytes[at + 1..].starts_with(b"//") {
        userinfo(bytes, at + 3)
    } else {
        option(bytes, at)
    }
}

fn secret(start: usize, end: usize) -> Option<Secret> {
    Some(Secret {
        kind: "url-password",
        start,
        end,
        confidence: Confidence::Sure,
    })
}

/// The password of the address whose authority begins at `start`.
fn userinfo(bytes: &[u8], start: usize) -> Option<Secret> {
    let rest = &bytes[start..bytes.len().min(start + LONGEST)];
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(
                byte,
                b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | b')' | b','
            )
    };
    let length = rest
        .iter()
        .zip(rest.get(1..).unwrap_or_default())
        .position(|(byte, next)| ends(next) || *byte == b'/' && *next == b'/')
        .map_or(rest.len(), |at| at + 1);
    let authority = match rest.first() {
        Some(first) if !ends(first) => &rest[..length],
        _ => return None,
    };
    let first = authority.iter().position(|byte| *byte == b'@')?;
    // A password may have an at sign of its own: the last one before the path counts.
    let path = authority[first..]
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let front = &authority[..path.map_or(authority.len(), |path| first + path)];
    let at = front.iter().rposition(|byte| *byte == b'@')?;
    let is_store = STORES
        .iter()
        .any(|scheme| bytes[..start - 3].ends_with(scheme));
    // A password may have a slash; a path may have an at sign.
    let colon = authority[..at].iter().position(|byte| *byte == b':');
    let slash = authority[..at]
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    match colon {
        Some(colon) if slash.is_none_or(|slash| slash > colon) => {
            let password = &authority[colon + 1..at];
            let is_port = slash.is_some() && password.iter().take(2).all(u8::is_ascii_digit);
            let host = authority
                .get(at + 1)
                .is_some_and(|byte| ALNUM.has(*byte) || matches!(byte, b'[' | b'$' | b'{'));
            (host && !is_port && is_secret(password, is_store))
                .then(|| secret(start + colon + 1, start + at))?
        }
        // A token in the place of the user.
        None if slash.is_none() => {
            let user = &authority[..at];
            let census = Census::of(user);
            let is_token = user.len() >= 20
                && census.digits > 2
                && oddness(user) >= 30
                && !is_placeholder(user);
            is_token.then(|| secret(start, start + at))?
        }
        _ => None,
    }
}

/// The password after the colon of `-u user:password`.
fn option(bytes: &[u8], colon: usize) -> Option<Secret> {
    if !bytes
        .get(colon + 1)
        .is_some_and(|byte| byte.is_ascii_graphic())
    {
        return None;
    }
    let from = colon.saturating_sub(80);
    let before = &bytes[from..colon];
    let is_user = |byte: &u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'=' | b',' | b'{' | b'}')
    };
    let length = before.iter().rev().take_while(|byte| is_user(byte)).count();
    let mut front = &before[..before.len() - length];
    let quote = front
        .last()
        .copied()
        .filter(|byte| matches!(byte, b'"' | b'\''));
    if quote.is_some() {
        front = &front[..front.len() - 1];
    }
    let front = front.trim_ascii_end();
    let is_option = [b" -u" as &[u8], b"\n-u", b"--user", b"--user=", b" -u="]
        .iter()
        .any(|option| front.ends_with(option));
    if !is_option || length == 0 {
        return None;
    }
    let (start, quote) = match bytes[colon + 1] {
        own @ (b'"' | b'\'') => (colon + 2, Some(own)),
        _ => (colon + 1, quote),
    };
    let rest = &bytes[start.min(bytes.len())..bytes.len().min(colon + LONGEST)];
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote || *byte == b'\n',
        None => byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''),
    };
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    is_secret(&rest[..end], false).then(|| secret(start, start + end))?
}

/// Schemes of databases and queues. Their addresses stand in configurations, with passwords of any kind.
const STORES: &[&[u8]] = &[
    b"postgres",
    b"postgresql",
    b"mysql",
    b"mariadb",
    b"mongodb",
    b"mongodb+srv",
    b"redis",
    b"rediss",
    b"amqp",
    b"amqps",
    b"mssql",
    b"sqlserver",
    b"oracle",
    b"clickhouse",
    b"cassandra",
    b"couchdb",
    b"neo4j",
    b"bolt",
    b"influxdb",
    b"ftp",
    b"sftp",
    b"ftps",
    b"smtp",
    b"smtps",
    b"imap",
    b"imaps",
    b"ldap",
    b"ldaps",
    b"nats",
    b"mqtt",
    b"snowflake",
];

/// Words that stand for a password in documentation.
const WORDS: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"pass",
    b"pwd",
    b"pw",
    b"token",
    b"user",
    b"username",
    b"test",
    b"api_key",
    b"apikey",
    b"key",
    b"yyy",
    b"xxx",
    b"mypassword",
    b"yourpassword",
    b"my-password",
];

/// Whether the password is one, and no place for one.
fn is_secret(password: &[u8], is_store: bool) -> bool {
    let is_word = WORDS.iter().any(|word| password.eq_ignore_ascii_case(word));
    let has_place = password
        .iter()
        .any(|byte| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'[' | b']' | b'*'))
        || matches!(password, [b'$' | b'%' | b':', ..])
        || password.contains(&b'$')
            && password
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'$' | b'_'));
    let is_name = password.len() > 3
        && password
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let census = Census::of(password);
    let is_short_word = !is_store
        && password.len() < 8
        && census.letters() == password.len()
        && oddness(password) < 50;
    let stands_for_one =
        says_placeholder(password) || census.digits == 0 && is_placeholder(password);
    password.len() >= if is_store { 3 } else { 4 }
        && !is_word
        && !has_place
        && !is_name
        && !is_short_word
        && !stands_for_one
}
