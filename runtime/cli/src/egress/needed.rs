//! What the connections of a server come to: the list that it needed, and what it was refused.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sandgate_address::{AllowedHost, is_public};
use sandgate_egress::Reason;
use sandgate_text::{grid, printable};
use serde::Serialize;

use super::made::Made;

/// The most rows of each table. Programs get all of them.
const ROWS: usize = 100;

/// What a server's connections come to.
#[derive(Debug, Serialize)]
pub(super) struct Needed {
    server: String,
    /// The number of connections, those without a record included.
    connections: u64,
    /// The list that would have let through what was let through.
    egress: Vec<String>,
    reached: Vec<ReachedHost>,
    refused: Vec<RefusedHost>,
}

/// A host that was reached.
#[derive(Debug, Default, Serialize)]
struct ReachedHost {
    target: String,
    connections: u64,
    /// Those of them that the list alone would have refused.
    audited: u64,
    up_bytes: u64,
    down_bytes: u64,
}

/// What was refused or failed, and why.
#[derive(Debug, Serialize)]
struct RefusedHost {
    target: String,
    reason: String,
    connections: u64,
}

impl Needed {
    pub(super) fn of(server: &str, made: &[Made]) -> Self {
        let mut reached = BTreeMap::<String, ReachedHost>::new();
        let mut refused = BTreeMap::<(String, String), u64>::new();
        let mut egress = Vec::new();
        for one in made {
            let target = one.target();
            if !one.let_through() {
                let reason = one.reason.clone().unwrap_or_default();
                *refused.entry((target, reason)).or_default() += 1;
                continue;
            }
            egress.extend(entry(one).filter(|entry| !egress.contains(entry)));
            let host = reached.entry(target.clone()).or_default();
            host.target = target;
            host.connections += 1;
            host.audited += u64::from(one.verdict == "audited");
            host.up_bytes += one.up_bytes;
            host.down_bytes += one.down_bytes;
        }
        egress.sort();
        let mut refused: Vec<_> = refused
            .into_iter()
            .map(|((target, reason), connections)| RefusedHost {
                target,
                reason,
                connections,
            })
            .collect();
        refused.sort_by_key(|one| std::cmp::Reverse(one.connections));
        let unwritten: u64 = made.iter().map(|one| one.left_out).sum();
        Self {
            server: server.to_owned(),
            connections: made.len() as u64 + unwritten,
            egress: egress.iter().map(ToString::to_string).collect(),
            reached: reached.into_values().collect(),
            refused,
        }
    }

    pub(super) fn text(&self) -> String {
        let server = printable(&self.server);
        if self.connections == 0 {
            return format!("No connection of {server} is known.\n");
        }
        let quoted: Vec<String> = self.egress.iter().map(|host| format!("{host:?}")).collect();
        let mut text = format!(
            "# {server}: what its {} connections needed\negress = [{}]\n",
            self.connections,
            quoted.join(", ")
        );
        if !self.reached.is_empty() {
            text.push_str("\nreached\n");
            let head = [
                "host",
                "connections",
                "audited",
                "bytes from it",
                "bytes to it",
            ];
            let rows = self.reached.iter().take(ROWS).map(|one| {
                vec![
                    one.target.clone(),
                    one.connections.to_string(),
                    one.audited.to_string(),
                    one.up_bytes.to_string(),
                    one.down_bytes.to_string(),
                ]
            });
            table(&head, rows, &mut text);
        }
        if !self.refused.is_empty() {
            text.push_str("\nrefused, or failed\n");
            let head = ["host", "connections", "reason", "meaning"];
            let rows = self.refused.iter().take(ROWS).map(|one| {
                let meaning = Reason::of(&one.reason).map_or("", Reason::meaning);
                vec![
                    one.target.clone(),
                    one.connections.to_string(),
                    one.reason.clone(),
                    meaning.to_owned(),
                ]
            });
            table(&head, rows, &mut text);
        }
        text
    }
}

/// The entry that lets a connection through.
fn entry(made: &Made) -> Option<AllowedHost> {
    let (host, port) = (made.host.as_ref()?, made.port?);
    let address = made
        .address
        .as_ref()
        .and_then(|text| text.parse::<IpAddr>().ok());
    let private = match address.is_some_and(|address| !is_public(address)) {
        true => "private:",
        false => "",
    };
    AllowedHost::parse(&format!("{private}{host}:{port}")).ok()
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>, text: &mut String) {
    let head = head.iter().map(|&cell| cell.to_owned()).collect();
    let printed = |row: Vec<String>| row.iter().map(|cell| printable(cell)).collect();
    grid(
        std::iter::once(head).chain(rows.map(printed)).collect(),
        text,
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn made(rest: &str) -> Made {
        let line = format!(
            "{{\"record\":\"egress-ended\",\"time\":\"2026-11-22T10:00:09Z\",\"id\":\"1\",\"server\":\"a\",{rest}}}"
        );
        Made::of(&line).unwrap()
    }

    #[test]
    fn the_list_that_was_needed_is_printed_to_be_pasted() {
        let all = [
            made(
                r#""host":"x.example","port":443,"address":"93.184.216.34","verdict":"allowed","up_bytes":10,"down_bytes":20"#,
            ),
            made(
                r#""host":"x.example","port":443,"address":"93.184.216.34","verdict":"audited","up_bytes":1,"down_bytes":2"#,
            ),
            made(r#""host":"db.example","port":5432,"address":"10.0.0.7","verdict":"allowed""#),
            made(
                r#""host":"evil.example","port":443,"verdict":"refused","reason":"host-not-listed","left_out":3"#,
            ),
            made(r#""verdict":"refused","reason":"plain-http""#),
        ];
        assert_eq!(
            Needed::of("a", &all).text(),
            "\
# a: what its 8 connections needed
egress = [\"private:db.example:5432\", \"x.example\"]

reached
  host             connections  audited  bytes from it  bytes to it
  db.example:5432  1            0        0              0
  x.example:443    2            1        11             22

refused, or failed
  host              connections  reason           meaning
  (no host)         1            plain-http       plain HTTP is not let through; use https
  evil.example:443  1            host-not-listed  the host is not on the server's list
"
        );
        assert_eq!(
            Needed::of("a", &[]).text(),
            "No connection of a is known.\n"
        );
    }
}
