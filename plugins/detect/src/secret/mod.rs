//! Finds secrets in a text: keys of providers by their formats, private keys, tokens, passwords in connection strings, and
//! random values beside a word such as `password`.
//!
//! A text is read once for long runs of letters and digits, where every key of a machine is, and once for `=`, `:` and
//! `>`, where names have their values. Both passes only look closely where something stands. A value that is random and
//! has no such name is not a secret: hashes and ids are random too.

mod assignment;
mod class;
mod context;
mod format;
mod formats;
mod name;
mod pem;
mod provider;
mod quality;
mod run;
mod spoken;
mod structure;
mod url;
mod words;

#[cfg(test)]
mod tests;

pub use name::is_credential_name;

/// A secret in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What it is: `github-token`, `private-key`, `password`.
    pub kind: &'static str,
    /// Where it begins and ends, in bytes.
    pub start: usize,
    /// The byte after its last one.
    pub end: usize,
    /// How sure that is.
    pub confidence: Confidence,
}

/// How sure a secret is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// The value is random and its name says that it is a credential.
    Probable,
    /// The value has the form of a key.
    Sure,
}

/// A credential that only its name and its randomness tell.
const CREDENTIAL: &str = "credential";
/// A password that only its name tells.
const PASSWORD: &str = "password";

/// The kinds that have no row among the formats.
const OTHER_KINDS: &[&str] = &[
    CREDENTIAL,
    PASSWORD,
    "private-key",
    "jwt",
    "basic-auth",
    "url-password",
    "password-hash",
    "slack-webhook",
    "discord-webhook",
    "teams-webhook",
    "zapier-webhook",
    "make-webhook",
    "telegram-token",
    "mailchimp-key",
    "terraform-token",
    "azure-client-secret",
    "discord-token",
    "facebook-token",
    "salesforce-token",
    "maxmind-key",
    "firebase-server-key",
];

/// All kinds, sorted.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<_> = formats::FORMATS
        .iter()
        .map(|format| format.kind)
        .chain(structure::MARKS.iter().map(|mark| mark.kind))
        .chain(OTHER_KINDS.iter().copied())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Adds the secrets of the text to `found`, in the order of the text. They do not overlap.
pub fn scan(text: &str, found: &mut Vec<Secret>) {
    let before = found.len();
    let bytes = text.as_bytes();
    run::scan(bytes, found);
    assignment::scan(bytes, found);
    spoken::scan(bytes, found);
    if found.len() > before {
        settle(text, before, found);
    }
}

/// The secret that the value of a member with this name is, where the text itself has none.
pub fn member(name: &str, value: &str) -> Option<Secret> {
    context::member(name.as_bytes(), value.as_bytes())
}

/// The length of the marks with which a value begins: what a mark stands for is not masked again.
fn marks(value: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = value[at..].strip_prefix(b"[secret~") {
        let kind = rest.iter().take_while(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'-'
        });
        let end = kind.count();
        if rest.get(end) != Some(&b']') {
            break;
        }
        at += b"[secret~".len() + end + 1;
    }
    at
}

/// Sorts what was found from `from` on, and keeps one of those that overlap: the surer, else the longer.
fn settle(text: &str, from: usize, found: &mut Vec<Secret>) {
    for secret in &mut found[from..] {
        secret.start += marks(&text.as_bytes()[secret.start..secret.end]);
    }
    found[from..].sort_unstable_by_key(|secret| {
        (
            secret.start,
            std::cmp::Reverse((secret.confidence, secret.end)),
        )
    });
    let mut kept = from;
    for index in from..found.len() {
        let secret = found[index];
        let is_whole = text.is_char_boundary(secret.start) && text.is_char_boundary(secret.end);
        if !is_whole || secret.start >= secret.end {
            continue;
        }
        if kept > from && found[kept - 1].end > secret.start {
            let last = &mut found[kept - 1];
            let is_better = (secret.confidence, secret.end - secret.start)
                > (last.confidence, last.end - last.start);
            let end = last.end.max(secret.end);
            if is_better {
                last.kind = secret.kind;
                last.confidence = secret.confidence;
            }
            // What either covers is hidden.
            last.end = end;
            continue;
        }
        found[kept] = secret;
        kept += 1;
    }
    found.truncate(kept);
}
