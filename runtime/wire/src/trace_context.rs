//! W3C trace context: which trace a call is part of, and where in it. Only ids are handled here; where spans are stored
//! is not the gateway's concern.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use sandgate_message::{Edit, Limits, Message, apply};
use sandgate_text::hex;

/// The names of the HTTP headers, and of the members of `params._meta`.
const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
const PARENT_HEADER: HeaderName = HeaderName::from_static(PARENT);
const STATE_HEADER: HeaderName = HeaderName::from_static(STATE);
/// The longest `tracestate` in bytes that W3C requires everyone to keep whole; a longer one is not kept with the spans.
const LONGEST_STATE: usize = 512;
/// The only defined flag: the trace is recorded.
const SAMPLED: u8 = 1;

/// The id of a trace. Never all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The id of a span within its trace. Never all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(pub [u8; 8]);

/// A trace context: the contents of `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that is the parent of what follows.
    pub span: SpanId,
    /// The flags. Bit 0 means that the trace is recorded.
    pub flags: u8,
}

/// The part of a trace that covers one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The span of the whole call.
    pub call: TraceContext,
    /// The asker's span; `None` if it sent none.
    pub parent: Option<SpanId>,
    /// The span of the other side's work, which the other side gets as its parent.
    pub onward: SpanId,
    /// The asker's `tracestate`, at most 512 bytes.
    pub state: Option<String>,
    /// The trace context of the HTTP request, if the message in it names another.
    pub link: Option<TraceContext>,
}

impl TraceId {
    fn random() -> Self {
        Self(rand::random_range(1..=u128::MAX).to_be_bytes())
    }
}

impl SpanId {
    /// Returns a random id.
    pub fn random() -> Self {
        Self(rand::random_range(1..=u64::MAX).to_be_bytes())
    }
}

impl TraceContext {
    /// Parses a `traceparent`. Of versions after 00, only the fields of 00 are read.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let version = field::<1>(bytes.get(..2)?)?[0];
        let whole = match version {
            0 => bytes.len() == 55,
            0xff => false,
            _ => bytes.len() == 55 || bytes.get(55) == Some(&b'-'),
        };
        let parted = |at: usize| bytes.get(at) == Some(&b'-');
        if !whole || ![2, 35, 52].into_iter().all(parted) {
            return None;
        }
        let (trace, span) = (field(bytes.get(3..35)?)?, field(bytes.get(36..52)?)?);
        let flags = field::<1>(bytes.get(53..55)?)?[0];
        let named = trace != [0; 16] && span != [0; 8];
        named.then_some(Self {
            trace: TraceId(trace),
            span: SpanId(span),
            flags,
        })
    }

    /// Whether a text is a `traceparent` of version 00 without extra fields.
    pub fn is_plain(text: &str) -> bool {
        text.len() == 55 && text.starts_with("00") && Self::read(text).is_some()
    }

    /// Whether the sender records the trace.
    pub fn sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl fmt::Display for TraceContext {
    /// Writes a `traceparent` of version 00.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (hex::encode(self.trace.0), hex::encode(self.span.0));
        write!(f, "00-{trace}-{span}-{:02x}", self.flags)
    }
}

impl Trace {
    /// The trace of a message. The context in the message precedes that of its HTTP request. A message without any
    /// begins a trace of its own, which is recorded if `samples` says so. `None` if the asker says that the trace is
    /// not recorded.
    pub fn of(
        message: &Message,
        headers: &HeaderMap,
        samples: impl FnOnce(TraceId) -> bool,
    ) -> Option<Self> {
        let meta = message.payload().root().get("_meta");
        let said = |name| Some(meta?.get(name)?.string()?.into_owned());
        let own = said(PARENT).and_then(|text| TraceContext::read(&text));
        let carried = one(headers, &PARENT_HEADER).and_then(TraceContext::read);
        let Some(parent) = own.or(carried) else {
            return Some(Self::root(samples));
        };
        if !parent.sampled() {
            return None;
        }
        let state = match own {
            Some(_) => said(STATE),
            None => one(headers, &STATE_HEADER).map(str::to_owned),
        };
        Some(Self {
            call: TraceContext {
                span: SpanId::random(),
                flags: SAMPLED,
                ..parent
            },
            parent: Some(parent.span),
            onward: SpanId::random(),
            state: state.filter(|state| state.len() <= LONGEST_STATE),
            link: carried.filter(|carried| own.is_some() && *carried != parent),
        })
    }

    /// Whether the message names a trace context.
    pub fn is_named_by(message: &Message) -> bool {
        let meta = message.payload().root().get("_meta");
        meta.is_some_and(|meta| meta.get(PARENT).is_some())
    }

    /// Replaces the asker's trace context in the message by the gateway's. A message without one is unchanged. This
    /// precedes the interceptors, so that they see what is forwarded.
    pub fn stamp(&self, message: Message, limits: &Limits) -> Message {
        if !Self::is_named_by(&message) {
            return message;
        }
        let edit = Edit::Set(format!("/_meta/{PARENT}"), format!("\"{}\"", self.onward()));
        match apply(message.payload(), &[edit], limits) {
            Ok(params) => message.with_payload(params),
            Err(_) => message,
        }
    }

    /// Renews the trace headers of the forwarded message.
    pub fn renew(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(self.onward().to_string()) {
            headers.insert(PARENT_HEADER, value);
        }
        if self.parent.is_none() || self.link.is_some() {
            headers.remove(STATE_HEADER);
        }
        if self.link.is_some()
            && let Some(state) = &self.state
            && let Ok(value) = HeaderValue::try_from(state)
        {
            headers.insert(STATE_HEADER, value);
        }
    }

    fn onward(&self) -> TraceContext {
        TraceContext {
            span: self.onward,
            ..self.call
        }
    }

    fn root(samples: impl FnOnce(TraceId) -> bool) -> Self {
        let trace = TraceId::random();
        Self {
            call: TraceContext {
                trace,
                span: SpanId::random(),
                flags: if samples(trace) { SAMPLED } else { 0 },
            },
            parent: None,
            onward: SpanId::random(),
            state: None,
            link: None,
        }
    }
}

/// The value of a header that occurs exactly once; several would be ambiguous.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The bytes of a field in lower-case hexadecimal, as W3C requires.
fn field<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    hex::decode_lower(std::str::from_utf8(digits).ok()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-01";

    fn message(meta: &str) -> Message {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"_meta":{meta},"n":1.0}}}}"#
        );
        Message::parse(text.into_bytes(), &Limits::default()).unwrap()
    }

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = lines.iter();
        pairs
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn a_traceparent_is_read_and_written_as_it_was() {
        assert_eq!(TraceContext::read(ONE).unwrap().to_string(), ONE);
        let later = format!("01{}-more", &ONE[2..]);
        assert_eq!(TraceContext::read(&later), TraceContext::read(ONE));
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        let upper = ONE.to_uppercase();
        let (longer, forbidden) = (format!("{ONE}-more"), format!("ff{}", &ONE[2..]));
        let glued = format!("01{}x", &ONE[2..]);
        for text in [
            "",
            "00",
            &ONE[..54],
            &upper,
            &longer,
            &forbidden,
            &glued,
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-0f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::read(text), None, "{text}");
        }
    }

    #[test]
    fn what_the_message_says_goes_before_its_http_request() {
        let message = message(&format!(r#"{{"traceparent":"{ONE}","tracestate":"a=1"}}"#));
        let headers = headers(&[(PARENT_HEADER, OTHER), (STATE_HEADER, "b=2")]);
        let trace = Trace::of(&message, &headers, |_| true).unwrap();
        let parent = TraceContext::read(ONE).unwrap();
        assert_eq!(
            (trace.call.trace, trace.parent),
            (parent.trace, Some(parent.span))
        );
        assert_eq!(trace.state.as_deref(), Some("a=1"));
        assert_eq!(trace.link, TraceContext::read(OTHER));
        assert!(![parent.span, trace.onward].contains(&trace.call.span));

        let mut onward = headers.clone();
        trace.renew(&mut onward);
        assert_eq!(onward[&PARENT_HEADER], trace.onward().to_string());
        assert_eq!(onward[&STATE_HEADER], "a=1");
    }

    #[test]
    fn without_a_word_of_the_asker_a_trace_begins() {
        let trace = Trace::of(&message("{}"), &HeaderMap::new(), |_| true).unwrap();
        assert!(trace.parent.is_none() && trace.call.sampled());
        let unkept = Trace::of(&message("{}"), &HeaderMap::new(), |_| false).unwrap();
        assert!(!unkept.call.sampled() && unkept.onward().to_string().ends_with("-00"));
        let twice = headers(&[(PARENT_HEADER, ONE)]);
        let mut twice = twice;
        twice.append(PARENT_HEADER, HeaderValue::from_static(OTHER));
        assert!(
            Trace::of(&message("{}"), &twice, |_| true)
                .unwrap()
                .parent
                .is_none()
        );
        let mut stray = headers(&[(STATE_HEADER, "b=2")]);
        trace.renew(&mut stray);
        assert!(!stray.contains_key(STATE_HEADER));
    }

    #[test]
    fn what_nobody_keeps_is_left_alone() {
        let idle = format!("{}00", &ONE[..53]);
        assert_eq!(
            Trace::of(&message("{}"), &headers(&[(PARENT_HEADER, &idle)]), |_| {
                true
            }),
            None
        );
    }

    #[test]
    fn only_a_message_that_names_a_place_gets_another() {
        let limits = Limits::default();
        let named = message(&format!(r#"{{ "traceparent" : "{ONE}", "x": 1e2}}"#));
        let trace = Trace::of(&named, &HeaderMap::new(), |_| true).unwrap();
        let stamped = trace.stamp(named, &limits);
        let expected = format!(
            r#"{{"_meta":{{ "traceparent" : "{}", "x": 1e2}},"n":1.0}}"#,
            trace.onward()
        );
        assert_eq!(stamped.payload().as_str(), expected);

        let plain = message("{}");
        let trace = Trace::of(&plain, &HeaderMap::new(), |_| true).unwrap();
        assert_eq!(trace.stamp(plain.clone(), &limits).bytes(), plain.bytes());
    }

    #[test]
    fn a_state_that_is_too_long_is_not_kept() {
        let long = "a=".to_owned() + &"x".repeat(LONGEST_STATE);
        let headers = headers(&[(PARENT_HEADER, ONE), (STATE_HEADER, &long)]);
        let trace = Trace::of(&message("{}"), &headers, |_| true).unwrap();
        assert_eq!(trace.state, None);
        let mut onward = headers.clone();
        trace.renew(&mut onward);
        assert_eq!(onward[&STATE_HEADER], long);
    }
}
