//! Rules of `[servers.NAME.secrets]` that no schema can state.

use super::amount::Period;
use super::issue::Issue;
use super::rule::wrong;
use super::scalar::{Mistake, Scalar};
use super::server;
use super::server_secret::{InjectHost, ServerSecret};
use super::tree::{Entry, Table};
use super::variable;
use super::wording::named;
use crate::contained::is_contained;
use crate::url::Url;

/// Headers of a request that are not a value's place: they say where it goes, how long it is, or what becomes of the
/// connection.
const NOT_THESE: [&str; 6] = [
    "cookie",
    "expect",
    "forwarded",
    "proxy-authorization",
    "proxy-connection",
    "range",
];

/// Checks the secrets of a server whose program the gateway starts.
pub(crate) fn check(server: &str, table: &Table, issues: &mut Vec<Issue>) {
    for (name, entry) in table.table("secrets").into_iter().flatten() {
        let Some(secret) = entry.table() else {
            continue;
        };
        let place = named(&format!("/servers/{server}/secrets/{}", name.name));
        let error = |span: std::ops::Range<usize>, why: String, help: &str| {
            Issue::error(Some(span), why).help(help.to_owned())
        };
        // A file may have the name, too.
        variable::check(name, true, issues);
        let sources: Vec<_> = ServerSecret::SOURCES
            .iter()
            .filter_map(|key| secret.member(key))
            .collect();
        let help =
            "write one of `from-env`, `from-file`, `from-command`, `from-vault` and `from-age`";
        match sources.as_slice() {
            [_] => {}
            [] => issues.push(error(
                name.span.clone(),
                format!("{place} comes from nowhere"),
                help,
            )),
            [_, (second, _), ..] => {
                issues.push(error(
                    second.span.clone(),
                    format!("{place} comes from several places"),
                    help,
                ));
            }
        }
        let give = secret.get("give").and_then(Entry::text).unwrap_or_default();
        if matches!(give, "inject" | "file") && !is_contained(table) {
            let why = format!("{place} is given by `{give}`, and the server is not contained");
            let help = "add contain = true; unconfined, the server and whatever else runs as you could read it";
            issues.push(error(name.span.clone(), why, help));
        }
        if give == "env" && table.get("image").is_some() {
            let why = format!(
                "{place} is given by `env`, and a container's variables lie in files of its engine, on the disk"
            );
            let help = "write give = \"file\", or \"inject\"";
            issues.push(error(name.span.clone(), why, help));
        }
        let variable = match give {
            "file" => format!("{}_FILE", name.name),
            _ => name.name.clone(),
        };
        if let Some((key, _)) = table.table("env").and_then(|env| env.member(&variable)) {
            let why = format!("{place} sets the variable {variable:?}, which `env` sets too");
            issues.push(error(key.span.clone(), why, "take one of them out"));
        }
        if let Some((value, ttl)) = secret
            .get("ttl")
            .and_then(|v| Some((v, Period::read(v.text()?).ok()?)))
            && ttl < Period::secs(1)
        {
            let mistake = Mistake::new("is too short", "write at least \"1s\"");
            issues.push(wrong(
                value.span.clone(),
                format!("`ttl` of {place}"),
                mistake,
            ));
        }
        if let Some(vault) = secret.table("from-vault") {
            check_vault(&place, vault, issues);
        }
        if give == "inject" {
            check_inject(&place, name.span.clone(), table, secret, issues);
        } else if !give.is_empty() {
            for (key, _) in ServerSecret::INJECT
                .iter()
                .filter_map(|key| secret.member(key))
            {
                let why = format!(
                    "{place} has `{}`, which goes with give = \"inject\"",
                    key.name
                );
                issues.push(error(key.span.clone(), why, "leave it out"));
            }
        }
    }
}

fn check_inject(
    place: &str,
    span: std::ops::Range<usize>,
    server_table: &Table,
    secret: &Table,
    issues: &mut Vec<Issue>,
) {
    for (key, example) in [
        ("header", "\"Authorization\""),
        ("hosts", "[\"api.github.com\"]"),
    ] {
        if secret.get(key).is_none() {
            let why = format!("{place} is given by `inject` and has no `{key}`");
            issues
                .push(Issue::error(Some(span.clone()), why).help(format!("add {key} = {example}")));
        }
    }
    if server_table.get("egress").is_none() {
        let why = format!(
            "{place} is given by `inject`, and the server has no `egress`: it reaches no host"
        );
        issues.push(
            Issue::error(Some(span), why).help("add `egress` with the hosts that it may reach"),
        );
    }
    if let Some((entry, text)) = text(secret, "header") {
        let mut judged = server::check_header(text);
        if NOT_THESE
            .iter()
            .any(|other| text.eq_ignore_ascii_case(other))
        {
            let help =
                "use the header that the host reads a key from, for example \"Authorization\"";
            judged = Err(Mistake::new("is no header for a value", help));
        }
        if let Err(mistake) = judged {
            issues.push(wrong(
                entry.span.clone(),
                format!("the header {text:?}"),
                mistake,
            ));
        }
    }
    if let Some((entry, text)) = text(secret, "format")
        && (text.matches("{}").count() != 1 || http::HeaderValue::from_str(text).is_err())
    {
        let help =
            "write the header's text with one `{}` where the value is, for example \"Bearer {}\"";
        let mistake = Mistake::new("is no header with one `{}`", help);
        issues.push(wrong(
            entry.span.clone(),
            format!("`format` of {place}"),
            mistake,
        ));
    }
    for (entry, text) in texts(secret, "methods") {
        let is_method = text.bytes().all(|byte| byte.is_ascii_uppercase()) && !text.is_empty();
        if !is_method || ["TRACE", "CONNECT"].contains(&text) {
            let mistake = Mistake::new(
                "is no method that a value goes with",
                "write \"GET\", \"POST\" and the like",
            );
            issues.push(wrong(entry.span.clone(), format!("{text:?}"), mistake));
        }
    }
    for (entry, text) in texts(secret, "paths") {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"%?#\\*".contains(&byte);
        let fixed = text.strip_suffix('*').unwrap_or(text);
        let steps = fixed.split('/').any(|part| [".", ".."].contains(&part));
        if !fixed.starts_with('/') || !fixed.bytes().all(plain) || steps || fixed.contains("//") {
            let help = "begin with `/`; `*` stands at the end alone, for example \"/repos/*\"";
            let mistake = Mistake::new("is no path", help);
            issues.push(wrong(entry.span.clone(), format!("{text:?}"), mistake));
        }
    }
    let mut seen = Vec::new();
    for (entry, text) in texts(secret, "hosts") {
        let Ok(host) = InjectHost::read(text) else {
            continue;
        };
        if seen.contains(&host) {
            let mistake = Mistake::new("is there twice", "take one out");
            issues.push(wrong(entry.span.clone(), format!("{text:?}"), mistake));
        }
        seen.push(host);
    }
}

fn check_vault(place: &str, vault: &Table, issues: &mut Vec<Issue>) {
    if let Some((entry, url)) =
        text(vault, "address").and_then(|(entry, text)| Some((entry, Url::read(text).ok()?)))
    {
        let host = url.0.host().unwrap_or_default();
        let is_own = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
        if url.0.scheme_str() == Some("http") && !is_own {
            let help = "write https://; the token and the value would be read on the way";
            let mistake = Mistake::new("is http to another machine", help);
            issues.push(wrong(
                entry.span.clone(),
                format!("`address` of {place}"),
                mistake,
            ));
        }
    }
    for key in ["mount", "path"] {
        if let Some((entry, text)) = text(vault, key) {
            let plain = |part: &str| {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
                !part.is_empty() && part.bytes().all(fits) && ![".", ".."].contains(&part)
            };
            if !text.split('/').all(plain) {
                let help =
                    "write names with `/` between them, without `data/`: path = \"mcp/github\"";
                let mistake = Mistake::new("is no path of a store", help);
                issues.push(wrong(
                    entry.span.clone(),
                    format!("`{key}` of {place}"),
                    mistake,
                ));
            }
        }
    }
    if let Some((key, token)) = vault.member("token")
        && token
            .table()
            .is_some_and(|token| token.into_iter().count() != 1)
    {
        let help = "write { from-env = \"VAULT_TOKEN\" } or { from-file = \"path\" }";
        let mistake = Mistake::new("names no single source", help);
        issues.push(wrong(
            key.span.clone(),
            format!("`token` of {place}"),
            mistake,
        ));
    }
}

fn text<'a>(table: &'a Table, key: &str) -> Option<(&'a Entry, &'a str)> {
    let entry = table.get(key)?;
    Some((entry, entry.text()?))
}

fn texts<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = (&'a Entry, &'a str)> {
    let list = table.get(key).and_then(Entry::list).into_iter().flatten();
    list.filter_map(|entry| Some((entry, entry.text()?)))
}
