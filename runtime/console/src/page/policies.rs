//! Policies: each interceptor with its plugin, its figures and its candidate; and the configuration that is in force.

use maud::{Markup, html};
use sandgate_daemon::candidate::CandidateStatus;
use sandgate_daemon::status::{InterceptorStatus, Status};
use sandgate_pipeline::Mode;
use sandgate_telemetry::traffic::{Quantiles, TrafficReport};

use super::{Page, count, digest, heads, lines, own, short, shown, state, took, when, wrong};
use crate::access::Session;

/// The most interceptors that are shown, and differing calls of a candidate.
const MOST: usize = 500;
const DIFFERING: usize = 12;

pub(crate) fn page(status: &Status, traffic: &TrafficReport, session: &Session) -> Page {
    let all = &status.interceptors;
    Page {
        title: "Policies".to_owned(),
        content: html! {
            (configuration(status, session))
            @if all.is_empty() { p.empty { "No interceptors: every message passes as it is." } }
            ol.cards.ordered {
                @for one in all.iter().take(MOST) { li { (card(status, one, traffic.runs.get(&one.name), session)) } }
            }
            @if all.len() > MOST { p.aside { (all.len() - MOST) " more are not shown." } }
        },
    }
}

fn configuration(status: &Status, session: &Session) -> Markup {
    let failed = status
        .failed_reload
        .as_ref()
        .filter(|failed| !failed.mended);
    html! {
        section.card {
            header {
                h2 { "Version " (status.edition.number) " of the configuration" }
                @if failed.is_some() { (state("bad", "the last change was refused")) } @else { (state("well", "in force")) }
            }
            p { code { (short(&status.config.display().to_string())) } " since " (when(&status.edition.since)) " UTC. Requests pass the policies in this order, replies the other way." }
            @if let Some(failed) = failed { pre.difference tabindex="0" { (lines(&failed.error)) } }
            @if !status.needs_restart.is_empty() { p { "At the next start: " code { (short(&status.needs_restart.join(", "))) } } }
            @if session.may_act() {
                form method="post" action="/do/reload" { (own(session)) button { "Reload…" } }
            }
        }
    }
}

fn card(
    status: &Status,
    one: &InterceptorStatus,
    runs: Option<&[Quantiles; 2]>,
    session: &Session,
) -> Markup {
    let (kind, word) = match one.mode {
        _ if wrong::is_stopped(status, &one.name, &one.plugin) => ("warn", "stopped"),
        Mode::Audit => ("idle", "audit: without effect"),
        Mode::Active if one.tally.faults > 0 => ("bad", "active, with faults"),
        Mode::Active => ("well", "active"),
    };
    html! {
        article.card {
            header { h2 { (shown(&one.name)) } (state(kind, word)) }
            dl.facts {
                div { dt { "plugin" } dd { (short(&one.plugin)) " " (short(&one.plugin_version)) } }
                div { dt { "digest" } dd { (digest(&shown(&one.digest))) } }
                @if let Some(reference) = &one.reference { div { dt { "from" } dd { (short(name_and_tag(reference))) } } }
                @if let Some(signer) = &one.signed_by { div { dt { "signed by" } dd { (short(signer)) } } }
                div { dt { "runs" } dd { (count(one.tally.runs)) } }
                div { dt { "refusals" } dd { (count(one.tally.refusals)) } }
                div { dt { "faults" }
                    dd { (count(one.tally.faults)) @if one.fail_open { " " small { "let through (fail-open)" } } } }
                @if one.memory > 0 { div { dt { "memory" } dd { (megabytes(one.memory)) } } }
            }
            @if let Some(runs) = runs { (times(runs)) }
            @if let Some(candidate) = &one.candidate { (tried(&one.name, candidate, session)) }
            footer {
                @if session.may_act() {
                    a.stop href={ "/stops?kind=plugin&name=" (crate::form::encoded(&one.name)) "#new" } { "Stop…" }
                }
            }
        }
    }
}

fn times(runs: &[Quantiles; 2]) -> Markup {
    html! {
        div.box {
            table.figures {
                (heads(&["~hook", "runs", "p50", "p95", "p99"]))
                tbody {
                    @for (name, row) in ["on the way in", "on the way back"].iter().zip(runs).filter(|(_, row)| row.count > 0) {
                        tr { th scope="row" { (name) }
                            td { (count(row.count)) }
                            td { (took(row.p50)) }
                            td { (took(row.p95)) }
                            td { (took(row.p99)) } }
                    }
                }
            }
        }
    }
}

fn tried(name: &str, one: &CandidateStatus, session: &Session) -> Markup {
    let bad = one.differs + one.failed > 0;
    html! {
        section.candidate {
            header {
                h3 { "Candidate: " (short(&one.plugin)) " " (short(&one.plugin_version)) }
                @if one.runs == 0 { (state("idle", "has not run yet")) }
                @else if bad { (state("warn", "differs")) }
                @else { (state("well", "decides the same")) }
            }
            (agreement(one))
            dl.facts {
                div { dt { "digest" } dd { (digest(&shown(&one.digest))) } }
                div { dt { "tried on" } dd { (one.share) " % of calls since " (when(&one.since)) } }
                div { dt { "runs" }
                    dd { (count(one.runs)) " · " (count(one.same)) " same · " (count(one.differs)) " differ · " (count(one.failed)) " failed · " (count(one.dropped)) " dropped" } }
                @if let (Some(own), Some(live)) = (one.median_us, one.live_median_us) {
                    div { dt { "median" } dd { (took(own)) " against " (took(live)) " live" } }
                }
            }
            @if !one.differences.is_empty() {
                ul.plain {
                    @for kind in &one.differences {
                        li { (count(kind.count)) " × " (short(&kind.hook)) ": " (short(&kind.live)) " → " strong { (short(&kind.candidate)) } ", in its " (short(&kind.differs_in)) }
                    }
                }
            }
            @for (kind, times) in &one.failures { p { (count(*times)) " × failed: " code { (short(kind)) } } }
            @if !one.recent.is_empty() {
                p { "Last of them: "
                    @for call in one.recent.iter().take(DIFFERING) {
                        @let id: String = call.id.chars().filter(char::is_ascii_hexdigit).collect();
                        a href={ "/call/" (id) } { code { (id.get(14..).unwrap_or(&id)) } } " "
                    }
                }
            }
            @if session.may_act() {
                div.deeds {
                    form method="post" action="/do/promote" { (own(session))
                        input type="hidden" name="name" value=(name); button { "Promote…" } }
                    form method="post" action="/do/reject" { (own(session))
                        input type="hidden" name="name" value=(name); button.quiet { "Reject…" } }
                }
            }
        }
    }
}

/// How often the candidate decided the same, as a bar.
fn agreement(one: &CandidateStatus) -> Markup {
    let all = one.runs.max(1);
    let share = |part: u64| part as f64 * 100.0 / all as f64;
    let (same, differs, failed) = (share(one.same), share(one.differs), share(one.failed));
    html! {
        svg.agreement viewBox="0 0 100 4" preserveAspectRatio="none" role="img"
            aria-label={ (format!("{same:.1}")) " % the same, " (format!("{differs:.1}")) " % differ, " (format!("{failed:.1}")) " % failed" } {
            rect.none x="0" y="0" width="100" height="4" {}
            rect.same x="0" y="0" width=(format!("{same:.2}")) height="4" {}
            rect.differs x=(format!("{same:.2}")) y="0" width=(format!("{differs:.2}")) height="4" {}
            rect.failed x=(format!("{:.2}", same + differs)) y="0" width=(format!("{failed:.2}")) height="4" {}
        }
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// A plugin's name and tag at its registry, without the digest of its manifest: `ghcr.io/example/mask:1`.
fn name_and_tag(reference: &str) -> &str {
    let reference = reference.strip_prefix("oci://").unwrap_or(reference);
    reference.split('@').next().unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_of_a_registry_is_shown_by_its_name_and_tag() {
        let reference = "oci://ghcr.io/example/mask:1@sha256:00";
        assert_eq!(name_and_tag(reference), "ghcr.io/example/mask:1");
        assert_eq!(
            name_and_tag("localhost:5000/mask:2"),
            "localhost:5000/mask:2"
        );
    }
}
