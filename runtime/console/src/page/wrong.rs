//! What is wrong now, by the status alone, and how a server is.

use maud::{Markup, html};
use sandgate_daemon::status::{ServerStatus, Status};
use sandgate_gateway::StopKind;

use super::{count, short, shown, state};

/// The most things that are shown.
const WRONG: usize = 20;

/// Something that is wrong, and where more of it is said.
pub(crate) struct Wrong {
    /// `bad`, or `warn` where somebody meant it.
    pub(crate) kind: &'static str,
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) path: &'static str,
}

/// What is wrong now, by the status alone.
pub(crate) fn wrong(status: &Status) -> Vec<Wrong> {
    let mut all = Vec::new();
    let mut put = |kind, what: String, why: String, path| {
        let why = short(&why);
        all.push(Wrong {
            kind,
            what,
            why,
            path,
        });
    };
    for one in &status.conditions {
        let unready = if one.unready { " (not ready)" } else { "" };
        put(
            "bad",
            format!("{}{unready}", shown(&one.condition)),
            one.detail.clone(),
            "/audit",
        );
    }
    if let Some(failed) = status
        .failed_reload
        .as_ref()
        .filter(|failed| !failed.mended)
    {
        let first = failed.error.lines().next().unwrap_or_default();
        put(
            "bad",
            "the last change was refused".to_owned(),
            first.to_owned(),
            "/policies",
        );
    }
    for alert in &status.alerts {
        for one in &alert.firing {
            let what = format!("alert {}", shown(&alert.name));
            put("bad", what, one.what.clone(), "/alerts");
        }
        if let Some(last) = alert.last.as_ref().filter(|last| !last.ok) {
            let what = format!("alert {}: the receiver is not told", shown(&alert.name));
            put("warn", what, last.said.clone(), "/alerts");
        }
    }
    for server in &status.servers {
        let (kind, word) = state_of(status, server);
        if kind == "bad" {
            let error = server.last_error.as_ref().map(|last| last.error.clone());
            put(
                "bad",
                format!("server {}: {}", shown(&server.name), shown(&word)),
                error.unwrap_or_default(),
                "/servers",
            );
        }
        if !server.lookalikes.is_empty() {
            let names = server.lookalikes.join(", ");
            put(
                "warn",
                format!("server {}: names that look the same", shown(&server.name)),
                names,
                "/servers",
            );
        }
        if let Some(until) = server
            .egress
            .as_ref()
            .and_then(|egress| egress.audit_until.as_ref())
        {
            let why = format!("every public host is let through until {until}");
            put(
                "warn",
                format!(
                    "server {}: an audit of its connections",
                    shown(&server.name)
                ),
                why,
                "/servers",
            );
        }
    }
    for one in status
        .interceptors
        .iter()
        .filter(|one| one.tally.faults > 0)
    {
        let why = format!(
            "{} of {} runs failed",
            count(one.tally.faults),
            count(one.tally.runs)
        );
        put(
            "bad",
            format!("interceptor {} has faults", shown(&one.name)),
            why,
            "/policies",
        );
    }
    for issuer in &status.issuers {
        if let (Some(since), Some(error)) = (&issuer.failing_since, &issuer.error) {
            put(
                "bad",
                format!("issuer {} fails since {since}", shown(&issuer.issuer)),
                error.clone(),
                "/clients",
            );
        }
    }
    if status.unwritten_records > 0 {
        put(
            "bad",
            "the call log has gaps".to_owned(),
            format!(
                "{} records could not be written",
                count(status.unwritten_records)
            ),
            "/audit",
        );
    }
    if !status.needs_restart.is_empty() {
        put(
            "warn",
            "keys wait for the next start".to_owned(),
            status.needs_restart.join(", "),
            "/policies",
        );
    }
    for stop in &status.stops {
        let kind = stop.kind.as_str();
        put(
            "warn",
            format!("{kind} {} is stopped", shown(&stop.name)),
            stop.why.clone(),
            "/stops",
        );
    }
    all.truncate(WRONG);
    all
}

/// What is wrong, as a list of links.
pub(crate) fn verdict(wrong: &[Wrong]) -> Markup {
    html! {
        section.verdict aria-live="polite" aria-label="What is wrong now" data-wrong {
            @if wrong.is_empty() { p.well { (state("well", "Nothing is wrong.")) } }
            @else {
                ul {
                    @for one in wrong { li class=(one.kind) { a href=(one.path) { (one.what) } span { (one.why) } } }
                }
            }
        }
    }
}

/// How a server is: the kind of its dot, and words.
pub(crate) fn state_of(status: &Status, server: &ServerStatus) -> (&'static str, String) {
    let word = status.state_of(server);
    let kind = match word.as_str() {
        "well" => "well",
        "starting" | "not asked yet" => "idle",
        "stopped" => "warn",
        _ => "bad",
    };
    (kind, word)
}

/// Whether an interceptor is stopped.
pub(crate) fn is_stopped(status: &Status, name: &str, plugin: &str) -> bool {
    status.is_stopped(StopKind::Plugin, &[name, plugin])
}
