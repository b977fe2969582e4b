//! Server-sent events, as the HTML standard defines them: an incremental parser for chunks split anywhere, and a
//! writer.
//!
//! The parser only returns whole events; an event that the stream ends inside of is dropped. Comments are skipped.

use bytes::{Buf, Bytes, BytesMut};

/// An event as received. One without any field was a comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `data` lines joined by LF; `None` if there was none.
    pub data: Option<Bytes>,
    /// The last `event` field, as any bytes.
    pub event: Option<Bytes>,
    /// The last `id` field, as any bytes except NUL.
    pub id: Option<Bytes>,
    /// The last `retry` field, in milliseconds.
    pub retry: Option<u32>,
}

/// The error of an event that is larger than this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {0} bytes")]
pub struct TooLargeError(usize);

/// Parses events from chunks.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    buffer: BytesMut,
    /// The part of the buffer that is known to contain no line end.
    searched: usize,
    /// Whether the start was checked for a byte order mark.
    started: bool,
    /// Whether the last line ended in CR: a following LF belongs to it.
    after_cr: bool,
    /// Whether a line of the current event has been read.
    begun: bool,
    /// The bytes of the current event's lines so far, without line ends.
    size: usize,
    event: Event,
    /// The joined data, if it has more than one line.
    joined: BytesMut,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Parser {
    /// Creates a parser. `limit` is the largest accepted event, in bytes including its field names.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: BytesMut::new(),
            searched: 0,
            started: false,
            after_cr: false,
            begun: false,
            size: 0,
            event: Event::default(),
            joined: BytesMut::new(),
        }
    }

    /// The bytes received that are not a whole event yet.
    pub fn buffered(&self) -> usize {
        self.buffer.len() + self.size
    }

    /// Appends a chunk of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Takes the next whole event, if the chunks so far contain one. After an error the parser must not be used again.
    ///
    /// # Errors
    ///
    /// The event exceeds the limit.
    pub fn event(&mut self) -> Result<Option<Event>, TooLargeError> {
        while let Some(line) = self.line()? {
            if !line.is_empty() {
                self.begun = true;
                self.size += line.len();
                self.field(line);
            } else if std::mem::take(&mut self.begun) {
                self.size = 0;
                let mut event = std::mem::take(&mut self.event);
                if !self.joined.is_empty() {
                    event.data = Some(self.joined.split().freeze());
                }
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Whether the stream, if it has ended, ended inside an event.
    pub fn cut(&self) -> bool {
        self.event != Event::default()
            || self
                .buffer
                .first()
                .is_some_and(|first| !matches!(first, b':' | b'\n' | b'\r'))
    }

    fn line(&mut self) -> Result<Option<Bytes>, TooLargeError> {
        if !self.started {
            if self.buffer.len() < 3 && BYTE_ORDER_MARK.starts_with(&self.buffer) {
                return Ok(None);
            }
            self.started = true;
            if self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.advance(3);
            }
        }
        if self.after_cr && !self.buffer.is_empty() {
            self.after_cr = false;
            if self.buffer[0] == b'\n' {
                self.buffer.advance(1);
            }
        }
        let found = memchr::memchr2(b'\n', b'\r', &self.buffer[self.searched..]);
        let length = found.map_or(self.buffer.len(), |at| self.searched + at);
        if self.size + length > self.limit {
            return Err(TooLargeError(self.limit));
        }
        let Some(at) = found else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let end = self.searched + at;
        self.searched = 0;
        let mut line = self.buffer.split_to(end + 1);
        self.after_cr = line[end] == b'\r';
        line.truncate(end);
        Ok(Some(line.freeze()))
    }

    fn field(&mut self, line: Bytes) {
        let colon = memchr::memchr(b':', &line);
        if colon == Some(0) {
            return;
        }
        let (name, mut value) = match colon {
            Some(at) => (&line[..at], line.slice(at + 1..)),
            None => (&line[..], Bytes::new()),
        };
        if value.first() == Some(&b' ') {
            value.advance(1);
        }
        match name {
            b"data" => {
                // Most events have one data line, which is not copied.
                match &self.event.data {
                    None => self.event.data = Some(value),
                    Some(first) => {
                        if self.joined.is_empty() {
                            self.joined.extend_from_slice(first);
                        }
                        self.joined.extend_from_slice(b"\n");
                        self.joined.extend_from_slice(&value);
                    }
                }
            }
            b"event" => self.event.event = Some(value),
            b"id" if !value.contains(&0) => self.event.id = Some(value),
            b"retry" => self.event.retry = number(&value).or(self.event.retry),
            // The standard requires other fields to be ignored.
            _ => {}
        }
    }
}

fn number(value: &[u8]) -> Option<u32> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits)?;
    text.parse().ok()
}

/// The fields of an event to be written. All but `data` are of the gateway's own making.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    /// Whether to name the event `message`, as some servers do.
    pub named: bool,
    /// The event's id, in visible ASCII.
    pub id: Option<&'a str>,
    /// The reconnection time, in milliseconds.
    pub retry: Option<u32>,
    /// The data, as one line: see [`Message::line`](sandgate_message::Message::line).
    pub data: Option<&'a [u8]>,
}

/// Appends an event. An event without fields becomes an empty comment, which says that the stream is alive.
pub fn write(out: &mut BytesMut, fields: &Fields<'_>) {
    let Fields {
        named,
        id,
        retry,
        data,
    } = *fields;
    out.reserve(data.map_or(0, <[u8]>::len) + 64);
    if !named && id.is_none() && retry.is_none() && data.is_none() {
        out.extend_from_slice(b":\n");
    }
    if named {
        out.extend_from_slice(b"event: message\n");
    }
    let mut field = |name: &[u8], value: &[u8]| {
        debug_assert!(memchr::memchr2(b'\n', b'\r', value).is_none());
        for part in [name, b": ", value, b"\n"] {
            out.extend_from_slice(part);
        }
    };
    if let Some(id) = id {
        field(b"id", id.as_bytes());
    }
    if let Some(retry) = retry {
        field(b"retry", retry.to_string().as_bytes());
    }
    if let Some(data) = data {
        field(b"data", data);
    }
    out.extend_from_slice(b"\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]]) -> (Vec<Event>, bool) {
        let mut parser = Parser::new(1 << 20);
        let mut events = Vec::new();
        for chunk in chunks {
            parser.push(chunk);
            while let Some(event) = parser.event().unwrap() {
                events.push(event);
            }
        }
        (events, parser.cut())
    }

    fn all(stream: &str) -> Vec<Event> {
        read(&[stream.as_bytes()]).0
    }

    fn data(text: &'static str) -> Event {
        Event {
            data: Some(Bytes::from_static(text.as_bytes())),
            ..Event::default()
        }
    }

    #[test]
    fn every_field_is_kept_and_no_comment() {
        let events = all(": hello\nid: 7\nevent: message\nretry: 100\n:again\ndata: {}\n\n");
        let expected = Event {
            data: Some(Bytes::from_static(b"{}")),
            event: Some("message".into()),
            id: Some("7".into()),
            retry: Some(100),
        };
        assert_eq!(events, [expected]);
    }

    #[test]
    fn lines_may_end_in_lf_cr_or_both() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = format!("data: a{end}data: b{end}{end}data: c{end}{end}");
            assert_eq!(all(&stream), [data("a\nb"), data("c")], "{end:?}");
        }
    }

    #[test]
    fn a_comment_alone_is_an_event_without_data() {
        assert_eq!(all(": ping\r\n\r\n"), [Event::default()]);
    }

    #[test]
    fn one_space_after_the_colon_is_not_the_values() {
        assert_eq!(
            all("data:a\n\ndata:  a\n\ndata\n\n"),
            [data("a"), data(" a"), data("")]
        );
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        assert_eq!(all("\u{feff}data: a\n\n"), [data("a")]);
        // A second mark becomes part of the field's name, which is then unknown and ignored.
        assert_eq!(all("\u{feff}\u{feff}data: a\n\n"), [Event::default()]);
    }

    #[test]
    fn unusable_ids_and_retries_are_ignored() {
        assert_eq!(
            all("id: a\0b\nretry: soon\nretry:\nretry: 99999999999\ndata: x\n\n"),
            [data("x")]
        );
    }

    #[test]
    fn what_the_stream_ends_inside_of_does_not_come_out() {
        for stream in [
            "data: a\n\ndata: {\"half",
            "data: a\n\ndata: whole line\n",
            "data: a\n\nid: 1\n",
            "data: a\n\nda",
        ] {
            assert_eq!(
                read(&[stream.as_bytes()]),
                (vec![data("a")], true),
                "{stream:?}"
            );
        }
        assert_eq!(read(&[b"data: a\n\n"]), (vec![data("a")], false));
        assert_eq!(read(&[b"data: a\r\n\r", b"\n"]), (vec![data("a")], false));
    }

    #[test]
    fn an_event_over_the_limit_is_refused_also_before_it_is_whole() {
        let mut parser = Parser::new(16);
        parser.push(b"data: 0123456789\n\n");
        assert!(parser.event().unwrap().is_some());
        parser.push(b"data: 01234567890");
        assert_eq!(parser.event(), Err(TooLargeError(16)));
        let mut parser = Parser::new(15);
        parser.push(b"data: 01\ndata: 23\n\n");
        assert_eq!(parser.event(), Err(TooLargeError(15)));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let events = all("event: message\nid: 1\nretry: 5\ndata: {}\n\n: only\n\nid: 2\ndata\n\n");
        let mut out = BytesMut::new();
        for e in &events {
            let fields = Fields {
                named: e.event.is_some(),
                id: e.id.as_deref().map(|id| std::str::from_utf8(id).unwrap()),
                retry: e.retry,
                data: e.data.as_deref(),
            };
            write(&mut out, &fields);
        }
        assert_eq!(read(&[&out]), (events, false));
    }

    proptest! {
        #[test]
        fn where_chunks_are_cut_does_not_matter(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "data: a", "data: {\"k\": 1}", "data", ": c", "id: 1", "event: e", "retry: 3", "odd: x", "", "", "",
                    "data: \u{feff}\u{4e16}", "\u{feff}",
                ]),
                0..24,
            ),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r", "\r\n"]), 24),
            cuts in prop::collection::vec(0usize..400, 0..12),
        ) {
            let stream: String = lines.iter().zip(&ends).flat_map(|(line, end)| [*line, *end]).collect();
            let bytes = stream.as_bytes();
            let whole = read(&[bytes]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(&read(&chunks), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&read(&single), &whole);
        }
    }
}
