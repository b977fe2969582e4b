//! Servers: how each is reached, how it is, what holds it, what it reached, and whether its tools are as approved.

use maud::{Markup, html};
use sandgate_daemon::status::{EgressStatus, ServerStatus, Status};

use super::{Page, count, lines, own, problem, short, shown, state, when, wrong};
use crate::access::Session;
use crate::desk::ComparedPins;

/// The most servers, hosts of a list, and differences that are shown.
const MOST: usize = 500;
const HOSTS: usize = 40;
const DIFFERENCES: usize = 200;

pub(crate) fn page(status: &Status, session: &Session) -> Page {
    let servers = &status.servers;
    Page {
        title: "Servers".to_owned(),
        content: html! {
            @if servers.is_empty() { p.empty { "No server is configured: add `[servers.NAME]` to the file." } }
            div.cards {
                @for server in servers.iter().take(MOST) { (card(status, server, session)) }
            }
            @if servers.len() > MOST { p.aside { (servers.len() - MOST) " more are not shown." } }
            section {
                h2 { "Approved tools" }
                p { "Asks each server for its tools, as " code { "sandgate pins diff" }
                    " does, and compares them with the lock file." }
                @if session.may_act() {
                    form method="post" action="/do/compare-pins" { (own(session)) button { "Compare now" } }
                } @else { p.aside { "That may start programs, so an operator does it." } }
            }
        },
    }
}

fn card(status: &Status, server: &ServerStatus, session: &Session) -> Markup {
    let (kind, word) = wrong::state_of(status, server);
    html! {
        article.card id=(server.name) tabindex="-1" {
            header { h2 { (shown(&server.name)) } (state(kind, &shown(&word))) }
            dl.facts {
                div { dt { "at" } dd { (short(&server.at)) " " small { (server.transport) } } }
                div { dt { "eras" }
                    dd { @if server.eras.is_empty() { "not known yet" } @else { (server.eras.join(", ")) } } }
                div { dt { "under way" } dd { (server.under_way) } }
                @if server.transport == "stdio" { div { dt { "processes" } dd { (server.children) } } }
                @if let Some(contained) = &server.contained {
                    div.wide { dt { "held by" } dd { (held(contained)) } }
                }
                @if let Some(egress) = &server.egress { (reaches(egress)) }
                @if server.hidden_from_modern {
                    div.wide { dt { "not on /mcp" }
                        dd { "modern clients do not see it there: it speaks the legacy protocol alone" } }
                }
                @if !server.lookalikes.is_empty() {
                    div.wide { dt { "left out" }
                        dd { "names that look the same: " (short(&server.lookalikes.join(", "))) } }
                }
                @if server.dropped > 0 { div { dt { "dropped" }
                    dd { (count(server.dropped)) " messages that belong to nothing it was asked" } } }
                @if let Some(last) = &server.last_error {
                    div.wide { dt { "last error" } dd { time { (when(&last.at)) } " UTC: " (short(&last.error)) } }
                }
            }
            footer {
                a href={ "/calls?server=" (crate::form::encoded(&server.name)) } { "Calls" }
                @if session.may_act() {
                    a.stop href={ "/stops?kind=server&name=" (crate::form::encoded(&server.name)) "#new" } { "Stop…" }
                }
            }
        }
    }
}

fn held(contained: &str) -> Markup {
    html! {
        @if contained.contains("unconfined") { (state("warn", &short(contained))) }
        @else { (state("well", &short(contained))) }
    }
}

fn reaches(egress: &EgressStatus) -> Markup {
    let tally = egress.tally;
    html! {
        div.wide {
            dt { "reaches" }
            dd {
                @for host in egress.hosts.iter().take(HOSTS) { code { (short(host)) } " " }
                @if egress.hosts.is_empty() { "no host" }
                @if egress.hosts.len() > HOSTS { "and " (egress.hosts.len() - HOSTS) " more" }
            }
        }
        div.wide {
            dt { "connections" }
            dd {
                (count(tally.allowed)) " allowed, " (count(tally.refused)) " refused, " (count(tally.failed)) " failed"
                @if tally.audited > 0 { ", " (count(tally.audited)) " let through by the audit alone" }
            }
        }
        @if let Some(until) = &egress.audit_until {
            div.wide { dt { "audit" }
                dd { (state("warn", &format!("every public host is let through until {}", when(until)))) } }
        }
    }
}

/// How tools differ from the approved ones.
pub(crate) fn pins(found: Result<ComparedPins, String>, session: &Session) -> Page {
    let ComparedPins {
        differences: found,
        left_out,
    } = match found {
        Ok(found) => found,
        Err(why) => return problem("Tools cannot be compared", &why),
    };
    Page {
        title: "Approved tools".to_owned(),
        content: html! {
            @if !left_out.is_empty() {
                p { (state("warn", "not asked")) " Stopped: " (short(&left_out.join(", "))) }
            }
            @if found.is_empty() { p { (state("well", "No tool differs from the approved one.")) } }
            @for one in found.iter().take(DIFFERENCES) {
                article.card {
                    header {
                        h2 { (short(&one.server)) " / " (short(&one.tool)) }
                        @if one.dangerous { (state("bad", "may do harm")) } @else { (state("warn", "differs")) }
                    }
                    pre.difference tabindex="0" { (lines(&one.text)) }
                    @if session.may_act() {
                        form method="post" action="/do/approve" {
                            (own(session))
                            input type="hidden" name="server" value=(one.server);
                            input type="hidden" name="tool" value=(one.tool);
                            input type="hidden" name="seen" value=(one.digest());
                            @if one.dangerous { input type="hidden" name="dangerous" value="yes"; }
                            button { "Approve…" }
                        }
                    }
                }
            }
            @if found.len() > DIFFERENCES { p.aside { (found.len() - DIFFERENCES) " more: " code { "sandgate pins diff" } } }
            p { a href="/servers" { "Back to the servers" } }
        },
    }
}
