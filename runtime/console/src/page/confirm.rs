//! The second question before each deed: what will happen, and the button that does it.

use maud::{Markup, html};
use sandgate_gateway::StopKind;

use super::{Page, lines, own, short, state};
use crate::access::Session;
use crate::desk::Promotion;

/// A second question.
struct Question<'a> {
    title: String,
    /// What will happen.
    words: Markup,
    /// The deed, as its form's path names it, and its fields.
    deed: &'a str,
    fields: &'a [(&'a str, &'a str)],
    button: &'a str,
    /// Whether it may do harm.
    red: bool,
    /// Where it leads when nothing is done.
    back: &'a str,
}

impl Question<'_> {
    fn ask(self, session: &Session) -> Page {
        let red = self.red;
        Page {
            title: self.title,
            content: html! {
                section class=(if red { "card danger" } else { "card" }) {
                    (self.words)
                    form.deeds method="post" action={ "/do/" (self.deed) } {
                        (own(session))
                        @for (name, value) in self.fields { input type="hidden" name=(name) value=(value); }
                        input type="hidden" name="sure" value="yes";
                        button class=(if red { "red" } else { "do" }) autofocus[!red] { (self.button) }
                        a href=(self.back) { "No, go back" }
                    }
                }
            },
        }
    }
}

pub(crate) fn alert_test(session: &Session, name: &str) -> Page {
    let words = html! {
        p.lead { "Send a test of " code { (short(name)) } "?" }
        p { "The receiver gets one message that says that it is a test, now." }
    };
    Question {
        title: format!("Test {}?", short(name)),
        words,
        deed: "alert-test",
        fields: &[("name", name)],
        button: "Send it",
        red: false,
        back: "/alerts",
    }
    .ask(session)
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
    Question {
        title,
        words,
        deed: "stop",
        fields: &fields,
        button: "Stop it now",
        red: true,
        back: "/stops",
    }
    .ask(session)
}

pub(crate) fn resume(session: &Session, kind: StopKind, name: &str) -> Page {
    let words = html! { p.lead { "Resume " (kind.as_str()) " " code { (short(name)) } "? The next call is let through as before." } };
    let fields = [("kind", kind.as_str()), ("name", name)];
    let title = format!("Resume {} {}?", kind.as_str(), short(name));
    Question {
        title,
        words,
        deed: "resume",
        fields: &fields,
        button: "Resume it",
        red: false,
        back: "/stops",
    }
    .ask(session)
}

pub(crate) fn reload(session: &Session) -> Page {
    let words = html! { p.lead { "Read the configuration and its plugins anew? A good change is in force on the next call; a bad one changes nothing and says why." } };
    Question {
        title: "Reload?".to_owned(),
        words,
        deed: "reload",
        fields: &[],
        button: "Reload",
        red: false,
        back: "/policies",
    }
    .ask(session)
}

pub(crate) fn promote(session: &Session, name: &str, plan: &Promotion) -> Page {
    let words = html! {
        p.lead { "Put the candidate of " code { (short(name)) } " in its place, in the file and in the gateway?" }
        @for doubt in &plan.doubts { p { (state("warn", "doubtful")) " " (short(doubt)) } }
        pre.difference tabindex="0" { (lines(&plan.plan)) }
        p { "Where the change is another one by then, nothing is promoted." }
    };
    let title = format!("Promote {}?", short(name));
    Question {
        title,
        words,
        deed: "promote",
        fields: &[("name", name), ("seen", &plan.digest)],
        button: "Promote it",
        red: !plan.doubts.is_empty(),
        back: "/policies",
    }
    .ask(session)
}

pub(crate) fn reject(session: &Session, name: &str) -> Page {
    let words = html! { p.lead { "Take the candidate of " code { (short(name)) }
    " out of the file? The live one stays. What the file held before is kept beside it." } };
    let title = format!("Reject the candidate of {}?", short(name));
    Question {
        title,
        words,
        deed: "reject",
        fields: &[("name", name)],
        button: "Reject it",
        red: false,
        back: "/policies",
    }
    .ask(session)
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
        @if is_dangerous { p { (state("bad", "may do harm")) " The difference was judged dangerous, or the tool is new." } }
        p { "The server is asked once more. Where it says something else by then, nothing is approved." }
    };
    let title = format!("Approve {}?", short(tool));
    let fields = [("server", server), ("tool", tool), ("seen", seen)];
    Question {
        title,
        words,
        deed: "approve",
        fields: &fields,
        button: "Approve it",
        red: is_dangerous,
        back: "/servers",
    }
    .ask(session)
}
