//! Rules for clients that no schema can state: keys, certificates, and what they send on to servers.

use std::collections::HashMap;

use sandgate_message::pointer;

use super::client;
use super::issue::Issue;
use super::rule::wrong;
use super::scalar::Scalar;
use super::server_rules::forwarding;
use super::tree::{Entry, Table};
use super::wording::named;

pub(crate) fn check_clients(clients: &Table, issues: &mut Vec<Issue>) {
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
pub(crate) fn check_certificates(tree: &Table, clients: &Table, issues: &mut Vec<Issue>) {
    let tls = tree
        .table("gateway")
        .and_then(|gateway| gateway.table("tls"));
    let asked = tls.is_some_and(|tls| tls.get("client-ca").is_some());
    let mut names = HashMap::new();
    for (name, entry) in clients {
        let Some(client) = entry.table() else {
            continue;
        };
        let place = named(&format!("/clients/{}", pointer::escape(&name.name)));
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
pub(crate) fn check_two_authorizations(
    clients: &Table,
    servers: Option<&Table>,
    issues: &mut Vec<Issue>,
) {
    if clients.is_empty() {
        return;
    }
    for (name, key) in forwarding(servers) {
        let place = named(&format!("/servers/{}/forward-authorization", name.name));
        let why = format!(
            "{place} cannot be `true` where there are clients: their keys are in the same header"
        );
        let help = "leave out [clients] where servers ask for tokens themselves, or give the gateway's own credentials in \
                    the server's `headers`";
        issues.push(Issue::error(Some(key.span.clone()), why).help(help));
    }
}
