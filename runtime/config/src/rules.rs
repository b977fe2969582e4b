//! Rules that no schema can state: what goes with what, across the tables of the file.

use super::amount::{Period, Size};
use super::call_log::Destination;
use super::client_rules::{check_certificates, check_clients, check_two_authorizations};
use super::interceptor_rules::check_interceptors;
use super::issue::Issue;
use super::rule::wrong;
use super::scalar::{Mistake, Scalar};
use super::server_rules::check_server;
use super::source::Source;
use super::tree::{Entry, Node, Table};
use super::wording::named;
use super::{alert, authorization_rules, call_log, catalog, gateway, server_name, telemetry, view};

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
        authorization_rules::check(tree, authorization, issues);
    }
    if let Some(views) = tree.table("views") {
        view::check(tree, views, issues);
    }
    for (name, entry) in servers.into_iter().flatten() {
        if let Err(mistake) = server_name::check_name(&name.name) {
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
