use bytes::{Bytes, BytesMut};
use sandgate_message::{Limits, Message};

use sandgate_upstream::ServerEvent;
use sandgate_upstream::event_id;
use sandgate_wire::framing::sse::{Event, Parser};

const LIMIT: usize = 1 << 20;

/// Checks the relay of an event stream: what is written reads the same to every parser, and contains only messages that
/// were read. The first byte is the number of bytes per chunk.
///
/// # Panics
///
/// A property does not hold.
pub fn sse(data: &[u8]) {
    let Some((&at_a_time, stream)) = data.split_first() else {
        return;
    };
    let events = read(stream, stream.len().max(1));
    assert_eq!(events, read(stream, usize::from(at_a_time).max(1)));
    let (written, messages) = relay(stream);
    let strict: Vec<_> = read(&written, written.len().max(1))
        .into_iter()
        .filter_map(|event| Some((text(&event.event.unwrap_or_default()), text(&event.data?))))
        .collect();
    let lax = lax(&String::from_utf8_lossy(&written));
    assert_eq!(strict, lax, "another reader reads other events");
    let read = strict.iter().filter(|(_, data)| !data.is_empty());
    let read: Vec<_> = read.map(|(_, data)| value(data.as_bytes())).collect();
    let known: Vec<_> = messages
        .iter()
        .map(|message| value(&message.bytes()))
        .collect();
    assert_eq!(read, known, "another message is written than was read");
}

/// The bytes that the gateway writes for a server's stream that no interceptor changes, and the messages it reads in
/// it. Ends where the gateway would end the stream.
pub fn relay(stream: &[u8]) -> (Vec<u8>, Vec<Message>) {
    let limits = Limits::default();
    let mut written = BytesMut::new();
    let mut messages = Vec::new();
    for event in read(stream, stream.len().max(1)) {
        let name = event.event.as_deref().unwrap_or_default();
        let mut arrival = ServerEvent {
            message: None,
            blank: event.data.as_ref().is_some_and(Bytes::is_empty),
            named: name == b"message",
            id: event.id.as_deref().and_then(event_id::seal),
            retry: event.retry,
        };
        if let (Some(data), b"" | b"message") = (event.data.filter(|data| !data.is_empty()), name) {
            let Ok(message) = Message::parse(data, &limits) else {
                break;
            };
            messages.push(message.clone());
            arrival.message = Some(message);
        }
        arrival.write_sse(&mut written);
    }
    (written.to_vec(), messages)
}

fn read(stream: &[u8], at_a_time: usize) -> Vec<Event> {
    let mut parser = Parser::new(LIMIT);
    let mut events = Vec::new();
    for chunk in stream.chunks(at_a_time) {
        parser.push(chunk);
        loop {
            match parser.event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(_) => return events,
            }
        }
    }
    events
}

/// The names and data of events, as read by a parser that ends lines wherever Unicode does, like some clients.
fn lax(stream: &str) -> Vec<(String, String)> {
    let ends = [
        '\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
        '\u{2029}',
    ];
    let mut events = Vec::new();
    let (mut name, mut data) = (String::new(), Vec::new());
    for line in stream.replace("\r\n", "\n").split(ends) {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut name), std::mem::take(&mut data));
            if !data.is_empty() {
                events.push((name, data.join("\n")));
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "event" => name = value,
            "data" => data.push(value),
            _ => {}
        }
    }
    events
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `None` where serde cannot represent a number that JSON can.
fn value(json: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(json).ok()
}
