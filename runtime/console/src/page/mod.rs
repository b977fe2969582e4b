//! Pages. Each file is one of them; a new one is a file, a row of [`SECTIONS`] and a line of the router.

pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod calls;
pub(crate) mod chart;
pub(crate) mod clients;
pub(crate) mod confirm;
pub(crate) mod overview;
pub(crate) mod pathway;
pub(crate) mod policies;
pub(crate) mod servers;
pub(crate) mod stops;
pub(crate) mod story;
mod wrong;

use maud::{DOCTYPE, Markup, html};
use sandgate_text::printable;

use crate::access::{Message, Role, Session};
use crate::asset::{ICON, SCRIPT, STYLE};

/// The parts of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Calls,
    Servers,
    Policies,
    Clients,
    Stops,
    Alerts,
    Audit,
}

/// The navigation: each part with its path, its name, and the key that leads there after `g`.
const SECTIONS: [(Section, &str, &str, &str); 8] = [
    (Section::Overview, "/", "Overview", "o"),
    (Section::Calls, "/calls", "Calls", "c"),
    (Section::Servers, "/servers", "Servers", "s"),
    (Section::Policies, "/policies", "Policies", "p"),
    (Section::Clients, "/clients", "Clients", "v"),
    (Section::Stops, "/stops", "Stops", "x"),
    (Section::Alerts, "/alerts", "Alerts", "l"),
    (Section::Audit, "/audit", "Audit", "a"),
];

/// What a page shows below the navigation.
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) content: Markup,
}

/// The most characters of a text of others that are shown in a list.
const SHORT: usize = 160;

/// A text of others: nothing in it steers, and it has no line ends.
pub(crate) fn shown(text: &str) -> String {
    printable(text)
}

/// A text of others, cut.
pub(crate) fn short(text: &str) -> String {
    cut(text, SHORT)
}

/// A text of others, cut after `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => printable(text),
        Some((end, _)) => format!("{}…", printable(&text[..end])),
    }
}

/// A text of several lines, each of which is shown as it is.
pub(crate) fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// A duration as people read it.
pub(crate) fn took(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// A count with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 8);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A time of a record (RFC 3339 in UTC): the day, and the time to the millisecond.
pub(crate) fn moment(time: &str) -> (String, String) {
    let (day, rest) = time.split_once('T').unwrap_or(("", time));
    let clock = rest.trim_end_matches('Z');
    let end = clock
        .char_indices()
        .nth(12)
        .map_or(clock.len(), |(end, _)| end);
    (printable(day), printable(&clock[..end]))
}

/// A time to the second, with its day.
pub(crate) fn when(time: &str) -> String {
    let (day, clock) = moment(time);
    format!("{day} {}", clock.split('.').next().unwrap_or_default())
}

/// A digest that is short enough to be compared by eye, and whole where one looks.
pub(crate) fn digest(whole: &str) -> Markup {
    html! { code.digest title=(whole) { (sandgate_daemon::digest::short(whole)) } }
}

/// A dot and a word for how something is: `well`, `warn`, `bad` or `idle`.
pub(crate) fn state(kind: &str, word: &str) -> Markup {
    html! { span class={ "state " (kind) } { (word) } }
}

/// The heads of a table's columns. One that begins with `~` is not shown.
pub(crate) fn heads(names: &[&str]) -> Markup {
    html! {
        thead { tr {
            @for name in names {
                th scope="col" {
                    @match name.strip_prefix('~') { Some(name) => span.hidden { (name) }, None => (name) }
                }
            }
        } }
    }
}

/// The hidden fields of every form.
pub(crate) fn own(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf()); }
}

/// A page that says what is wrong.
pub(crate) fn problem(title: &str, why: &str) -> Page {
    Page {
        title: title.to_owned(),
        content: html! { pre.prose { (lines(why)) } },
    }
}

/// A whole page for somebody who is in.
pub(crate) fn whole(
    session: &Session,
    section: Section,
    page: Page,
    message: Option<Message>,
) -> Markup {
    let viewer = session.role == Role::Viewer;
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&page.title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.bar {
                    a.brand href="/" { (mark()) span { "Sandgate" } }
                    nav aria-label="Pages" {
                        @for (one, path, name, key) in SECTIONS {
                            a href=(path) data-key=(key) aria-current=[(one == section).then_some("page")] { (name) }
                        }
                    }
                    div.who {
                        span title="What this session may do, and the name that records have of it" {
                            @if viewer { "viewer" } @else { "operator" } " " code { (session.name) }
                        }
                        form method="post" action="/leave" { (own(session)) button.quiet { "Leave" } }
                    }
                }
                main #main tabindex="-1" {
                    div.title {
                        h1 { (page.title) }
                        span.live role="status" hidden { "live" }
                    }
                    @if let Some(message) = message {
                        div class=(if message.good { "message good" } else { "message bad" }) role=(if message.good { "status" } else { "alert" }) {
                            pre.prose { (lines(&message.text)) }
                        }
                    }
                    (page.content)
                }
                (help())
            }
        }
    }
}

/// A whole page for somebody who is not in.
pub(crate) fn outside(title: &str, text: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body.outside {
                main #main {
                    p.brand { (mark()) span { "Sandgate" } }
                    h1 { (title) }
                    p {
                        @for (place, part) in text.split('`').enumerate() {
                            @if place % 2 == 0 { (part) } @else { code { (part) } }
                        }
                    }
                }
            }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Sandgate" }
            link rel="icon" type="image/svg+xml" href=(ICON.path);
            link rel="stylesheet" href=(STYLE.path);
            script src=(SCRIPT.path) defer {}
        }
    }
}

/// The sign of the project: a gate in a wall.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" {
            path d="M3 21V8a9 9 0 0 1 18 0v13h-5V9a4 4 0 0 0-8 0v12z" {}
        }
    }
}

fn help() -> Markup {
    let keys = [
        ("j k", "next and previous row"),
        ("Enter", "open the row"),
        ("/", "to the filter"),
        ("g", "then a letter: to a page"),
        ("?", "this help"),
        ("Esc", "close"),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { "Keys" }
            dl.keys {
                @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } }
                @for (_, _, name, key) in SECTIONS { dt { kbd { "g " (key) } } dd { (name) } }
            }
            form method="dialog" { button { "Close" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_at_a_glance() {
        assert_eq!(
            (took(7), took(1_250), took(23_400), took(2_340_000)),
            (
                "7 µs".into(),
                "1.2 ms".into(),
                "23 ms".into(),
                "2.3 s".into()
            )
        );
        assert_eq!(count(1_234_567).replace('\u{202f}', " "), "1 234 567");
        assert_eq!(
            moment("2026-12-01T10:00:00.123456Z"),
            ("2026-12-01".into(), "10:00:00.123".into())
        );
        assert_eq!(when("2026-12-01T10:00:00Z"), "2026-12-01 10:00:00");
        assert_eq!(moment("<ü>").1, "<ü>");
    }

    #[test]
    fn texts_of_others_are_escaped_and_do_not_steer() {
        let page = problem(
            "<script>alert(1)</script>",
            "a\u{202e}b\u{1b}[2J<img src=x onerror=alert(1)>",
        );
        let text = html! { h1 { (page.title) } (page.content) }.into_string();
        assert!(
            !text.contains("<script") && !text.contains("<img"),
            "{text}"
        );
        assert!(
            !text.contains('\u{202e}') && !text.contains('\u{1b}'),
            "{text}"
        );
    }
}
