//! Rules that no schema can state: names, either-or, and globs that match nothing.

use std::collections::HashMap;

use super::amount::{Period, Size};
use super::call_log::Destination;
use super::grants::GuestPath;
use super::issue::Issue;
use super::pattern::Pattern;
use super::scalar::{Mistake, Scalar};
use super::source::Source;
use super::tree::{Entry, Node, Table};
use super::wording::{named, suggest};
use super::{
    alert, authorization, call_log, catalog, client, contain_rules, gateway, secret_rules, server,
    signed_by, telemetry, view,
};

/// Checks the rules. They work on the tree rather than on the typed configuration, so that one wrong value hides no
/// other.
pub(crate) fn check(source: &Source, issues: &mut Vec<Issue>) {
    let tree = source.tree();
    if let Some(gateway) = tree.table("gateway") {
        check_gateway(gateway, issues);
    }
    if let Some(call_log) = tree.table("call-log") {
        call_log::check(call_log, issues);
    }
    if let Some(audit) = tree.get("audit") {
        check_audit(audit, tree.table("call-log"), issues);
    }
    if let Some(telemetry) = tree.table("telemetry") {
        telemetry::check(telemetry, issues);
    }
    if let Some(alerts) = tree.get("alerts").and_then(Entry::list) {
        alert::check(alerts, issues);
    }
    if let Some(console) = tree.table("console") {
        check_console(console, tree.table("gateway"), issues);
    }
    let servers = tree.table("servers");
    if let Some(clients) = tree.table("clients") {
        check_clients(clients, issues);
        check_certificates(tree, clients, issues);
        check_two_authorizations(clients, servers, issues);
    }
    if let Some(authorization) = tree.get("authorization") {
        authorization::check(tree, authorization, issues);
    }
    if let Some(views) = tree.table("views") {
        view::check(tree, views, issues);
    }
    for (name, entry) in servers.into_iter().flatten() {
        if let Err(mistake) = server::check_name(&name.name) {
            issues.push(wrong(
                name.span.clone(),
                format!("the server name {:?}", name.name),
                mistake,
            ));
        }
        if let Node::Table(table) = &entry.node {
            check_server(&name.name, entry, table, issues);
            if let (Some((key, _)), None) = (table.member("exchange"), tree.get("authorization")) {
                let why = format!(
                    "{} has `exchange`, and no client has a token to exchange",
                    named(&format!("/servers/{}", name.name))
                );
                let issue = Issue::error(Some(key.span.clone()), why);
                issues.push(issue.help("add [authorization] with the issuer of clients' tokens"));
            }
        }
    }
    if servers.is_none_or(|servers| servers.is_empty()) {
        let issue = Issue::warning(None, format!("{} has no server", source.path().display()));
        issues.push(
            issue.help("add one, for example: [servers.time] with command = \"mcp-server-time\""),
        );
    }
    catalog::check(tree, issues);
    if let Some(interceptors) = tree.get("interceptors").and_then(Entry::list) {
        check_interceptors(interceptors, servers, issues);
    }
}

fn check_gateway(gateway: &Table, issues: &mut Vec<Issue>) {
    if let Some(listen) = gateway.get("listen") {
        let open = listen
            .text()
            .and_then(|text| gateway::Listen::read(text).ok());
        let names = gateway.get("allowed-hosts").and_then(Entry::list);
        if open.is_some_and(|listen| !listen.0.ip().is_loopback())
            && names.is_none_or(<[_]>::is_empty)
        {
            let issue = Issue::warning(
                Some(listen.span.clone()),
                "`gateway.listen` lets other machines in",
            );
            issues.push(issue.help(
                "list the host names they use in `allowed-hosts`; any other is answered 403",
            ));
        }
    }
    let limits = gateway.table("limits");
    let memory = limits.and_then(|limits| limits.get("max-memory"));
    if let Some((value, size)) = memory.and_then(|v| Some((v, Size::read(v.text()?).ok()?)))
        && size.0 < 64 << 20
    {
        let mistake = Mistake::new("is too small", "write at least \"64MiB\"");
        issues.push(wrong(
            value.span.clone(),
            "`gateway.limits.max-memory`".into(),
            mistake,
        ));
    }
    let size = limits.and_then(|limits| limits.get("max-body"));
    if let Some((value, size)) = size.and_then(|v| Some((v, Size::read(v.text()?).ok()?)))
        && size.0 > 1 << 30
    {
        let mistake = Mistake::new("is too large", "write at most \"1GiB\"");
        issues.push(wrong(
            value.span.clone(),
            "`gateway.limits.max-body`".into(),
            mistake,
        ));
    }
}

/// Reports a console that other machines could reach, or that nobody could enter.
fn check_console(console: &Table, gateway: Option<&Table>, issues: &mut Vec<Issue>) {
    let Some(listen) = console.get("listen") else {
        return;
    };
    let address = listen
        .text()
        .and_then(|text| gateway::Listen::read(text).ok());
    if address.is_some_and(|address| !address.0.ip().is_loopback()) {
        let issue = Issue::error(
            Some(listen.span.clone()),
            "`console.listen` would let other machines in",
        );
        issues.push(issue.help(
            "listen on loopback, \"127.0.0.1:9809\", and bring it to another machine by `ssh -L 9809:127.0.0.1:9809`",
        ));
    }
    let admin = gateway.and_then(|gateway| gateway.get("admin"));
    if admin.and_then(Entry::text) == Some("none") {
        let issue = Issue::error(
            Some(listen.span.clone()),
            "nobody can enter the console, since `gateway.admin` is \"none\"",
        );
        issues.push(issue.help(
            "leave `gateway.admin` out: `sandgate console` asks there for a link, or leave `[console]` out",
        ));
    }
}

/// Reports an audit of something other than a file, which a gateway could not continue after a restart.
fn check_audit(audit: &Entry, call_log: Option<&Table>, issues: &mut Vec<Issue>) {
    let to = call_log.and_then(|call_log| call_log.get("to"));
    let destination = to.and_then(|to| Destination::read(to.text()?).ok());
    if !matches!(destination, Some(Destination::File(_))) {
        let place = to.unwrap_or(audit).span.clone();
        let issue = Issue::error(Some(place), "`audit` needs a call log in a file");
        issues.push(issue.help("give `call-log.to` the path of a file, or leave `[audit]` out"));
    }
    let every = audit.table().and_then(|audit| audit.get("every"));
    if let Some((value, every)) = every.and_then(|v| Some((v, Period::read(v.text()?).ok()?)))
        && !(1..=3600).contains(&every.0.as_secs())
    {
        let mistake = Mistake::new("is out of range", "write \"1s\" to \"1h\"");
        issues.push(wrong(value.span.clone(), "`audit.every`".into(), mistake));
    }
}

fn check_clients(clients: &Table, issues: &mut Vec<Issue>) {
    let mut hashes = HashMap::new();
    for (name, entry) in clients {
        if let Err(mistake) = client::check_name(&name.name) {
            let what = format!("the client name {:?}", name.name);
            issues.push(wrong(name.span.clone(), what, mistake));
        }
        let client = entry.table();
        let before = client.and_then(|client| client.table("previous"));
        let given = [client, before].into_iter().flatten().filter_map(|table| {
            let value = table.get("token-sha256")?;
            Some((value, client::TokenHash::read(value.text()?).ok()?))
        });
        for (value, hash) in given {
            if let Some(first) = hashes.insert(hash.0, name.name.as_str()) {
                let why = match first == name.name {
                    true => format!("the client {first:?} has one token twice"),
                    false => format!("the clients {first:?} and {:?} have one token", name.name),
                };
                let issue = Issue::error(Some(value.span.clone()), why);
                issues.push(issue.help("give each a token of its own: `sandgate token` makes one"));
            }
        }
    }
}

/// Reports clients that cannot be known, or not told apart, by key or certificate.
fn check_certificates(tree: &Table, clients: &Table, issues: &mut Vec<Issue>) {
    let tls = tree
        .table("gateway")
        .and_then(|gateway| gateway.table("tls"));
    let asked = tls.is_some_and(|tls| tls.get("client-ca").is_some());
    let mut names = HashMap::new();
    for (name, entry) in clients {
        let Some(client) = entry.table() else {
            continue;
        };
        let place = named(&format!(
            "/clients/{}",
            name.name.replace('~', "~0").replace('/', "~1")
        ));
        let mut report = |entry: &Entry, why: String, help: &str| {
            issues.push(Issue::error(Some(entry.span.clone()), why).help(help.to_owned()));
        };
        let (token, certificate) = (client.get("token-sha256"), client.get("certificate"));
        if token.is_none() && certificate.is_none() {
            let why = format!("{place} has neither `token-sha256` nor `certificate`");
            report(
                entry,
                why,
                "add `token-sha256` (`sandgate token` makes one), or `certificate` with the name in its certificate",
            );
        }
        if let (None, Some(previous)) = (token, client.get("previous")) {
            let why = format!("{place} has a `previous` key and no key");
            report(
                previous,
                why,
                "add the new `token-sha256`, or leave `previous` out",
            );
        }
        let Some((value, text)) = certificate.and_then(|value| Some((value, value.text()?))) else {
            continue;
        };
        if text.is_empty() {
            report(
                value,
                format!("{place}: `certificate` is empty"),
                "write the name in the client's certificate",
            );
        }
        if !asked {
            let why =
                format!("{place} is known by a certificate, and clients are not asked for one");
            report(
                value,
                why,
                "add `client-ca` to `tls` of [gateway]: the authority that vouches for clients",
            );
        }
        if let Some(first) = names.insert(text, &name.name) {
            let why = format!(
                "the clients {first:?} and {:?} have one certificate",
                name.name
            );
            report(
                value,
                why,
                "give each a name of its own: a certificate that two clients have lets nobody in",
            );
        }
    }
}

/// Reports a header with two meanings: the gateway's keys, or the servers' tokens.
fn check_two_authorizations(clients: &Table, servers: Option<&Table>, issues: &mut Vec<Issue>) {
    if clients.is_empty() {
        return;
    }
    for (name, entry) in servers.into_iter().flatten() {
        let Some((key, value)) = entry
            .table()
            .and_then(|table| table.member("forward-authorization"))
        else {
            continue;
        };
        if is_true(value) {
            let issue = Issue::error(
                Some(key.span.clone()),
                format!(
                    "{} cannot be `true` where there are clients: their keys are in the same header",
                    named(&format!("/servers/{}/forward-authorization", name.name))
                ),
            );
            issues.push(issue.help(
                "leave out [clients] where servers ask for tokens themselves, or give the gateway's own credentials in \
                 the server's `headers`",
            ));
        }
    }
}

fn check_server(name: &str, entry: &Entry, table: &Table, issues: &mut Vec<Issue>) {
    let place = named(&format!(
        "/servers/{}",
        name.replace('~', "~0").replace('/', "~1")
    ));
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
    for (variable, _) in table.table("env").into_iter().flatten() {
        if variable.name.is_empty() || variable.name.contains(['=', '\0']) {
            let mistake = Mistake::new(
                "is not the name of a variable",
                "use letters, digits and `_`",
            );
            issues.push(wrong(
                variable.span.clone(),
                format!("{:?}", variable.name),
                mistake,
            ));
        }
    }
}

fn check_interceptors(interceptors: &[Entry], servers: Option<&Table>, issues: &mut Vec<Issue>) {
    let server_names: Vec<_> = servers
        .into_iter()
        .flatten()
        .map(|(key, _)| key.name.as_str())
        .collect();
    let mut names = HashMap::new();
    for (index, entry) in interceptors.iter().enumerate() {
        let Some(table) = entry.table() else { continue };
        if let Some(value) = table.get("name")
            && let Some(name) = value.text()
        {
            if !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            {
                let mistake = Mistake::new(
                    "has a character other than letters, digits, `-`, `_` and `.`",
                    "leave it out",
                );
                issues.push(wrong(
                    value.span.clone(),
                    named(&format!("/interceptors/{index}/name")),
                    mistake,
                ));
            }
            if name.ends_with(".candidate") {
                let mistake = Mistake::new(
                    "ends in `.candidate`, by which the lock calls the plugin of a candidate",
                    "give it another name",
                );
                issues.push(wrong(
                    value.span.clone(),
                    named(&format!("/interceptors/{index}/name")),
                    mistake,
                ));
            }
            if let Some(first) = names.insert(name, index) {
                let issue = Issue::error(
                    Some(value.span.clone()),
                    format!("two interceptors are called \"{name}\""),
                );
                issues.push(issue.help(format!(
                    "`interceptors[{first}]` has the name too; give one of them another"
                )));
            }
        }
        let timeout = table.get("timeout");
        if timeout
            .and_then(Entry::text)
            .and_then(|t| Period::read(t).ok())
            .is_some_and(|t| t > Period::secs(3600))
        {
            let mistake =
                Mistake::new("is too long", "write at most \"1h\": no asker waits longer");
            let span = timeout.map_or(0..0, |entry| entry.span.clone());
            issues.push(wrong(
                span,
                named(&format!("/interceptors/{index}/timeout")),
                mistake,
            ));
        }
        check_guest_paths(table, issues);
        signed_by::check_interceptor(index, table, issues);
        if let Some((key, candidate)) = table.member("candidate") {
            check_candidate(index, key.span.clone(), candidate, issues);
        }
        let globs = table.get("servers").and_then(Entry::list);
        for value in globs.into_iter().flat_map(|globs| globs.iter()) {
            let Some(glob) = value.text().and_then(|text| Pattern::read(text).ok()) else {
                continue;
            };
            let all = || server_names.iter().copied();
            if !all().any(|name| glob.matches(name)) {
                let issue = Issue::warning(
                    Some(value.span.clone()),
                    format!(
                        "{}: no server fits \"{}\"",
                        named(&format!("/interceptors/{index}/servers")),
                        glob.as_str()
                    ),
                );
                issues.push(if all().next().is_some() {
                    issue.help(
                        suggest(glob.as_str(), all()).replace("the keys are", "the servers are"),
                    )
                } else {
                    issue
                });
            }
        }
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

/// Whether a server's program is contained. A package and an image are unless `contain` says otherwise.
pub(crate) fn is_contained(table: &Table) -> bool {
    match table.get("contain") {
        Some(entry) => !matches!(entry.node, Node::Truth(false)),
        None => ["package", "image"]
            .iter()
            .any(|key| table.get(key).is_some()),
    }
}

fn check_guest_paths(table: &Table, issues: &mut Vec<Issue>) {
    let dirs = table
        .table("grants")
        .and_then(|grants| grants.table("dirs"));
    for (path, _) in dirs.into_iter().flatten() {
        if let Err(mistake) = GuestPath::read(&path.name) {
            issues.push(wrong(
                path.span.clone(),
                format!("{:?}", path.name),
                mistake,
            ));
        }
    }
}

fn check_candidate(
    index: usize,
    span: std::ops::Range<usize>,
    candidate: &Entry,
    issues: &mut Vec<Issue>,
) {
    let Some(table) = candidate.table() else {
        return;
    };
    check_guest_paths(table, issues);
    let place = named(&format!("/interceptors/{index}/candidate"));
    if table.get("plugin").is_none() && table.get("settings").is_none() {
        let issue = Issue::error(Some(span), format!("{place} names nothing to try"));
        issues.push(
            issue.help(
                "add `plugin`, `settings` or both; what is left out is the interceptor's own",
            ),
        );
    }
    if let (Some((digest, _)), None) = (table.member("digest"), table.get("plugin")) {
        let issue = Issue::error(
            Some(digest.span.clone()),
            format!("{place} has `digest`, which goes with `plugin`"),
        );
        issues
            .push(issue.help("leave it out: the interceptor's own `plugin` has its own `digest`"));
    }
}

pub(crate) fn is_true(value: &Entry) -> bool {
    matches!(value.node, Node::Truth(true))
}

pub(crate) fn wrong(span: std::ops::Range<usize>, what: String, mistake: Mistake) -> Issue {
    Issue::error(Some(span), format!("{what} {}", mistake.why)).help(mistake.help)
}
