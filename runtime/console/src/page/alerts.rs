//! Alerts: what lasts, and the rules with how their messages fare.

use maud::{Markup, html};
use sandgate_daemon::status::{AlertStatus, Status};

use super::{Page, count, own, short, state, when};
use crate::access::Session;

pub(crate) fn page(status: &Status, session: &Session) -> Page {
    let alerts = &status.alerts;
    let quiet = alerts.iter().all(|one| one.firing.is_empty());
    Page {
        title: "Alerts".to_owned(),
        content: html! {
            @if alerts.is_empty() {
                p.empty { "Nobody is woken. A rule is a table " code { "[[alerts]]" } " of the configuration: what it looks for, how much of it, and who is told." }
            } @else if quiet { p { (state("well", "No alert lasts.")) } }
            div.cards { @for one in alerts { (card(one, session)) } }
        },
    }
}

fn card(alert: &AlertStatus, session: &Session) -> Markup {
    let lasts = alert.firing.len();
    html! {
        article.card.stopped[lasts > 0] {
            header {
                h2 { (short(&alert.name)) }
                @if lasts > 0 { (state("bad", "firing")) } @else { (state("well", "quiet")) }
            }
            @for one in &alert.firing {
                p.why { (short(&one.what)) @if one.more > 0 { " and " (count(one.more)) " more" } }
                p.aside { (short(&one.kind)) ", since " (when(&one.since)) " UTC" }
            }
            dl.facts {
                div { dt { "looks for" } dd { (short(&alert.on.join(", "))) } }
                div.wide { dt { "tells" } dd { (short(&alert.to)) } }
                div { dt { "taken" } dd { (count(alert.sent)) } }
                div { dt { "not taken" } dd { (count(alert.failed)) } }
                div { dt { "no room" } dd { (count(alert.dropped)) } }
                div { dt { "waiting" } dd { (alert.waiting) } }
                @if let Some(last) = &alert.last {
                    div.wide { dt { "last message" }
                        dd { (when(&last.at)) " UTC " (state(if last.ok { "well" } else { "bad" }, &short(&last.said))) } }
                }
            }
            @if session.may_act() {
                footer {
                    form method="post" action="/do/alert-test" {
                        (own(session))
                        input type="hidden" name="name" value=(alert.name);
                        button { "Send a test…" }
                    }
                }
            }
        }
    }
}
