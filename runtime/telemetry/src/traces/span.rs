//! A call as spans, by OpenTelemetry's conventions for MCP: a span of the call, one of each hook run, and one of what
//! the other side did.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use sandgate_gateway::{CallTimings, Decision, Ended, SpanId, Trace};
use sandgate_message::{Direction, Method, Target};
use sandgate_pipeline::TrailEntry;

use crate::attribute::{attribute, cut, nanos, number, text};
use crate::metrics::{method_label, mode_label, outcome_label};
use crate::refusal_codes::{self, RefusalCodes};

/// The longest text of an attribute, in bytes. Names and URIs come from clients.
const LONGEST: usize = 256;
/// The flag of a sampled span.
const KEPT: u32 = 0x001;
/// The flag that says that [`ELSEWHERE`] is meaningful.
const KNOWN: u32 = 0x100;
/// The flag of a span whose parent is in another process.
const ELSEWHERE: u32 = 0x200;

/// A party that the gateway speaks to, as far as spans describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    transport: &'static str,
    address: Option<(String, u16)>,
}

/// The two parties of a call.
pub(super) struct Ends<'a> {
    pub(super) client: &'a Peer,
    pub(super) server: &'a Peer,
}

impl Peer {
    pub(super) fn pipe() -> Self {
        Self {
            transport: "pipe",
            address: None,
        }
    }

    pub(super) fn tcp() -> Self {
        Self {
            transport: "tcp",
            address: None,
        }
    }

    pub(super) fn at(url: &http::Uri) -> Self {
        let own = if url.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let host = |host: &str| host.trim_matches(['[', ']']).to_owned();
        Self {
            transport: "tcp",
            address: url
                .host()
                .map(|name| (host(name), url.port_u16().unwrap_or(own))),
        }
    }

    fn describe(&self, attributes: &mut Vec<KeyValue>) {
        attributes.push(text("network.transport", self.transport));
        if self.transport == "tcp" {
            attributes.push(text("network.protocol.name", "http"));
        }
        if let Some((address, port)) = &self.address {
            attributes.push(text("server.address", address));
            attributes.push(number("server.port", i64::from(*port)));
        }
    }
}

/// The spans of a call that has ended.
pub(super) fn of(
    record: &Ended<'_>,
    timings: &CallTimings<'_>,
    trace: &Trace,
    ends: &Ends<'_>,
    codes: &HashMap<String, Arc<RefusalCodes>>,
) -> Vec<Span> {
    let (from, to) = match record.call.direction {
        Direction::ClientToServer => (ends.client, ends.server),
        Direction::ServerToClient => (ends.server, ends.client),
    };
    let clock = Clock {
        end: nanos(record.at),
        left: timings.replied,
    };
    let error = error_of(record);
    let entries = &record.trail.entries;
    let mut spans = Vec::with_capacity(entries.len() + 2);

    let mut whole = Span {
        parent_span_id: trace.parent.map_or_else(Vec::new, |id| id.0.to_vec()),
        links: trace.link.iter().map(link).collect(),
        flags: KEPT | KNOWN | trace.parent.map_or(0, |_| ELSEWHERE),
        ..begin(trace, trace.call.span, SpanKind::Server, record, from)
    };
    whole.attributes.extend([
        text("sandgate.call.id", &record.call.id.0),
        text("sandgate.outcome", outcome_label(record.decision)),
        number("sandgate.edition", record.trail.version as i64),
    ]);
    let stopped = record.trail.stopped_by();
    if let Some(code) = stopped.and_then(|entry| refusal_code(entry, codes)) {
        whole.attributes.push(code);
    }
    clock.set(&mut whole, timings.received, timings.replied);
    fail(&mut whole, error.as_deref(), record);
    spans.push(whole);

    for entry in entries {
        if let Some(asked) = entry.asked {
            let mut run = hook_run(trace, entry);
            run.attributes.extend(refusal_code(entry, codes));
            clock.set(&mut run, asked, asked);
            run.end_time_unix_nano += entry.us.saturating_mul(1000);
            spans.push(run);
        }
    }

    if let Some(went) = timings.forwarded {
        let mut beyond = Span {
            parent_span_id: trace.call.span.0.to_vec(),
            ..begin(trace, trace.onward, SpanKind::Client, record, to)
        };
        clock.set(
            &mut beyond,
            went,
            timings.answered.unwrap_or(timings.replied),
        );
        // A policy's refusal of the reply is not an error of the server.
        if record.decision != Decision::Refused {
            fail(&mut beyond, error.as_deref(), record);
        }
        spans.push(beyond);
    }
    spans
}

fn begin(trace: &Trace, id: SpanId, kind: SpanKind, record: &Ended<'_>, peer: &Peer) -> Span {
    let call = record.call;
    let method = method_label(&call.method);
    let target = call.target.as_deref().map(|target| cut(target, LONGEST));
    let mut name = method.to_owned();
    let mut attributes = Vec::with_capacity(16);
    attributes.push(text("mcp.method.name", method));
    attributes.push(text("sandgate.server", &call.server));
    match (Method::new(&call.method).target(), target) {
        (Target::Tool, Some(tool)) => {
            name = format!("{method} {tool}");
            attributes.push(text("gen_ai.tool.name", tool));
        }
        (Target::Prompt, Some(prompt)) => {
            name = format!("{method} {prompt}");
            attributes.push(text("gen_ai.prompt.name", prompt));
        }
        // A refused resource's URI is left out: a policy may have refused the call because of it.
        (Target::Resource, Some(uri)) if record.decision != Decision::Refused => {
            attributes.push(text("mcp.resource.uri", uri));
        }
        _ => {}
    }
    if method == "tools/call" {
        attributes.push(text("gen_ai.operation.name", "execute_tool"));
    }
    if let Some(session) = &call.session {
        attributes.push(text("mcp.session.id", session));
    }
    if let Some(version) = call
        .attribute("protocol.version")
        .filter(|it| is_version(it))
    {
        attributes.push(text("mcp.protocol.version", version));
    }
    peer.describe(&mut attributes);
    Span {
        trace_id: trace.call.trace.0.to_vec(),
        span_id: id.0.to_vec(),
        trace_state: trace.state.clone().unwrap_or_default(),
        flags: KEPT | KNOWN,
        name,
        kind: kind.into(),
        attributes,
        ..Span::default()
    }
}

fn hook_run(trace: &Trace, entry: &TrailEntry) -> Span {
    let mut attributes = vec![
        text("sandgate.interceptor.name", &entry.interceptor),
        text("sandgate.interceptor.digest", &entry.digest),
        text("sandgate.interceptor.hook", entry.hook.as_str()),
        text("sandgate.interceptor.mode", mode_label(entry.mode)),
        text("sandgate.interceptor.decision", entry.decision.as_str()),
    ];
    let applied = Value::BoolValue(entry.applied);
    attributes.push(attribute("sandgate.interceptor.applied", applied));
    let failed = entry.failure.map(|kind| {
        attributes.push(text("error.type", kind));
        Status {
            code: StatusCode::Error.into(),
            message: String::new(),
        }
    });
    Span {
        trace_id: trace.call.trace.0.to_vec(),
        span_id: SpanId::random().0.to_vec(),
        parent_span_id: trace.call.span.0.to_vec(),
        trace_state: trace.state.clone().unwrap_or_default(),
        flags: KEPT | KNOWN,
        name: format!("interceptor {}", entry.interceptor),
        kind: SpanKind::Internal.into(),
        attributes,
        status: failed,
        ..Span::default()
    }
}

/// The code of a refusal, from a bounded set, since collectors make series of attributes.
fn refusal_code(
    entry: &TrailEntry,
    codes: &HashMap<String, Arc<RefusalCodes>>,
) -> Option<KeyValue> {
    let code = entry.code.as_deref()?;
    let of = codes.get(&*entry.interceptor);
    let label = of.and_then(|of| of.label(of.place(code)));
    Some(text(
        "sandgate.refusal.code",
        label.unwrap_or(refusal_codes::OTHER),
    ))
}

/// The class of the error with which the call ended, as its requester sees it.
fn error_of(record: &Ended<'_>) -> Option<String> {
    let tool_error = || {
        let said = record.reply?.root().get("isError")?;
        said.to_json()
            .as_str()
            .eq("true")
            .then(|| "tool_error".to_owned())
    };
    match record.decision {
        Decision::Refused => Some("refused".into()),
        Decision::Overloaded => Some("overloaded".into()),
        Decision::Cancelled => Some("cancelled".into()),
        Decision::Failed => Some(code_of(record).unwrap_or_else(|| "failed".into())),
        Decision::Forwarded | Decision::Answered => code_of(record).or_else(tool_error),
    }
}

/// The code of a reply that is a JSON-RPC error.
fn code_of(record: &Ended<'_>) -> Option<String> {
    let error = record.reply.filter(|_| record.failed)?;
    Some(error.get("code")?.to::<i64>().ok()?.to_string())
}

/// Marks the span as failed. The error's message is left out: it is the server's or a policy's own text.
fn fail(span: &mut Span, error: Option<&str>, record: &Ended<'_>) {
    if let Some(code) = code_of(record) {
        span.attributes
            .push(text("rpc.response.status_code", &code));
    }
    if let Some(error) = error {
        span.attributes.push(text("error.type", error));
        span.status = Some(Status {
            code: StatusCode::Error.into(),
            message: String::new(),
        });
    }
}

/// Converts the moments of one call to wall-clock time. All moments go by a single reading of the wall clock.
struct Clock {
    end: u64,
    left: Instant,
}

impl Clock {
    fn set(&self, span: &mut Span, from: Instant, to: Instant) {
        span.start_time_unix_nano = self.at(from);
        span.end_time_unix_nano = self.at(to);
    }

    fn at(&self, moment: Instant) -> u64 {
        let before = self.left.saturating_duration_since(moment).as_nanos();
        self.end
            .saturating_sub(u64::try_from(before).unwrap_or(u64::MAX))
    }
}

fn link(context: &sandgate_gateway::TraceContext) -> Link {
    Link {
        trace_id: context.trace.0.to_vec(),
        span_id: context.span.0.to_vec(),
        flags: u32::from(context.flags) | KNOWN | ELSEWHERE,
        ..Link::default()
    }
}

/// Whether the text is a version as the protocol spells them. Other texts are the client's own and left out.
fn is_version(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(cut("short", LONGEST), "short");
        let long = "é".repeat(200);
        assert_eq!(cut(&long, LONGEST).len(), LONGEST);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd, LONGEST).len(), LONGEST - 1);
    }

    #[test]
    fn only_a_version_is_a_version() {
        assert!(is_version("2026-07-28"));
        assert!(!is_version("my secret!") && !is_version(""));
    }

    #[test]
    fn a_server_is_named_by_its_host_and_port() {
        let at = |text: &str| text.parse().map(|url| Peer::at(&url).address);
        let is = |name: &str, port| Some((name.to_owned(), port));
        assert_eq!(at("http://[::1]:9000/mcp").ok(), Some(is("::1", 9000)));
        assert_eq!(
            at("https://mcp.example.com").ok(),
            Some(is("mcp.example.com", 443))
        );
    }
}
