//! Server-sent events, as the HTML standard defines them: an incremental reader that is handed chunks cut anywhere, and
//! a writer.
//!
//! Only whole events come out. What the stream ends inside of is never passed on.

use bytes::{Bytes, BytesMut};

/// An event as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `data` lines joined by LF; none where there was no such line.
    pub data: Option<Bytes>,
    /// The last `event` field.
    pub event: Option<String>,
    /// The last `id` field.
    pub id: Option<String>,
    /// The last `retry` field, as text: only digits.
    pub retry: Option<String>,
    /// The comment lines, each with its colon and one LF at its end.
    pub comments: Bytes,
}

/// Why a stream of events cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is over the limit.
    #[error("an event is larger than {0} bytes")]
    TooLarge(usize),
    /// A field that must be text is not.
    #[error("a field is not UTF-8")]
    Utf8,
}

/// Reads events from chunks.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    buffer: BytesMut,
}

impl Parser {
    /// `limit` is the largest event accepted, in bytes with its field names.
    pub fn new(limit: usize) -> Self {
        Self { limit, buffer: BytesMut::new() }
    }
    /// More of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }
    /// The next whole event, if the chunks so far hold one.
    pub fn next(&mut self) -> Result<Option<Event>, SseError> {
        let _ = self.limit;
        todo!()
    }
    /// The stream has ended: true where it ended inside an event, which is lost.
    pub fn cut(&self) -> bool {
        todo!()
    }
}

/// Appends an event: comments, `event`, `id`, `retry`, `data`, an empty line. `data` must hold neither CR nor LF
/// (see [`Message::line`](sandgate_message::Message::line)).
pub fn write(
    out: &mut BytesMut,
    comments: &[u8],
    event: Option<&str>,
    id: Option<&str>,
    retry: Option<&str>,
    data: Option<&[u8]>,
) {
    out.reserve(comments.len() + data.map_or(0, <[u8]>::len) + 64);
    out.extend_from_slice(comments);
    let fields = [("event", event.map(str::as_bytes)), ("id", id.map(str::as_bytes)), ("retry", retry.map(str::as_bytes)), ("data", data)];
    for (name, value) in fields {
        let Some(value) = value else { continue };
        debug_assert!(memchr::memchr2(b'\n', b'\r', value).is_none());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"\n");
}
