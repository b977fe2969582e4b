//! Proof of the call log, and what is recorded of this console.

use maud::html;
use sandgate_daemon::operator::Operator;

use super::{Page, lines, problem, short, state};
use crate::desk::Verified;

pub(crate) fn page(operator: &Operator) -> Page {
    let (file, chained) = operator.call_log_file();
    let status = operator.status();
    let audit = status
        .conditions
        .iter()
        .find(|one| one.condition == "audit");
    Page {
        title: "Audit".to_owned(),
        content: html! {
            section.card {
                header {
                    h2 { "Call log" }
                    @if status.unwritten_records > 0 { (state("bad", "has gaps")) }
                    @else if file.is_some() { (state("well", "written")) }
                    @else { (state("warn", "in no file")) }
                }
                dl.facts {
                    div.wide { dt { "file" } dd { @match &file { Some(file) => code { (short(&file.display().to_string())) } None => "none: set " } @if file.is_none() { code { "[call-log] to" } } } }
                    div { dt { "not written" } dd { (status.unwritten_records) " records" } }
                }
            }
            section.card {
                header {
                    h2 { "Proof" }
                    @if let Some(audit) = audit { (state("bad", &short(&audit.detail))) }
                    @else if chained { (state("well", "each line holds the hash of the one before it")) }
                    @else { (state("idle", "off")) }
                }
                @if chained {
                    p { "Reads the files of the log, and holds them against their chain, their signed checkpoints and the anchor, as " code { "sandgate audit verify" } " does." }
                    p { a.button href="/audit/verify" { "Verify now" } }
                } @else {
                    p { "With " code { "[audit]" } " it can be proved that the log still says what the gateway wrote." }
                }
            }
            section.card {
                header { h2 { "Deeds in this console" } }
                p { "Each session's beginning and end, and each deed in it, is a record " code { "operator" } " of the call log, with the session's name as " code { "console" } " and the user who asked for its link as " code { "uid" } "." }
            }
        },
    }
}

pub(crate) fn verified(found: Result<Verified, String>) -> Page {
    let found = match found {
        Ok(found) => found,
        Err(why) => return problem("The log cannot be verified", &why),
    };
    Page {
        title: "Audit".to_owned(),
        content: html! {
            section.card {
                header {
                    h2 { "Verification" }
                    @if found.verified { (state("well", "verified")) } @else { (state("bad", "not verified")) }
                }
                pre.difference tabindex="0" { (lines(&found.text)) }
            }
            p { a href="/audit" { "Back" } }
        },
    }
}
