//! A report as one HTML file: no script, nothing fetched, light and dark, and on paper.

use maud::{DOCTYPE, PreEscaped, html};
use sandgate_text::printable;

use super::markdown::listed;
use super::{NOT_REHEARSED, Report, Verdict, millis};

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .5rem; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; } td { overflow-wrap: break-word; } td code { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } .n { white-space: nowrap; text-align: right; } code, pre { font: .85rem/1.4 ui-monospace, monospace; }
pre { background: var(--soft); padding: .7rem; overflow-x: auto; } tr { break-inside: avoid; }
.v { white-space: nowrap; font-weight: 600; }
.stopped { color: light-dark(#12692b, #6fd08c); } .noticed { color: light-dark(#8a5300, #f0b45a); }
.unseen { color: light-dark(#b3131f, #ff8a8a); } .note { opacity: .75; font-size: .9rem; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } :root { color-scheme: light; } pre { white-space: pre-wrap; } }
";

impl Report {
    /// The report as one HTML file that needs nothing else.
    pub fn html(&self) -> String {
        let title = format!("Drill: {}", self.drill.name);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { (title) }
                    dl {
                        @for (name, value) in self.facts() {
                            dt { (name) }
                            dd { (printable(&value)) }
                        }
                    }
                    div.scroll {
                        table {
                            thead { tr {
                                th { "" } th { "what was done" } th { "expected" } th { "seen" } th { "verdict" }
                                th { "by" } th { "alert raised" } th.n { "after" } th { "call" }
                            } }
                            tbody {
                                @for (n, step) in self.steps.iter().enumerate() {
                                    tr {
                                        td { (n + 1) }
                                        td { (printable(&step.done)) }
                                        td { (step.expected) }
                                        td { (printable(&step.seen)) }
                                        td class={ "v " (class(step.verdict)) } { (step.verdict.as_str()) }
                                        td { (printable(&listed(&step.by, "nobody"))) }
                                        td { (printable(&listed(&step.alerts, "none"))) }
                                        td.n { (millis(step.us)) }
                                        td { code { (step.call.as_deref().unwrap_or("-")) } }
                                    }
                                }
                            }
                        }
                    }
                    h2 { "What to change" }
                    @if self.advice.is_empty() { p { "Nothing." } }
                    @for one in &self.advice {
                        p { (printable(&one.why)) }
                        @if !one.lines.is_empty() { pre { (one.lines.trim_end()) } }
                    }
                    p.note { (NOT_REHEARSED) }
                }
            }
        };
        page.into_string() + "\n"
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Stopped => "stopped",
        Verdict::Noticed => "noticed",
        Verdict::PassedUnseen => "unseen",
    }
}
