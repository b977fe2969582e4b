//! Clients, and what each of them sees.

use maud::{Markup, html};

use super::{Page, heads, own, problem, short, shown, state};
use crate::access::Session;
use crate::desk::{Seen, SeenItem, SeenServer};
use crate::form::{Form, encoded};

/// The most clients that are shown, and things of one server.
const MOST: usize = 500;
const ITEMS: usize = 500;

pub(crate) fn page((names, others): &(Vec<String>, bool), session: &Session) -> Page {
    Page {
        title: "Clients".to_owned(),
        content: html! {
            (form("", "", session))
            @if names.is_empty() {
                p.empty {
                    @if *others { "No client is configured: whoever comes has a token of an issuer, or is let in without a name." }
                    @else { "No client is configured." }
                }
            }
            ul.cards.small {
                @for name in names.iter().take(MOST) {
                    li.card {
                        header { h2 { (short(name)) } }
                        footer {
                            @if session.may_act() {
                                form method="post" action="/do/look-as" { (own(session))
                                    input type="hidden" name="client" value=(name); button.quiet { "See as" } }
                            }
                            a href={ "/calls?client=" (encoded(name)) } { "Calls" }
                            a.stop href={ "/stops?kind=client&name=" (encoded(name)) "#new" } { "Stop…" }
                        }
                    }
                }
            }
            @if names.len() > MOST { p.aside { (names.len() - MOST) " more are not shown." } }
            @if *others && !names.is_empty() { p.aside { "Others come with tokens of an issuer." } }
        },
    }
}

fn form(client: &str, groups: &str, session: &Session) -> Markup {
    if !session.may_act() {
        return html! { p.aside { "To see as a client may start programs, so an operator does it." } };
    }
    html! {
        form.filters method="post" action="/do/look-as" aria-label="See as a client" {
            (own(session))
            label { span { "See as client" }
                input type="search" name="client" value=(shown(client)) required data-filter autocomplete="off" spellcheck="false"; }
            label { span { "Of groups, where it is not configured" }
                input type="text" name="groups" value=(shown(groups)) placeholder="a, b"
                autocomplete="off" spellcheck="false"; }
            button { "Look" }
        }
        p.aside { "Asks each server itself, as " code { "sandgate check --as" } " does; that may start programs." }
    }
}

pub(crate) fn seen(asked: &Form, found: Result<Seen, String>, session: &Session) -> Page {
    let client = asked.get("client");
    let seen = match found {
        Ok(seen) => seen,
        Err(why) => return problem("Nothing can be seen", &why),
    };
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => short(&names.join(", ")),
    };
    Page {
        title: format!("As {}", short(client)),
        content: html! {
            (form(client, asked.get("groups"), session))
            p.lead { "Groups: " (list(&seen.groups)) ". Views: " (list(&seen.views)) "." }
            @for server in &seen.servers { (of_server(server)) }
        },
    }
}

fn of_server(server: &SeenServer) -> Markup {
    let visible = server.items.iter().filter(|item| item.seen).count();
    // What is seen comes first, so that a cut list hides nothing of it.
    let (mut items, hidden): (Vec<&SeenItem>, Vec<&SeenItem>) =
        server.items.iter().partition(|item| item.seen);
    items.extend(hidden);
    html! {
        section.card {
            header {
                h2 { (short(&server.server)) }
                @if server.shown { (state("well", &format!("{visible} of {} seen", server.items.len()))) }
                @else { (state("idle", "not there for this client")) }
            }
            @if let Some(why) = &server.unasked { p { (state("bad", "could not be asked")) " " (short(why)) } }
            @for name in &server.judged_by { p.aside { "The interceptor " code { (short(name)) } " (allow-tools) must allow a call too." } }
            @if server.shown && !items.is_empty() {
                div.box tabindex="0" role="group" aria-label="What it lists" {
                    table.seen {
                        (heads(&["seen", "kind", "name", "why"]))
                        tbody {
                            @for item in items.iter().take(ITEMS) {
                                tr class=(if item.seen { "sees" } else { "hides" }) {
                                    td { @if item.seen { "sees" } @else { "hidden" } }
                                    td { (short(&item.kind)) }
                                    th scope="row" { (short(&item.name)) }
                                    td { (short(&item.why)) }
                                }
                            }
                        }
                    }
                }
                @if items.len() > ITEMS { p.aside { (items.len() - ITEMS) " more: " code { "sandgate check --as" } } }
            }
        }
    }
}
