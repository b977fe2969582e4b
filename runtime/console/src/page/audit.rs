//! Proof of the call log, and what is recorded of this console.

use maud::html;
use sandgate_daemon::calls::Deed;
use sandgate_daemon::operator::Operator;

use super::{Page, heads, lines, problem, short, state, when};
use crate::desk::Verified;

/// The most deeds that are shown.
pub(crate) const MOST: usize = 40;

pub(crate) fn page(operator: &Operator, deeds: &[Deed]) -> Page {
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
                    div.wide { dt { "file" }
                        dd { @match &file { Some(file) => code { (short(&file.display().to_string())) } None => "none: set " }
                        @if file.is_none() { code { "[call-log] to" } } } }
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
                    p { "Reads the files of the log, and holds them against their chain, their signed checkpoints and the anchor, as " code { "sandgate audit verify" }
                        " does." }
                    p { a.button href="/audit/verify" { "Verify now" } }
                } @else {
                    p { "With " code { "[audit]" } " it can be proved that the log still says what the gateway wrote." }
                }
            }
            section {
                h2 { "What operators did" }
                @if deeds.is_empty() { p.empty { "Nothing that the end of the call log tells." } }
                @else {
                    div.box tabindex="0" role="group" aria-label="What operators did" {
                        table {
                            (heads(&["time", "deed", "what", "why", "by"]))
                            tbody {
                                @for deed in deeds {
                                    tr {
                                        td { (when(&deed.time)) }
                                        th scope="row" { (short(&deed.action)) @if deed.error.is_some() { " " span.badge.failed { "came to nothing" } } }
                                        td { (short(&deed.what())) }
                                        td { (short(deed.why.as_deref().unwrap_or_default())) }
                                        td { @if let Some(uid) = deed.uid { "user " (uid) }
                                            @if let Some(session) = &deed.console { " " code { (short(session)) } } }
                                    }
                                }
                            }
                        }
                    }
                }
                p.aside { "Each is a record " code { "operator" }
                    " of the call log. What was done in a console has its session's name." }
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
