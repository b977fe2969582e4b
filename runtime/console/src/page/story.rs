//! The story of one call: its way through the pipeline as a picture, what each interceptor decided, and the words of
//! `sandgate why`.

use maud::{Markup, html};
use sandgate_daemon::admin::Ask;
use sandgate_daemon::operator::Operator;
use sandgate_telemetry::call_log::record::{Entry, Kind, Noticed, Record};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Page, count, digest, lines, moment, pathway, short, shown, took};
use crate::access::Session;

/// The most bytes of a payload that are shown, and hook runs.
const PAYLOAD: usize = 64 << 10;
const RUNS: usize = 200;

/// Where findings are, of their details. Nothing else of these is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    spans: Vec<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Span {
    pointer: String,
}

/// The records of a call that the gateway remembers.
pub(crate) async fn remembered(
    operator: &Operator,
    id: &str,
    session: &Session,
) -> Result<Vec<Box<RawValue>>, String> {
    let call = Some(id.to_owned());
    operator.ask(Ask::Why { call }, &session.actor()).await
}

pub(crate) fn page(records: &[Box<RawValue>], text: Result<String, String>) -> Page {
    let read: Vec<Record> = records
        .iter()
        .filter_map(|record| serde_json::from_str(record.get()).ok())
        .collect();
    let of = |kind: Kind| read.iter().find(|one| one.record == kind);
    let (forwarded, ended) = (of(Kind::Forwarded), of(Kind::Ended));
    let Some(known) = ended.or(forwarded) else {
        return super::problem("No story", "There are no records of this call.");
    };
    let text = text.unwrap_or_else(|why| format!("The story cannot be told: {why}"));
    let outcome = text
        .lines()
        .next()
        .and_then(|line| line.split_once(": "))
        .map_or("", |(_, outcome)| outcome);
    let title = known.target.as_deref().unwrap_or(&known.method);
    Page {
        title: short(title),
        content: html! {
            p.lead { (shown(outcome)) }
            div.box.picture tabindex="0" role="group" aria-label="The way of the call, to be scrolled" { (pathway::draw(known, forwarded.is_some())) }
            (facts(known))
            @if let Some(ended) = ended { (runs(&ended.trail.entries)) }
            (payload("Params, as they were sent", forwarded.and_then(|one| one.params.as_deref())))
            (payload("Reply, as it left", ended.and_then(|one| one.reply.as_deref())))
            details.words { summary { "In the words of " code { "sandgate why" } } pre.prose { (lines(&text)) } }
        },
    }
}

fn facts(known: &Record) -> Markup {
    let client = known.client.as_ref().map(|client| match &client.version {
        Some(version) => format!("{} {version}", client.name),
        None => client.name.clone(),
    });
    let (day, time) = moment(&known.time);
    let all = [
        ("call", known.id.clone()),
        ("method", known.method.clone()),
        ("server", known.server.clone()),
        (
            "client",
            known
                .principal
                .clone()
                .or(client.clone())
                .unwrap_or_else(|| "did not say".to_owned()),
        ),
        (
            "its program",
            client
                .filter(|_| known.principal.is_some())
                .unwrap_or_default(),
        ),
        ("era", known.era.clone()),
        ("session", known.session.clone().unwrap_or_default()),
        ("ended", format!("{day} {time} UTC")),
        ("took", known.us.map(took).unwrap_or_default()),
        (
            "of it the server's",
            known.server_us.map(took).unwrap_or_default(),
        ),
        ("sent", format!("{} bytes", count(known.request_bytes))),
        (
            "came back",
            known
                .reply_bytes
                .map(|bytes| format!("{} bytes", count(bytes)))
                .unwrap_or_default(),
        ),
        ("configuration", format!("version {}", known.trail.version)),
        (
            "rule",
            known
                .refused_by
                .as_ref()
                .map(|rule| rule.code.clone())
                .unwrap_or_default(),
        ),
    ];
    html! {
        dl.facts {
            @for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
                div { dt { (name) }
                    dd { @if matches!(*name, "call" | "session") { code.id { (short(value)) } } @else { (short(value)) } } }
            }
        }
    }
}

fn runs(entries: &[Entry]) -> Markup {
    html! {
        @for (hook, title) in [("pre-call", "On the way in"), ("post-call", "On the way back")] {
            @let of_hook: Vec<&Entry> = entries.iter().filter(|entry| entry.hook == hook).take(RUNS).collect();
            @if !of_hook.is_empty() {
                section {
                    h2 { (title) }
                    ol.runs {
                        @for entry in of_hook { li class={ "run " (pathway::class(entry)) } { (run(entry)) } }
                    }
                }
            }
        }
    }
}

fn run(entry: &Entry) -> Markup {
    let effect = match (entry.decision.as_str(), entry.applied) {
        ("proceed", _) | (_, true) => "",
        ("fault", false) if entry.mode != "audit" => "let through",
        (_, false) if entry.mode == "audit" => "in audit: without effect",
        _ => "without effect",
    };
    html! {
        p.line {
            strong { (short(&entry.interceptor)) }
            " " span class={ "badge " (pathway::class(entry)) } { (pathway::word(entry)) }
            @if let Some(code) = entry.code.as_ref().or(entry.failure.as_ref()) { " " code { (short(code)) } }
            @if !effect.is_empty() { " " small { (effect) } }
            span.number { (took(entry.us)) }
            (digest(&shown(&entry.digest)))
        }
        @if let Some(pointer) = &entry.pointer { p.place { "at " code { (short(pointer)) } } }
        @for finding in entry.findings.iter().take(RUNS) {
            p.finding {
                span class={ "severity " (severity(&finding.severity)) } { (short(&finding.severity)) }
                " " code { (short(&finding.rule)) } " " (short(&finding.message))
                " " small { (short(&finding.part)) " " @for place in places(finding) { code { (short(&place)) } " " } }
            }
        }
    }
}

/// The places of a finding, a few of them.
fn places(finding: &Noticed) -> Vec<String> {
    let details = finding.details.as_ref();
    let details = details.and_then(|details| serde_json::from_str::<Details>(details.get()).ok());
    let spans = details.unwrap_or_default().spans.into_iter();
    let mut places: Vec<String> = finding.pointer.iter().cloned().collect();
    places.extend(spans.map(|span| span.pointer));
    places.dedup();
    places.truncate(8);
    places
}

fn severity(word: &str) -> &'static str {
    match word {
        "critical" | "error" | "high" => "bad",
        "warn" | "warning" | "medium" => "warn",
        _ => "idle",
    }
}

/// A recorded payload: the call log has it where `[call-log] payloads` says so.
fn payload(title: &str, payload: Option<&RawValue>) -> Markup {
    let Some(payload) = payload else {
        return html! {};
    };
    let text = serde_json::from_str::<serde_json::Value>(payload.get()).ok();
    let text = text
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_default();
    let end = text.floor_char_boundary(PAYLOAD);
    html! {
        details { summary { (title) }
            pre.payload { (lines(&text[..end])) }
            @if end < text.len() { p.aside { "Cut: the call log has all of it." } }
        }
    }
}
