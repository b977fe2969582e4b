//! Checks what no schema can say of `[authorization]`.

use sandgate_text::suggest;

use super::issue::Issue;
use super::rule::is_true;
use super::scalar::Scalar as _;
use super::server::is_loopback;
use super::server_rules::forwarding;
use super::tree::{Entry, Table};
use super::view::Target;
use super::wording::named;

/// Checks what no schema can say of `[authorization]`.
pub(crate) fn check(tree: &Table, authorization: &Entry, issues: &mut Vec<Issue>) {
    let Some(table) = authorization.table() else {
        return;
    };
    let public = tree
        .table("gateway")
        .and_then(|gateway| gateway.get("public-url"));
    if table.get("resource").is_none() && public.is_none() {
        let why = "`authorization` does not say which address tokens are meant for";
        let issue = Issue::error(Some(authorization.span.clone()), why);
        issues.push(issue.help(
            "add `resource = \"https://mcp.example.com\"` to it, or `public-url` to [gateway]: the address that clients use",
        ));
    }
    check_issuers(table, issues);
    if let Some(scopes) = table.table("scopes") {
        check_scopes(tree, scopes, issues);
    }
    for (name, key) in forwarding(tree.table("servers")) {
        let place = named(&format!("/servers/{}/forward-authorization", name.name));
        let why = format!(
            "{place} cannot be `true` where there is [authorization]: the token is meant for the gateway, and no server \
             may get it"
        );
        issues.push(Issue::error(Some(key.span.clone()), why).help(
            "leave it out, and give the gateway's own credentials in the server's `headers`",
        ));
    }
}

fn check_issuers(table: &Table, issues: &mut Vec<Issue>) {
    let issuers = table.get("issuers").and_then(Entry::list).unwrap_or(&[]);
    if let (Some(value), true) = (table.get("issuers"), issuers.is_empty()) {
        let issue = Issue::error(Some(value.span.clone()), "`authorization.issuers` is empty");
        issues.push(issue.help("add an issuer: [[authorization.issuers]] with its `issuer`"));
    }
    let tables: Vec<&Table> = issuers.iter().filter_map(Entry::table).collect();
    let text =
        |table: &Table, key: &str| -> Option<String> { Some(table.get(key)?.text()?.to_owned()) };
    let mut asked = false;
    for (index, (issuer, entry)) in tables.iter().zip(issuers).enumerate() {
        let place = named(&format!("/authorization/issuers/{index}"));
        let span = |key: &str| {
            issuer
                .get(key)
                .map_or(entry.span.clone(), |value| value.span.clone())
        };
        let mut report = |key: &str, why: String, help: &str| {
            issues.push(Issue::error(Some(span(key)), why).help(help.to_owned()));
        };
        let own = text(issuer, "issuer");
        let before = &tables[..index];
        if own.is_some() && before.iter().any(|one| text(one, "issuer") == own) {
            report(
                "issuer",
                format!("{place} is the same issuer as one before it"),
                "keep one of them",
            );
        }
        let loopback = issuer.get("loopback-http").is_some_and(is_true);
        let introspection = issuer.table("introspection");
        let endpoint = introspection.and_then(|table| text(table, "endpoint"));
        for (key, url) in [
            ("issuer", own.clone()),
            ("jwks-uri", text(issuer, "jwks-uri")),
            ("introspection", endpoint),
        ] {
            let Some(url) = url.filter(|url| url.starts_with("http://")) else {
                continue;
            };
            let own = url.parse().is_ok_and(|url| is_loopback(&url));
            if !(loopback && own) {
                report(
                    key,
                    format!(
                        "{place} is reached by http, where anybody on the way may answer in its place"
                    ),
                    "write https; for development, an issuer on this machine may have `loopback-http = true`",
                );
            }
        }
        let prefix = |table: &Table| text(table, "prefix").unwrap_or_default();
        let own = prefix(issuer);
        let fits = |c: char| c.is_alphanumeric() || "-_.@+|:/=~".contains(c);
        if own.len() > 64 || !own.chars().all(fits) {
            report(
                "prefix",
                format!("the prefix {own:?} of {place} cannot be used"),
                "use letters, digits and any of `-_.@+|:/=~`, at most 64",
            );
        }
        let clash = |other: &&&Table| {
            let other = prefix(other);
            other.starts_with(&own) || own.starts_with(&other)
        };
        if let Some(other) = before.iter().find(clash) {
            report(
                "prefix",
                format!(
                    "{place} and {:?} can name one client: the one's `prefix` begins with the other's",
                    text(other, "issuer").unwrap_or_default()
                ),
                "give each issuer a `prefix` of its own, for example \"staff:\" and \"partner:\"",
            );
        }
        if introspection.is_some() && std::mem::replace(&mut asked, true) {
            report(
                "introspection",
                format!("{place} is the second issuer that is asked about tokens"),
                "keep `introspection` at one issuer: a token that says nothing of its issuer must go to nobody else",
            );
        }
    }
}

fn check_scopes(tree: &Table, scopes: &Table, issues: &mut Vec<Issue>) {
    let servers: Vec<String> = tree
        .table("servers")
        .into_iter()
        .flatten()
        .map(|(key, _)| key.name.clone())
        .collect();
    let mut check_name = |scope: &str, span: std::ops::Range<usize>| {
        let fits = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
        let (why, help) = match scope {
            "offline_access" => (
                "asks for refresh tokens, which are between client and issuer",
                "leave it out",
            ),
            _ if scope.is_empty() || scope.len() > 128 || !scope.bytes().all(fits) => (
                "is no scope",
                "use visible ASCII characters but `\"` and `\\`, at most 128",
            ),
            _ => return,
        };
        let issue = Issue::error(Some(span), format!("the scope {scope:?} {why}"));
        issues.push(issue.help(help));
    };
    for (key, value) in scopes {
        if key.name != "baseline" {
            check_name(&key.name, key.span.clone());
            continue;
        }
        for scope in value.list().into_iter().flatten() {
            if let Some(text) = scope.text() {
                check_name(text, scope.span.clone());
            }
        }
    }
    for (key, value) in scopes {
        if key.name == "baseline" {
            continue;
        }
        let targets = value.list().unwrap_or(&[]);
        if targets.is_empty() {
            let why = format!("nothing needs the scope {:?}", key.name);
            let issue = Issue::error(Some(value.span.clone()), why);
            issues.push(
                issue.help(
                    "add what needs it, for example [\"crm/update_*\"], or leave the scope out",
                ),
            );
        }
        for value in targets {
            let Some(target) = value.text().and_then(|text| Target::read(text).ok()) else {
                continue;
            };
            if !servers.iter().any(|server| target.server.matches(server)) {
                let server = target.server.as_str();
                let why = format!(
                    "the scope {:?}: no server fits {server:?} of {:?}",
                    key.name,
                    target.as_str()
                );
                let help = suggest(server, servers.iter().map(String::as_str))
                    .replace("the keys are", "the servers are");
                issues.push(Issue::error(Some(value.span.clone()), why).help(help));
            }
        }
    }
}
