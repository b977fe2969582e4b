//! The settings, and what is made of them.

use sandgate_detect::secret::{self, Confidence, Secret};
use sandgate_sdk::{Issues, glob_matches};
use sha2::{Digest, Sha256};

/// Which secrets are looked for, and what happens to them.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The kinds that are looked for, such as `github-token`, with the wildcards `*` and `?`; all unless set.
    #[cfg_attr(test, schemars(length(min = 1), inner(length(min = 1))))]
    pub(crate) kinds: Vec<String>,
    /// Kinds that are left out, with the wildcards `*` and `?`.
    #[cfg_attr(test, schemars(inner(length(min = 1))))]
    pub(crate) without: Vec<String>,
    /// What happens to a call whose arguments carry a secret with the form of a key. An argument that is meant for a
    /// credential, by its name or its schema, is recorded where this says `refuse`.
    pub(crate) arguments: Outgoing,
    /// What happens to a call whose arguments carry a random value that only its name makes a secret, as in
    /// `password = …`.
    pub(crate) probable_arguments: Outgoing,
    /// What happens to a secret in what servers send.
    pub(crate) results: Incoming,
    /// Whether a random value beside a word such as `password` is a secret. Without it only values with the form of a key
    /// are.
    pub(crate) entropy: bool,
    /// What happens to a call whose arguments carry a mark of this policy.
    pub(crate) returned: Returned,
    /// Exceptions. What fits every key of an entry stays as it is.
    pub(crate) allow: Vec<Exception>,
}

/// What happens to a secret that would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outgoing {
    Refuse,
    Record,
    Pass,
}

/// What happens to a secret that a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Incoming {
    Mask,
    Refuse,
    Record,
    Pass,
}

/// What happens to a call that brings a mark back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Returned {
    Refuse,
    Pass,
}

/// An exception as the operator writes it.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    /// Tools: `SERVER/NAME` with the wildcards `*` and `?`. A name is that of a tool or prompt, or the URI of a resource.
    #[serde(default)]
    #[cfg_attr(test, schemars(regex(pattern = r"^(\*|[^/]+/.+)$")))]
    tool: Option<String>,
    /// An argument: the name of a member, or a JSON Pointer into the arguments, with wildcards. With it, results are no
    /// part of the exception.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(min = 1)))]
    argument: Option<String>,
    /// A kind, with wildcards.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(min = 1)))]
    kind: Option<String>,
    /// The SHA-256 of a value that is known to be harmless, in hexadecimal.
    #[serde(default)]
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9a-fA-F]{64}$")))]
    sha256: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kinds: vec!["*".into()],
            without: Vec::new(),
            arguments: Outgoing::Refuse,
            probable_arguments: Outgoing::Record,
            results: Incoming::Mask,
            entropy: true,
            returned: Returned::Refuse,
            allow: Vec::new(),
        }
    }
}

/// What is looked for, and what stays.
pub(crate) struct Wanted {
    /// The kinds that are not looked for. Most operators leave out few.
    left_out: Vec<&'static str>,
    pub(crate) kinds: Vec<&'static str>,
    entropy: bool,
    exceptions: Vec<Rule>,
}

struct Rule {
    written: Exception,
    hash: Option<[u8; 32]>,
}

/// Where a secret stands, for exceptions.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// `SERVER/NAME`. `None` for a URI without a canonical form: only exceptions for every target are for it.
    pub(crate) target: Option<&'a str>,
    /// Name and pointer of an argument. `None` in a result.
    pub(crate) argument: Option<(&'a str, &'a str)>,
}

impl Settings {
    /// What is looked for. The error lists everything that is wrong.
    pub(crate) fn checked(&mut self) -> Result<Wanted, Issues> {
        let mut issues = Issues::new();
        let all = secret::kinds();
        if self.kinds.is_empty() {
            issues.add(
                "/kinds",
                "empty: nothing would be looked for; leave it out for everything",
            );
        }
        for (list, globs) in [("kinds", &self.kinds), ("without", &self.without)] {
            for (index, glob) in globs.iter().enumerate() {
                unknown(&all, glob, &format!("/{list}/{index}"), &mut issues);
            }
        }
        let fits = |globs: &[String], kind: &str| globs.iter().any(|glob| glob_matches(glob, kind));
        let left_out: Vec<_> = all
            .iter()
            .copied()
            .filter(|kind| !fits(&self.kinds, kind) || fits(&self.without, kind))
            .collect();
        if left_out.len() == all.len() && !self.without.is_empty() {
            issues.add(
                "/without",
                "leaves nothing to look for; remove the interceptor instead",
            );
        }
        let mut exceptions = Vec::new();
        for (index, written) in std::mem::take(&mut self.allow).into_iter().enumerate() {
            let at = |member: &str| format!("/allow/{index}{member}");
            if let Some(tool) = written
                .tool
                .as_deref()
                .filter(|tool| *tool != "*" && !tool.contains('/'))
            {
                issues.add(
                    at("/tool"),
                    format!(
                        "{tool:?} is not \"SERVER/NAME\" or \"*\"; for any server: \"*/{tool}\""
                    ),
                );
            }
            if let Some(kind) = &written.kind {
                unknown(&all, kind, &at("/kind"), &mut issues);
            }
            let hash = written.sha256.as_deref().map(hash);
            if hash == Some(None) {
                issues.add(at("/sha256"), "is not 64 hexadecimal digits");
            }
            let is_narrow = written.argument.is_some()
                || written.sha256.is_some()
                || written.tool.as_deref().is_some_and(|tool| tool != "*")
                || written.kind.as_deref().is_some_and(|kind| kind != "*");
            if !is_narrow {
                issues.add(
                    at(""),
                    "would let everything pass; remove the interceptor instead",
                );
            }
            exceptions.push(Rule {
                written,
                hash: hash.flatten(),
            });
        }
        issues.or(Wanted {
            kinds: all,
            left_out,
            entropy: self.entropy,
            exceptions,
        })
    }
}

/// Adds an issue where no kind fits the glob.
fn unknown(all: &[&str], glob: &str, pointer: &str, issues: &mut Issues) {
    if all.iter().any(|kind| glob_matches(glob, kind)) {
        return;
    }
    let word = glob.split(['-', '*', '?']).next().unwrap_or_default();
    let near: Vec<_> = all
        .iter()
        .filter(|kind| !word.is_empty() && kind.starts_with(word))
        .copied()
        .collect();
    let hint = match near.is_empty() {
        true => "the README lists them".to_owned(),
        false => format!("there are {}", near.join(", ")),
    };
    issues.add(pointer, format!("{glob:?} fits no kind; {hint}"));
}

/// The bytes of a SHA-256 in hexadecimal.
fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

impl Wanted {
    /// Whether the kind is looked for at all.
    pub(crate) fn has(&self, secret: &Secret) -> bool {
        (self.entropy || secret.confidence == Confidence::Sure)
            && (self.left_out.is_empty() || self.left_out.binary_search(&secret.kind).is_err())
    }

    /// Whether the operator lets the value pass there.
    pub(crate) fn allows(&self, secret: &Secret, value: &str, place: Place) -> bool {
        let is_there = |glob: &str| match place.target {
            Some(target) => glob_matches(glob, target),
            None => glob == "*",
        };
        let is_so = |glob: &str| glob_matches(glob, secret.kind);
        self.exceptions.iter().any(|Rule { written, hash }| {
            let in_argument = match (&written.argument, place.argument) {
                (None, _) => true,
                (Some(glob), Some((name, pointer))) => {
                    glob_matches(glob, name) || glob_matches(glob, pointer)
                }
                (Some(_), None) => false,
            };
            in_argument
                && written.tool.as_deref().is_none_or(is_there)
                && written.kind.as_deref().is_none_or(is_so)
                && hash.is_none_or(|hash| <[u8; 32]>::from(Sha256::digest(value)) == hash)
        })
    }
}
