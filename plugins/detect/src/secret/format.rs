//! Holds a text against the formats of providers.

use super::class::{ALNUM, ANY_HEX, BASE64, DIGIT, DOTTED_TILDE, HEX, UPPER, WORD};
use super::formats::{Check, Format, beginning};
use super::name::provider_before;
use super::quality::{Census, is_placeholder, oddness, says_placeholder};
use super::{Confidence, Secret, structure};

/// The key that begins at `at`.
pub(crate) fn at(bytes: &[u8], at: usize) -> Option<Secret> {
    let rest = bytes.get(at..)?;
    let [first, second, ..] = *rest else {
        return None;
    };
    for format in beginning(first) {
        if format.prefix[1] != second || !rest.starts_with(format.prefix) {
            continue;
        }
        if let Some(length) = length(format, bytes, at) {
            return Some(Secret {
                kind: format.kind,
                start: at,
                end: at + length,
                confidence: Confidence::Sure,
            });
        }
    }
    None
}

/// How long the key of that format is, where one begins at `at`.
fn length(format: &Format, bytes: &[u8], at: usize) -> Option<usize> {
    let start = at + format.prefix.len();
    let mut length = format.alphabet.span(bytes, start, format.most + 1);
    // A full stop ends a sentence.
    while length > 0 && bytes[start + length - 1] == b'.' {
        length -= 1;
    }
    if !(format.least..=format.most).contains(&length) {
        return None;
    }
    let end = start + length;
    if is_file(&bytes[end..]) {
        return None;
    }
    let goes_on = bytes
        .get(end)
        .is_some_and(|next| ALNUM.has(*next) || *next == b'_');
    if goes_on {
        return None;
    }
    let body = &bytes[start..end];
    holds(format, &bytes[..end], at, body).then_some(end - at)
}

/// Whether the ending of a file's name follows.
fn is_file(rest: &[u8]) -> bool {
    let ending = match rest {
        [b'.', ending @ ..] => ending,
        _ => return false,
    };
    [
        b"png" as &[u8],
        b"jpg",
        b"svg",
        b"gif",
        b"js",
        b"css",
        b"html",
        b"webp",
        b"ico",
    ]
    .iter()
    .any(|name| ending.starts_with(name))
}

/// Whether the text at `at` begins with a prefix that only keys have.
pub(crate) fn has_prefix(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at..];
    rest.first().is_some_and(|first| {
        beginning(*first).iter().any(|format| {
            let prefix = format.prefix;
            prefix.len() >= 4
                && rest.starts_with(prefix)
                && prefix.iter().any(u8::is_ascii_alphabetic)
                && matches!(prefix.last(), Some(b'_' | b'-' | b'.'))
                && !matches!(
                    prefix,
                    b"live_"
                        | b"test_"
                        | b"secret_"
                        | b"secret-"
                        | b"token-"
                        | b"phrase_"
                        | b"key-"
                        | b"api-"
                        | b"API-"
                        | b"sdk-"
                        | b"console-"
                        | b"pat."
                        | b"sat."
                )
        })
    })
}

/// Whether the check of the format holds. `bytes` end with the key, which begins at `at`.
fn holds(format: &Format, bytes: &[u8], at: usize, body: &[u8]) -> bool {
    if format.check == Check::Whole {
        return true;
    }
    let is_empty = match format.check {
        // Numbers of teams repeat.
        Check::Slack => says_placeholder(body),
        _ => is_placeholder(body),
    };
    if is_empty {
        return false;
    }
    let census = Census::of(body);
    let odd = oddness(body);
    let is_random = odd >= 12 && (census.digits > 0 || odd >= 26);
    match format.check {
        Check::Whole => true,
        Check::Odd => is_random,
        Check::Mixed => is_random && census.lower > 0 && census.upper > 0 && census.digits > 0,
        Check::Digits => is_random && census.digits > 1,
        Check::Aws => odd >= 20 || census.digits > 1,
        Check::Github => is_random || structure::has_crc(&bytes[at..], format.prefix.len()),
        Check::Slack => {
            census.digits >= 8
                && body.split(|byte| *byte == b'-').any(|part| {
                    part.len() >= 10 && {
                        let census = Census::of(part);
                        census.letters() > 0 || census.digits >= 10
                    }
                })
                && census.letters() > 0
        }
        Check::Stripe => census.letters() > 1 && census.digits > 0 && odd >= 18,
        Check::Anthropic => is_random && bytes.ends_with(b"AA"),
        Check::Openai => is_random && census.upper + census.lower > 8,
        Check::OnePassword => {
            let mut groups = body.split(|byte| *byte == b'-').map(<[u8]>::len);
            census.digits > 1
                && groups.next() == Some(6)
                && matches!(groups.next(), Some(6 | 11))
                && groups.all(|length| length == 5)
        }
        Check::Airtable => {
            body.get(14) == Some(&b'.')
                && ALNUM.span(body, 0, 99) == 14
                && HEX.span(body, 15, 99) == 64
        }
        Check::Clickup => {
            let number = DIGIT.span(body, 0, 20);
            (6..=12).contains(&number) && body.get(number) == Some(&b'_') && census.upper > 8
        }
        Check::Notion => DIGIT.span(body, 0, 46) >= 11,
        Check::Harness => {
            let mut parts = body.split(|byte| *byte == b'.').map(<[u8]>::len);
            matches!(parts.next(), Some(22)) && parts.next() == Some(24) && parts.next() == Some(20)
        }
        Check::Okta => is_random && census.upper > 0 && provider_before(bytes, at).is_some(),
        Check::Octopus => {
            census.digits > 2
                && census.upper > 4
                && odd >= 30
                && !(body.len() == 32 && ANY_HEX.span(body, 0, 99) == 32)
        }
        Check::Vault => census.digits > 1 && census.upper > 2 && census.lower > 2 && odd >= 28,
        Check::Rancher => body.contains(&b':') && is_random,
    }
}

/// The key that a run of letters and digits is, by its length or by what stands before it.
pub(crate) fn by_structure(bytes: &[u8], start: usize, end: usize) -> Option<Secret> {
    let run = &bytes[start..end];
    let found = |kind, start, end| {
        Some(Secret {
            kind,
            start,
            end,
            confidence: Confidence::Sure,
        })
    };
    if let Some(mark) = structure::MARKS.iter().find(|mark| {
        // Base64 has characters that end a run: its whole length is looked at only where the mark is.
        run.len() >= mark.at + mark.mark.len()
            && run[mark.at..].starts_with(mark.mark)
            && (mark.length.0..=mark.length.1).contains(&BASE64.and(WORD).span(bytes, start, 99))
    }) {
        return found(
            mark.kind,
            start,
            start + BASE64.and(WORD).span(bytes, start, 99),
        );
    }
    let from = start - DOTTED_TILDE.span_before(bytes, start, 40);
    if let [_, _, _, b'0'..=b'9', b'Q', b'~', value @ ..] = &bytes[from..end] {
        let length = DOTTED_TILDE.span(bytes, from, 60);
        if (37..=40).contains(&length) && !is_placeholder(value) {
            return found("azure-client-secret", from, from + length);
        }
    }
    let before = &bytes[start.saturating_sub(24)..start];
    match before.last() {
        // Three parts of which the second is a time and the third is random.
        _ if matches!(run.first(), Some(b'M' | b'N' | b'O'))
            && (24..=28).contains(&run.len())
            && bytes.get(end) == Some(&b'.')
            && WORD.span(bytes, end + 1, 9) == 6
            && bytes.get(end + 7) == Some(&b'.') =>
        {
            let last = WORD.span(bytes, end + 8, 60);
            (27..=42)
                .contains(&last)
                .then(|| found("discord-token", start, end + 8 + last))?
        }
        Some(b':') => {
            let number = DIGIT.span_before(before, before.len() - 1, 12);
            let from = start - 1 - number;
            let is_token =
                (8..=10).contains(&number) && (34..=36).contains(&run.len()) && oddness(run) > 20;
            is_token.then(|| found("telegram-token", from, end))?
        }
        Some(b'|') => {
            let number = DIGIT.span_before(before, before.len() - 1, 17);
            let is_token = (15..=16).contains(&number) && run.len() == 27 && oddness(run) > 20;
            is_token.then(|| found("facebook-token", start - 1 - number, end))?
        }
        Some(b'.') if before.ends_with(b".atlasv1.") => {
            let from = start - 9 - ALNUM.span_before(bytes, start - 9, 20);
            let is_token = run.len() >= 60 && !is_placeholder(run) && start - 9 - from == 14;
            is_token.then(|| found("terraform-token", from, end))?
        }
        // MaxMind ends its keys with its own letters.
        _ if run.len() == 40
            && run.ends_with(b"_mmk")
            && run[6] == b'_'
            && ALNUM.span(run, 7, 40) == 29 =>
        {
            found("maxmind-key", start, end)
        }
        _ if matches!(run.iter().position(|byte| *byte == b'-'), Some(1..=3))
            && run.len() >= 66 =>
        {
            // A number and sixty-four letters and digits.
            let number = DIGIT.span(run, 0, 4);
            let is_key = run.get(number) == Some(&b'-')
                && run.len() == number + 65
                && ALNUM.span(run, number + 1, 65) == 64
                && oddness(run) > 20;
            is_key.then(|| found("truenas-key", start, end))?
        }
        _ => {
            // A hash in hexadecimal and the name of a data centre.
            let (hash, centre) = run.split_at_checked(32)?;
            let is_key = run.len() <= 37
                && HEX.span(hash, 0, 32) == 32
                && centre.strip_prefix(b"-us").is_some_and(|number| {
                    !number.is_empty() && DIGIT.span(number, 0, 9) == number.len()
                })
                && !is_placeholder(hash);
            is_key.then(|| found("mailchimp-key", start, end))?
        }
    }
}

/// Keys whose first part a run is, and whose second part follows after a mark: sessions of Salesforce
/// (`00D…!…`), server keys of Firebase (`AAAA…:…`).
pub(crate) fn session(bytes: &[u8], start: usize, end: usize) -> Option<Secret> {
    let run = &bytes[start..end];
    let (kind, alphabet, least) = match bytes.get(end)? {
        b'!' if run.starts_with(b"00D") && (15..=18).contains(&run.len()) => {
            ("salesforce-token", DOTTED_TILDE, 60)
        }
        b':' if run.starts_with(b"AAAA") && run.len() == 11 => ("firebase-server-key", WORD, 120),
        _ => return None,
    };
    let length = alphabet.span(bytes, end + 1, 300);
    (length >= least).then_some(Secret {
        kind,
        start,
        end: end + 1 + length,
        confidence: Confidence::Sure,
    })
}

/// Addresses that are a secret as a whole, by what they contain.
const WEBHOOKS: &[(&[u8], &str)] = &[
    (b"hooks.slack.com/", "slack-webhook"),
    (b"/api/webhooks/", "discord-webhook"),
    (b"webhook.office.com/", "teams-webhook"),
    (b"outlook.office.com/webhook/", "teams-webhook"),
    (b"hooks.zapier.com/hooks/", "zapier-webhook"),
    (b"hook.make.com/", "make-webhook"),
];

/// The webhook whose last part the run is.
pub(crate) fn webhook(bytes: &[u8], start: usize, end: usize) -> Option<Secret> {
    let from = start.saturating_sub(160);
    let before = &bytes[from..start];
    if before.last() != Some(&b'/') || end - start < 16 {
        return None;
    }
    let begin = before
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'`'))
        .map_or(0, |at| at + 1);
    let address = &before[begin..];
    let (at, kind) = WEBHOOKS.iter().find_map(|(part, kind)| {
        let at = address
            .windows(part.len())
            .position(|window| window == *part)?;
        Some((at + part.len(), *kind))
    })?;
    let run = &bytes[start..end];
    (!is_placeholder(run) && UPPER.and(DIGIT).span(run, 0, 1) + oddness(run) as usize > 15)
        .then_some(Secret {
            kind,
            start: from + begin + at,
            end,
            confidence: Confidence::Sure,
        })
}
