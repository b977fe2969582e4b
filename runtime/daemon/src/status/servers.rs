//! The servers of a status, for people.

use std::fmt::Write;

use sandgate_telemetry::recent_connections::EgressTally;
use sandgate_text::{grid, printable};

use super::interceptors::table;
use super::{EgressStatus, LastError, Status};

impl Status {
    pub(crate) fn servers(&self, text: &mut String) {
        if self.servers.is_empty() {
            text.push_str("No servers.\n");
            return;
        }
        let head = ["server", "state", "eras", "children", "under way", "at"];
        let rows = self.servers.iter().map(|one| {
            vec![
                one.name.clone(),
                self.state_of(one),
                match one.eras.is_empty() {
                    true => "-".into(),
                    false => one.eras.join(", "),
                },
                one.children.to_string(),
                one.under_way.to_string(),
                one.at.clone(),
            ]
        });
        grid(table(&head, rows), text);
        for one in &self.servers {
            if let Some(signer) = &one.signed_by {
                let _ = writeln!(text, "  {}: signed by {}", one.name, printable(signer));
            }
            if let Some(contained) = &one.contained {
                let _ = writeln!(text, "  {}: {}", one.name, printable(contained));
            }
        }
        for one in &self.servers {
            if let Some(egress) = &one.egress {
                egress.text(&one.name, text);
            }
        }
        for one in self.servers.iter().filter(|one| one.hidden_from_modern) {
            let _ = writeln!(
                text,
                "  {} is hidden from modern clients of /mcp: it speaks the legacy protocol only. Reload, or set merged-era = \"legacy\"",
                one.name
            );
        }
        for one in self.servers.iter().filter(|one| one.dropped > 0) {
            let _ = writeln!(
                text,
                "  {} sent {} messages that belong to nothing it was asked; they were dropped",
                one.name, one.dropped
            );
        }
        for one in &self.servers {
            if let Some(LastError { at, error }) = &one.last_error {
                let _ = writeln!(
                    text,
                    "  last error of {}, {at}: {}",
                    one.name,
                    printable(error)
                );
            }
            if !one.lookalikes.is_empty() {
                let names: Vec<_> = one
                    .lookalikes
                    .iter()
                    .map(|name| format!("{name:?}"))
                    .collect();
                let _ = writeln!(
                    text,
                    "  left out of the lists of {}, since they look the same: {}",
                    one.name,
                    names.join(", ")
                );
            }
        }
    }
}

impl EgressStatus {
    pub(crate) fn text(&self, server: &str, text: &mut String) {
        let hosts = match self.hosts.is_empty() {
            true => "no host".to_owned(),
            false => self.hosts.join(", "),
        };
        let EgressTally {
            allowed,
            audited,
            refused,
            failed,
        } = self.tally;
        let _ = writeln!(
            text,
            "  {server} reaches {}: {allowed} connections allowed, {refused} refused, {failed} failed",
            printable(&hosts)
        );
        if audited > 0 {
            let _ = writeln!(
                text,
                "  {server}: {audited} connections were let through by the audit alone"
            );
        }
        if let Some(until) = &self.audit_until {
            let _ = writeln!(
                text,
                "  {server}: AUDIT, every public host is let through until {until}"
            );
        }
    }
}
