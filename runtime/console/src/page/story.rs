//! The story of one call: its way through the pipeline as a picture, what each interceptor decided, and the words of
//! `sandgate why`.

use maud::{Markup, html};
use sandgate_daemon::admin::Ask;
use sandgate_daemon::operator::Operator;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Page, count, digest, lines, moment, pathway, short, shown, took};
use crate::access::Session;

/// The most bytes of a payload that are shown, and hook runs.
const PAYLOAD: usize = 64 << 10;
const RUNS: usize = 200;

/// A record of a call, as far as a page needs it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    pub(crate) record: String,
    time: String,
    id: String,
    era: String,
    client: Option<Client>,
    principal: Option<String>,
    session: Option<String>,
    pub(crate) direction: String,
    pub(crate) server: String,
    method: String,
    target: Option<String>,
    pub(crate) decision: Option<String>,
    pub(crate) failed: bool,
    pub(crate) request_bytes: u64,
    pub(crate) reply_bytes: Option<u64>,
    us: Option<u64>,
    pub(crate) server_us: Option<u64>,
    pub(crate) refused_by: Option<Rule>,
    pub(crate) trail: Trail,
    params: Option<Box<RawValue>>,
    reply: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Client {
    name: String,
    version: Option<String>,
}

/// The gateway's own rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rule {
    pub(crate) code: String,
}

/// The hook runs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Trail {
    version: u64,
    pub(crate) entries: Vec<Entry>,
}

/// A hook run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(crate) interceptor: String,
    digest: String,
    pub(crate) hook: String,
    pub(crate) mode: String,
    pub(crate) decision: String,
    pub(crate) applied: bool,
    code: Option<String>,
    pointer: Option<String>,
    failure: Option<String>,
    findings: Vec<Finding>,
    pub(crate) us: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Finding {
    rule: String,
    severity: String,
    part: String,
    pointer: Option<String>,
    message: String,
    details: Option<Details>,
}

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
        .filter_map(|record| serde_json::from_str::<Record>(record.get()).ok())
        .filter(|record| matches!(record.record.as_str(), "forwarded" | "ended"))
        .collect();
    let forwarded = read.iter().find(|one| one.record == "forwarded");
    let ended = read.iter().find(|one| one.record == "ended");
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
                " " small { (short(&finding.part)) " " @for place in places(finding) { code { (short(place)) } " " } }
            }
        }
    }
}

/// The places of a finding, a few of them.
fn places(finding: &Finding) -> Vec<&str> {
    let spans = finding.details.iter().flat_map(|details| &details.spans);
    let mut places: Vec<&str> = finding
        .pointer
        .iter()
        .map(String::as_str)
        .chain(spans.map(|span| span.pointer.as_str()))
        .collect();
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
