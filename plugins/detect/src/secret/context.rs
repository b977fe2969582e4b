//! Decides whether a random value is a credential, by the name before it and the provider that the text names.

use super::class::{ALNUM, KEY, LETTER};
use super::name::{Name, Sign, provider_before, provider_near};
use super::provider::Name as Provider;
use super::quality::{
    Census, is_placeholder, is_sequence, is_uuid, is_wordy, oddness, repeats, says_placeholder,
};
use super::{CREDENTIAL, Confidence, PASSWORD, Secret, format};

/// Most bytes between a name and its value: quotes, blanks, an operator.
const GAP: usize = 16;

/// What stands before a value.
pub(crate) struct Before {
    pub(crate) sign: Sign,
    /// Where the name begins.
    pub(crate) from: usize,
    /// Where the name ends.
    pub(crate) end: usize,
    /// Whether an operator joins name and value.
    pub(crate) is_joined: bool,
}

/// Reads what stands before the value at `start`.
pub(crate) fn before(bytes: &[u8], start: usize) -> Before {
    let mut end = start;
    let mut is_joined = false;
    let is_quoted = start > 0 && matches!(bytes[start - 1], b'"' | b'\'');
    let mut sign = Sign::None;
    let mut from = start;
    // A name such as `value` or `string` has another one before it: `name="PASSWORD" value="…"`, `password: string = "…"`.
    for _ in 0..3 {
        let least = end.saturating_sub(GAP);
        while end > least {
            match bytes[end - 1] {
                b'=' | b':' | b'>' => is_joined = true,
                // Arguments of a call: both are texts.
                b',' if matches!(bytes.get(end), Some(b'"' | b'\'' | b' ' | b'\\'))
                    && is_quoted =>
                {
                    is_joined = true
                }
                b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'`' | b'(' | b'[' | b']' | b'\\'
                | b'|' | b'@' | b'?' => {}
                _ => break,
            }
            end -= 1;
        }
        let name = Name::ending(bytes, end);
        from = name.from;
        if name.is_filler() {
            end = name.from;
            continue;
        }
        // The path of a type: `AWS::ApiGateway::ApiKey`.
        let is_path = bytes[..from].ends_with(b"::") && from < end;
        sign = if is_path { Sign::Harmless } else { name.sign() };
        break;
    }
    Before {
        sign,
        from,
        end,
        is_joined,
    }
}

/// The credential that a run is.
pub(crate) fn of_run(bytes: &[u8], start: usize, end: usize) -> Option<Secret> {
    let value_start = value_in(bytes, start, end);
    let found = if value_start > start {
        // A part of a path is a name.
        if start > 0 && bytes[start - 1] == b'/' {
            return None;
        }
        let sign = Name::ending(bytes, value_start - 1).sign();
        Before {
            sign,
            from: start,
            end: value_start - 1,
            is_joined: true,
        }
    } else {
        before(bytes, start)
    };
    if found.sign == Sign::Harmless || found.end == value_start {
        return None;
    }
    let value_end = match found.is_joined {
        true => end + tail(bytes, end),
        false => end,
    };
    let value = &bytes[value_start..value_end];
    // Badges and links have short tokens that are no secrets.
    if value.len() < 16
        && matches!(
            found.from.checked_sub(1).map(|before| bytes[before]),
            Some(b'?' | b'&')
        )
    {
        return None;
    }
    if !is_random(value, found.is_joined) {
        return None;
    }
    let is_credential = match found.sign {
        Sign::Password | Sign::Token
            if !is_sequence(value) && (found.is_joined || !is_uuid(value)) =>
        {
            true
        }
        // Documentation of a provider has keys like the alphabet.
        Sign::Password | Sign::Token => provider_before(bytes, found.end).is_some(),
        sign => {
            // Without any word for a key, the provider stands right before the value.
            let near = if sign == Sign::Weak { 64 } else { 28 };
            let provider = provider_near(bytes, found.end, near);
            beside_provider(value, sign, provider, found.is_joined)
        }
    };
    (is_credential && is_value(bytes, value_start, value_end)).then_some(Secret {
        kind: CREDENTIAL,
        start: value_start,
        end: value_end,
        confidence: Confidence::Probable,
    })
}

/// Where the value begins in a run that has its name in front: `provider-secret-0a1b…`.
fn value_in(bytes: &[u8], start: usize, end: usize) -> usize {
    let run = &bytes[start..end];
    let mut at = 0;
    for part in run.split(|byte| matches!(byte, b'-' | b'_')) {
        let is_word =
            part.len() <= 24 && part.iter().all(|byte| LETTER.has(*byte)) && oddness(part) < 30;
        if !is_word {
            break;
        }
        at += part.len() + 1;
    }
    let rest = run.len().saturating_sub(at);
    if at < 4 || rest < 16 {
        start
    } else {
        start + at
    }
}

/// How far the value goes on after its run: base64 and dots, without what ends a sentence.
fn tail(bytes: &[u8], end: usize) -> usize {
    let length = KEY.span(bytes, end, 512);
    let rest = &bytes[end..end + length];
    length
        - rest
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b'.' | b'/' | b'~'))
            .count()
}

/// Endings of names of files.
const FILES: &[&[u8]] = &[
    b".json", b".yaml", b".yml", b".pem", b".txt", b".js", b".ts", b".py", b".rs", b".go",
    b".java", b".md", b".html", b".css", b".png", b".jpg", b".svg", b".xml", b".key", b".crt",
    b".cer", b".p12", b".com", b".net",
];

/// Whether what stands there can be a value at all, and is neither code, nor a placeholder, nor a file.
fn is_value(bytes: &[u8], start: usize, end: usize) -> bool {
    let value = &bytes[start..end];
    let calls = matches!(bytes.get(end), Some(b'(' | b'[' | b'{'));
    let is_variable = start > 0
        && matches!(
            bytes[start - 1],
            b'$' | b'%' | b'{' | b'<' | b'#' | b'&' | b'*'
        );
    let is_file = FILES.iter().any(|ending| value.ends_with(ending));
    // Dots say that the rest is left out.
    let is_cut = bytes[end..].starts_with(b"..") || value.ends_with(b"..");
    // No key has a mark of this kind in its middle.
    let is_broken =
        matches!(bytes[end..], [b'?' | b'*' | b'^' | b'$' | b'!', next, ..] if ALNUM.has(next));
    !calls
        && !is_variable
        && !is_file
        && !is_cut
        && !is_broken
        && !stands_for_one(value)
        && !format::has_prefix(bytes, start)
}

/// Whether the value is a placeholder, the alphabet aside.
fn stands_for_one(value: &[u8]) -> bool {
    repeats(value) || says_placeholder(value)
}

/// Whether the value beside the name of a credential is random enough.
fn is_random(value: &[u8], is_joined: bool) -> bool {
    let census = Census::of(value);
    let odd = oddness(value);
    let least = if is_joined { 10 } else { 16 };
    if value.len() < least || census.letters() < 2 || !census.is_hex && is_wordy(value) {
        return false;
    }
    if is_uuid(value) {
        return true;
    }
    match census.digits {
        0 => odd >= 30 && value.len() >= 16,
        1 => odd >= 22,
        _ => odd >= 18,
    }
}

/// Whether a value beside the name of a provider is a key of it.
fn beside_provider(value: &[u8], sign: Sign, provider: Option<Provider>, is_joined: bool) -> bool {
    let census = Census::of(value);
    let odd = oddness(value);
    match (sign, provider) {
        (Sign::Weak, Some(_)) => true,
        (Sign::None, Some(Provider::Telling)) => value.len() >= 20 && odd >= 24,
        // A key of something: random in every way, not a hash.
        (Sign::Weak, None) => {
            is_joined
                && value.len() >= 20
                && !census.is_hex
                && !is_uuid(value)
                && !is_sequence(value)
                && odd >= 30
                && census.lower > 1
                && census.upper > 1
                && census.digits > 1
                && census.distinct >= 12
        }
        _ => false,
    }
}

/// Words that are no passwords.
const NO_PASSWORDS: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"passphrase",
    b"pass",
    b"secret",
    b"string",
    b"null",
    b"none",
    b"true",
    b"false",
    b"undefined",
    b"required",
    b"optional",
    b"username",
    b"admin",
    b"root",
    b"test",
    b"user",
    b"foobar",
    b"token",
    b"pass",
    b"mypassword",
    b"yourpassword",
    b"foo",
    b"bar",
];

/// Words in a value that somebody made up for a test.
const MADE_UP: &[&[u8]] = &[
    b"fake",
    b"mock",
    b"foobar",
    b"foo-bar",
    b"foo_bar",
    b"not-a-",
    b"not_a_",
    b"notreal",
    b"not_real",
];

/// Whether the value was made up for a test or an example.
fn is_made_up(value: &[u8]) -> bool {
    let value = &value[..value.len().min(64)];
    let begins = value.len() >= 4 && value[..4].eq_ignore_ascii_case(b"test");
    begins
        || MADE_UP.iter().any(|word| {
            value
                .windows(word.len())
                .any(|part| part.eq_ignore_ascii_case(word))
        })
}

/// Whether the value is a password that somebody chose, or a random one. `is_quoted`: it is a text in code or JSON, so no
/// code.
pub(crate) fn is_password(value: &[u8], is_quoted: bool) -> bool {
    if value.len() < 6 || value.len() > 200 {
        return false;
    }
    let census = Census::of(value);
    let is_word = NO_PASSWORDS
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word));
    if is_word || is_placeholder(value) || is_made_up(value) {
        return false;
    }
    let mut kinds = 0u128;
    for byte in value.iter().filter(|byte| byte.is_ascii_punctuation()) {
        kinds |= 1 << (byte & 0x7F);
    }
    // Templates have few marks, random passwords have all.
    if kinds.count_ones() >= 7 && !value.contains(&b' ') {
        return true;
    }
    if has_template(value) || is_host(value) || is_selector(value) || value.contains(&b' ') {
        return false;
    }
    let odd = oddness(value);
    let marks = value
        .iter()
        .filter(|byte| {
            byte.is_ascii_punctuation() && !matches!(byte, b'_' | b'-' | b'.' | b'/' | b':')
        })
        .count();
    let is_path = value.iter().filter(|byte| **byte == b'/').count() > 1 || value.starts_with(b"/");
    let letters = census.letters();
    if is_quoted {
        !is_path
            && ((census.digits > 0 && letters > 0)
                || (marks > 0 && letters > 2)
                || (letters >= 10 && odd >= 30))
    } else {
        let is_code = value
            .iter()
            .any(|byte| matches!(byte, b'(' | b'[' | b'|' | b'&' | b'=' | b':'))
            || value[0] == b'-';
        !is_path
            && !is_code
            && !is_wordy(value)
            && census.digits > 0
            && letters > 1
            && (odd >= 15 || marks > 0)
    }
}

/// Whether the value is a host and its port.
fn is_host(value: &[u8]) -> bool {
    let colon = value.iter().rposition(|byte| *byte == b':');
    colon.is_some_and(|colon| {
        let port = &value[colon + 1..];
        (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit)
    })
}

/// Whether the value is a name after a mark, as selectors and variables have it: `#add-password`, `+value`.
fn is_selector(value: &[u8]) -> bool {
    matches!(value, [b'+', ..])
        || matches!(value, [b'#' | b'.' | b'@' | b':' | b'-', name @ ..]
            if name.iter().all(|byte| LETTER.has(*byte) || matches!(byte, b'-' | b'_')))
}

/// Whether the value is written out, and no place for one.
pub(crate) fn is_literal(value: &[u8]) -> bool {
    let is_word = NO_PASSWORDS
        .iter()
        .take(4)
        .any(|word| value.eq_ignore_ascii_case(word));
    !is_word && !has_template(value) && !says_placeholder(value)
}

/// Whether the value has a part that is put in later.
fn has_template(value: &[u8]) -> bool {
    value.windows(2).any(|pair| {
        matches!(
            pair,
            b"${" | b"{{" | b"$(" | b"%(" | b"#{" | b"<%" | b"%s" | b"{0"
        )
    }) || matches!(value, [b'$' | b'%' | b'{' | b'<' | b'[', ..])
}

/// Whether the value is a token: random, and no code.
pub(crate) fn is_token(bytes: &[u8], start: usize, end: usize, is_quoted: bool) -> bool {
    is_value(bytes, start, end) && is_random_text(&bytes[start..end], is_quoted)
}

/// Whether the value beside a name such as `key` is a key of the provider that the text names.
pub(crate) fn is_key_of_provider(bytes: &[u8], name: usize, start: usize, end: usize) -> bool {
    is_token(bytes, start, end, true)
        && bytes[start..end].iter().all(|byte| KEY.has(*byte))
        && provider_before(bytes, name).is_some()
}

fn is_random_text(value: &[u8], is_quoted: bool) -> bool {
    !has_template(value)
        && !is_placeholder(value)
        && !FILES.iter().any(|ending| value.ends_with(ending))
        && !value.windows(3).any(|part| part == b"://")
        && value[0] != b'/'
        && !value.contains(&b' ')
        && has_alphabet(value)
        && is_random(value, true)
        && (is_quoted || Census::of(value).digits > 0)
}

/// Whether the characters are those of a key, or so many marks that a generator put them there. One mark among letters
/// and digits is no key's.
fn has_alphabet(value: &[u8]) -> bool {
    let others = value
        .iter()
        .filter(|byte| !KEY.has(**byte) && !matches!(byte, b':' | b'%' | b'@' | b'#'));
    let count = others.count();
    let is_code = value
        .iter()
        .any(|byte| matches!(byte, b'[' | b']' | b'|' | b'{' | b'}' | b';' | b',' | b'\\'));
    count == 0 || count >= 4 && !is_code
}

/// The credential that a whole value is, by the name of its member.
pub(crate) fn member(name: &[u8], value: &[u8]) -> Option<Secret> {
    let sign = Name::ending(name, name.len()).sign();
    let kind = match sign {
        Sign::Password if is_password(value, true) => PASSWORD,
        Sign::Token if !value.is_empty() && value.len() <= 512 && is_random_text(value, true) => {
            CREDENTIAL
        }
        Sign::Weak if value.len() <= 512 && value.iter().all(|byte| KEY.has(*byte)) => {
            let provider = provider_before(name, name.len());
            (is_random_text(value, true) && beside_provider(value, sign, provider, true))
                .then_some(CREDENTIAL)?
        }
        _ => return None,
    };
    Some(Secret {
        kind,
        start: 0,
        end: value.len(),
        confidence: Confidence::Probable,
    })
}

/// Whether the byte ends a value without quotes.
pub(crate) fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(
            byte,
            b'"' | b'\'' | b'`' | b';' | b',' | b'<' | b'>' | b'{' | b'}' | b')' | b']' | b'\\'
        )
        || byte >= 0x80
}

/// Whether a letter, digit or hyphen stands there.
pub(crate) fn is_name_part(byte: u8) -> bool {
    ALNUM.has(byte) || matches!(byte, b'_' | b'-')
}
