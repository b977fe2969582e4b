//! Rules for servers that no schema can state: which keys go together.

use sandgate_message::pointer;

use super::issue::Issue;
use super::rule::{is_true, wrong};
use super::scalar::Mistake;
use super::tree::{Entry, Key, Table};
use super::wording::named;
use super::{contain_rules, secret_rules, server, signed_by, variable};
use crate::contained::is_contained;

/// The servers to which clients' own `Authorization` goes on: the name of each, and the key that says so.
pub(crate) fn forwarding(servers: Option<&Table>) -> impl Iterator<Item = (&Key, &Key)> {
    let servers = servers.into_iter().flatten();
    servers.filter_map(|(name, entry)| {
        let (key, value) = entry.table()?.member("forward-authorization")?;
        is_true(value).then_some((name, key))
    })
}

pub(crate) fn check_server(name: &str, entry: &Entry, table: &Table, issues: &mut Vec<Issue>) {
    let place = named(&format!("/servers/{}", pointer::escape(name)));
    let span = Some(entry.span.clone());
    let help = "keep `command` for a program, `package` for one of npm or PyPI, `image` for one in a container, or `url` for \
                an HTTP endpoint";
    let kinds = ["command", "package", "image", "url"];
    let found: Vec<_> = kinds
        .iter()
        .filter_map(|kind| Some((*kind, &table.member(kind)?.0)))
        .collect();
    let kind = match found.as_slice() {
        [(kind, _)] => *kind,
        [] => {
            let why = format!("{place} has neither `command`, `package`, `image` nor `url`");
            issues.push(Issue::error(span, why).help(help.replace("keep", "add")));
            return;
        }
        [(first, _), (second, key), ..] => {
            let why = format!("{place} has both `{first}` and `{second}`");
            issues.push(Issue::error(Some(key.span.clone()), why).help(help));
            return;
        }
    };
    let endpoint = [
        "headers",
        "keep-alive",
        "ca",
        "forward-authorization",
        "exchange",
        "forward-trace-state",
    ];
    let program = [
        "args",
        "env",
        "cwd",
        "contain",
        "egress",
        "secrets",
        "max-children",
        "share",
    ];
    let foreign = match kind {
        "url" => program.map(|key| (key, "command")).to_vec(),
        _ => endpoint.map(|key| (key, "url")).to_vec(),
    };
    let packaged = Some(("bin", "package")).filter(|_| kind != "package");
    let outside = Some(("cwd", "command")).filter(|_| kind == "image");
    for (key, other) in foreign.into_iter().chain(packaged).chain(outside) {
        if let Some((found, _)) = table.member(key) {
            let issue = Issue::error(
                Some(found.span.clone()),
                format!("{place} has `{key}`, which goes with `{other}`"),
            );
            issues.push(issue.help("leave it out"));
        }
    }
    signed_by::check(&place, table, issues);
    if kind != "url" {
        check_egress(&place, table, issues);
        contain_rules::check(&place, table, kind == "image", issues);
        secret_rules::check(name, table, issues);
    }
    let forwards = table.get("forward-authorization").is_some_and(is_true);
    let exchange = table.member("exchange");
    if let (true, Some((key, _))) = (forwards, exchange) {
        let why = format!("{place} exchanges the client's token and forwards it");
        let issue = Issue::error(Some(key.span.clone()), why);
        issues.push(issue.help("keep one of them"));
    }
    for (header, value) in table.table("headers").into_iter().flatten() {
        let instead = match (forwards, exchange) {
            (true, _) => Some("forwards the client's"),
            (false, Some(_)) => Some("exchanges the client's"),
            (false, None) => None,
        };
        if let (Some(instead), true) = (instead, header.name.eq_ignore_ascii_case("authorization"))
        {
            let issue = Issue::error(
                Some(header.span.clone()),
                format!("{place} has an `Authorization` of its own and {instead}"),
            );
            issues.push(issue.help("keep the one that the server is to judge"));
        }
        let name = || format!("the header {:?}", header.name);
        if let Err(mistake) = server::check_header(&header.name) {
            issues.push(wrong(header.span.clone(), name(), mistake));
        }
        if value
            .text()
            .is_some_and(|text| http::HeaderValue::from_str(text).is_err())
        {
            let mistake = Mistake::new(
                "has a line end or control character in its value",
                "leave it out",
            );
            issues.push(wrong(value.span.clone(), name(), mistake));
        }
    }
    for (key, _) in table.table("env").into_iter().flatten() {
        variable::check(key, false, issues);
    }
}

/// A list of hosts holds a program that has no other network, and no other.
fn check_egress(place: &str, table: &Table, issues: &mut Vec<Issue>) {
    let Some((key, _)) = table.member("egress") else {
        return;
    };
    let span = Some(key.span.clone());
    let contain = table.get("contain");
    if !is_contained(table) {
        let why =
            format!("{place} has `egress` and is not contained: nothing would keep it to its list");
        issues.push(Issue::error(span, why).help("add contain = true, or take `egress` out"));
        return;
    }
    let network = contain
        .and_then(Entry::table)
        .and_then(|it| it.get("network"));
    if network.and_then(Entry::text) == Some("host") {
        let why = format!(
            "{place} has `egress` and `network = \"host\"`: with that network nothing would keep it to its list"
        );
        let help =
            "take `network` out: the server then reaches the hosts of `egress` and nothing else";
        issues.push(Issue::error(span, why).help(help));
    }
}
