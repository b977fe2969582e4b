//! Stops: what is stopped, and the button that stops something.

use maud::{Markup, html};
use sandgate_daemon::status::Status;
use sandgate_daemon::stops::StopStatus;

use super::{Page, own, short, shown, state, when};
use crate::access::Session;
use crate::form::Form;

/// What can be stopped.
const KINDS: [(&str, &str); 4] = [
    ("server", "Server"),
    ("tool", "Tool (SERVER/TOOL, globs)"),
    ("client", "Client"),
    ("plugin", "Plugin or interceptor"),
];
/// How long.
const PERIODS: [(&str, &str); 6] = [
    ("", "until it is resumed"),
    ("10m", "10 minutes"),
    ("1h", "1 hour"),
    ("8h", "8 hours"),
    ("1d", "1 day"),
    ("7d", "7 days"),
];

pub(crate) fn page(status: &Status, session: &Session, query: &Form) -> Page {
    Page {
        title: "Stops".to_owned(),
        content: html! {
            @if status.stops.is_empty() { p { (state("well", "Nothing is stopped.")) } }
            div.cards { @for stop in &status.stops { (card(stop, session)) } }
            @if session.may_act() { (new(query)(session)) }
        },
    }
}

fn card(stop: &StopStatus, session: &Session) -> Markup {
    let kind = stop.kind.as_str();
    html! {
        article.card.stopped {
            header { h2 { (kind) " " code { (short(&stop.name)) } } (state("bad", "stopped")) }
            p.why { (short(&stop.why)) }
            dl.facts {
                div { dt { "since" } dd { (when(&stop.since)) " UTC" } }
                div { dt { "until" }
                    dd { @match &stop.until { Some(until) => { (when(until)) " UTC" } None => "it is resumed" } } }
                div { dt { "by" } dd { "user " (stop.by) } }
            }
            @if session.may_act() {
                footer {
                    form method="post" action="/do/resume" {
                        (own(session))
                        input type="hidden" name="kind" value=(kind);
                        input type="hidden" name="name" value=(stop.name);
                        button { "Resume…" }
                    }
                }
            }
        }
    }
}

/// The form of a new stop. A link may fill in what and its name, and nothing else.
fn new(query: &Form) -> impl FnOnce(&Session) -> Markup {
    let (kind, name) = (query.get("kind").to_owned(), query.get("name").to_owned());
    move |session| {
        html! {
            section.card.danger #new {
                header { h2 { "Stop something" } }
                form.stopping method="post" action="/do/stop" {
                    (own(session))
                    label { span { "What" } select name="kind" required {
                        @for (value, text) in KINDS { option value=(value) selected[kind == value] { (text) } }
                    } }
                    label { span { "Name" }
                        input type="text" name="name" value=(shown(&name)) required maxlength="512"
                        autocomplete="off" spellcheck="false"; }
                    label { span { "For" } select name="for" {
                        @for (value, text) in PERIODS { option value=(value) { (text) } }
                    } }
                    label.wide { span { "Why: it is recorded, and never told to a client" }
                        input type="text" name="why" required maxlength="512" autocomplete="off"; }
                    button.red { "Stop…" }
                }
            }
        }
    }
}
