//! The second question before each deed: what will happen, and the button that does it.

use maud::{Markup, html};
use sandgate_gateway::StopKind;

use super::{Page, lines, own, short, state};
use crate::access::Session;
use crate::desk::Promotion;

/// The page of a deed: its words, its fields, the path of its form, the button, and where it leads when nothing is done.
fn asked(
    session: &Session,
    title: String,
    words: &Markup,
    deed: &str,
    fields: &[(&str, &str)],
    button: &str,
    red: bool,
    back: &str,
) -> Page {
    Page {
        title,
        content: html! {
            section class=(if red { "card danger" } else { "card" }) {
                (words)
                form.deeds method="post" action={ "/do/" (deed) } {
                    (own(session))
                    @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                    input type="hidden" name="sure" value="yes";
                    button class=(if red { "red" } else { "do" }) autofocus[!red] { (button) }
                    a href=(back) { "No, go back" }
                }
            }
        },
    }
}

pub(crate) fn stop(session: &Session, kind: StopKind, name: &str, why: &str, period: &str) -> Page {
    let what = match kind {
        StopKind::Server => {
            "New requests to it are refused, its calls under way are cancelled, its sessions and streams end, and its programs are ended."
        }
        StopKind::Client => {
            "Whatever it asks is answered 403, its calls under way are cancelled, and its sessions and streams end."
        }
        StopKind::Tool => {
            "It is left out of lists, calls of it are refused, and those under way are cancelled."
        }
        StopKind::Plugin => {
            "It is not run. What it would look at is refused, also where it may fail open."
        }
    };
    let until = match period {
        "" => "until it is resumed".to_owned(),
        period => format!("for {}", short(period)),
    };
    let words = html! {
        p.lead { "Stop " (kind.as_str()) " " code { (short(name)) } " " (until) "?" }
        p { (what) " In force at once, and kept over a restart." }
        p { "Why: " (short(why)) }
    };
    let fields = [
        ("kind", kind.as_str()),
        ("name", name),
        ("why", why),
        ("for", period),
    ];
    let title = format!("Stop {} {}?", kind.as_str(), short(name));
    asked(
        session,
        title,
        &words,
        "stop",
        &fields,
        "Stop it now",
        true,
        "/stops",
    )
}

pub(crate) fn resume(session: &Session, kind: StopKind, name: &str) -> Page {
    let words = html! { p.lead { "Resume " (kind.as_str()) " " code { (short(name)) } "? The next call is let through as before." } };
    let fields = [("kind", kind.as_str()), ("name", name)];
    let title = format!("Resume {} {}?", kind.as_str(), short(name));
    asked(
        session,
        title,
        &words,
        "resume",
        &fields,
        "Resume it",
        false,
        "/stops",
    )
}

pub(crate) fn reload(session: &Session) -> Page {
    let words = html! { p.lead { "Read the configuration and its plugins anew? A good change is in force on the next call; a bad one changes nothing and says why." } };
    asked(
        session,
        "Reload?".to_owned(),
        &words,
        "reload",
        &[],
        "Reload",
        false,
        "/policies",
    )
}

pub(crate) fn promote(session: &Session, name: &str, plan: &Promotion) -> Page {
    let words = html! {
        p.lead { "Put the candidate of " code { (short(name)) } " in its place, in the file and in the gateway?" }
        @for doubt in &plan.doubts { p { (state("warn", "doubtful")) " " (short(doubt)) } }
        pre.difference tabindex="0" { (lines(&plan.plan)) }
    };
    let title = format!("Promote {}?", short(name));
    asked(
        session,
        title,
        &words,
        "promote",
        &[("name", name)],
        "Promote it",
        !plan.doubts.is_empty(),
        "/policies",
    )
}

pub(crate) fn reject(session: &Session, name: &str) -> Page {
    let words = html! { p.lead { "Take the candidate of " code { (short(name)) } " out of the file? The live one stays. What the file held before is kept beside it." } };
    let title = format!("Reject the candidate of {}?", short(name));
    asked(
        session,
        title,
        &words,
        "reject",
        &[("name", name)],
        "Reject it",
        false,
        "/policies",
    )
}

pub(crate) fn approve(
    session: &Session,
    server: &str,
    tool: &str,
    seen: &str,
    is_dangerous: bool,
) -> Page {
    let words = html! {
        p.lead { "Approve " code { (short(server)) "/" (short(tool)) } " as it was shown?" }
        @if is_dangerous { p { (state("bad", "may do harm")) " The difference was judged dangerous." } }
        p { "The server is asked once more. Where it says something else by then, nothing is approved." }
    };
    let title = format!("Approve {}?", short(tool));
    let fields = [("server", server), ("tool", tool), ("seen", seen)];
    asked(
        session,
        title,
        &words,
        "approve",
        &fields,
        "Approve it",
        is_dangerous,
        "/servers/pins",
    )
}
