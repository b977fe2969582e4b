//! Explains a refusal: what the operator would write to allow the call.

use list_kind::Kind;
use sandgate_sdk::{Explanation, because};
use serde_json::json;

use crate::rules::{Caller, Rule};
use crate::usage;

/// The longest name in an explanation, in bytes.
const LONGEST: usize = 512;

/// The explanation: which rule decided, and which entry it lacks.
pub(crate) fn of(
    rules: &[Rule],
    caller: &Caller,
    server: &str,
    kind: Kind,
    target: Option<&str>,
) -> Explanation {
    let deciding = caller.deciding(rules);
    let told = match deciding {
        Some(index) => because(format!("rule {} does not allow it", index + 1)),
        None => because("no rule fits the caller"),
    };
    let told = told.taken_for(usage::role(kind));
    let named = target.and_then(|target| match kind {
        Kind::Resources | Kind::Templates => without_secrets(target),
        // A name with a wildcard would allow others too.
        Kind::Tools | Kind::Prompts => (!target.contains(['*', '?'])).then(|| target.to_owned()),
    });
    let Some(named) = named.filter(|named| named.len() <= LONGEST) else {
        return told.decided_by("/rules");
    };
    let entry = format!("{server}/{named}");
    match deciding {
        Some(index) => told.allowed_by(format!("/rules/{index}/allow/-"), entry),
        // An entry for a name with a wildcard in it would fit other callers too.
        None => match caller.named() {
            Some(who) => told.allowed_by("/rules/-", json!({ "who": [who], "allow": [entry] })),
            None => told.decided_by("/rules"),
        },
    }
}

/// A glob for the URI. It replaces with `*` what may be a secret of the caller: user and password, query and fragment.
/// Of a template it replaces everything from the first variable on. `None` where the URI has no scheme, or a `*`
/// of its own.
fn without_secrets(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let end = rest.find(['?', '#', '{']);
    let known = &rest[..end.unwrap_or(rest.len())];
    if known.contains('*') {
        return None;
    }
    let known = match known.strip_prefix("//").map(|known| {
        let authority = known.find('/').unwrap_or(known.len());
        known[..authority].rfind('@').map(|at| &known[at..])
    }) {
        Some(Some(behind)) => format!("//*{behind}"),
        _ => known.to_owned(),
    };
    let star = if end.is_some() { "*" } else { "" };
    Some(format!("{scheme}:{known}{star}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_a_star() {
        for (uri, glob) in [
            ("file:///a/b", "file:///a/b"),
            ("https://u:p@host/a?token=x", "https://*@host/a*"),
            ("https://host#x", "https://host*"),
            ("note:a@b", "note:a@b"),
            ("file:///logs/{day}", "file:///logs/*"),
        ] {
            assert_eq!(without_secrets(uri).as_deref(), Some(glob));
            assert!(sandgate_sdk::glob_matches(glob, uri), "{uri}");
        }
    }
}
