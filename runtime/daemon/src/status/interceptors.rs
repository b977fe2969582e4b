//! The interceptors of a status, for people.

use std::fmt::Write;

use sandgate_gateway::StopKind;
use sandgate_pipeline::Mode;
use sandgate_text::{grid, printable};

use super::Status;
use crate::digest::short;

impl Status {
    pub(crate) fn interceptors(&self, text: &mut String) {
        if self.interceptors.is_empty() {
            text.push_str("No interceptors: every message passes as it is.\n");
            return;
        }
        let head = [
            "interceptor",
            "plugin",
            "mode",
            "runs",
            "refusals",
            "faults",
            "memory",
            "digest",
        ];
        let rows = self.interceptors.iter().map(|one| {
            vec![
                one.name.clone(),
                format!("{} {}", one.plugin, one.plugin_version),
                match one.mode {
                    _ if self.is_stopped(StopKind::Plugin, &[&one.name, &one.plugin]) => {
                        "stopped".into()
                    }
                    Mode::Active => "active".into(),
                    Mode::Audit => "audit".into(),
                },
                one.tally.runs.to_string(),
                one.tally.refusals.to_string(),
                one.tally.faults.to_string(),
                match one.memory {
                    0 => "-".into(),
                    // Tenths of a megabyte.
                    bytes => {
                        let tenths = bytes.div_ceil(100_000);
                        format!("{}.{} MB", tenths / 10, tenths % 10)
                    }
                },
                short(&one.digest),
            ]
        });
        grid(table(&head, rows), text);
        for one in &self.interceptors {
            if let Some(reference) = &one.reference {
                let signer = one.signed_by.as_ref();
                let signer = signer.map(|signer| format!(", signed by {}", printable(signer)));
                let (name, signer) = (&one.name, signer.unwrap_or_default());
                let _ = writeln!(text, "  {name}: {}{signer}", printable(reference));
            }
        }
        for one in &self.interceptors {
            if let Some(candidate) = &one.candidate {
                candidate.text(&one.name, text);
            }
        }
    }
}

pub(crate) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let head = head.iter().map(|&cell| cell.to_owned()).collect();
    std::iter::once(head).chain(rows).collect()
}
