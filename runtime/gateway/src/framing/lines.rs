//! Newline-delimited messages, as MCP's stdio transport has them.
//!
//! A line that is longer than the limit is refused as a whole: it is read to its end and thrown away without being
//! kept, and the reader goes on with the next one, so that one oversized message does not end a conversation.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is asked of the reader at once, in bytes: what a pipe holds on Linux.
const CHUNK: usize = 64 << 10;

/// One line of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Without its line end (LF or CR LF); never empty.
    Whole(Bytes),
    /// It was longer than the limit: this many bytes were thrown away, its line end not counted.
    TooLong(u64),
}

/// Reads lines. Empty ones are skipped; a last line without a line end is not whole and is dropped.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    limit: usize,
    buffer: BytesMut,
    /// Up to here the buffer holds no line feed.
    searched: usize,
    /// Bytes of the over-long line that is being skipped.
    skipped: Option<u64>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// `limit` is the longest line accepted, in bytes without its line end.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, buffer: BytesMut::new(), searched: 0, skipped: None }
    }

    /// The next line; none at the end of the stream. Safe to drop and call again: nothing that was read is lost.
    pub async fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            while let Some(line) = self.take() {
                if line != Line::Whole(Bytes::new()) {
                    return Ok(Some(line));
                }
            }
            self.buffer.reserve(CHUNK.min(self.limit + 2));
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// A line that the buffer already holds.
    fn take(&mut self) -> Option<Line> {
        let found = memchr::memchr(b'\n', &self.buffer[self.searched..]);
        let Some(at) = found else {
            self.searched = self.buffer.len();
            // One more than the limit may be the CR of a line end.
            if self.skipped.is_some() || self.buffer.len() > self.limit + 1 {
                *self.skipped.get_or_insert(0) += self.buffer.len() as u64;
                self.buffer.clear();
                self.searched = 0;
            }
            return None;
        };
        let end = self.searched + at;
        let mut line = self.buffer.split_to(end + 1);
        self.searched = 0;
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.truncate(end - 1);
        }
        match self.skipped.take() {
            Some(skipped) => Some(Line::TooLong(skipped + line.len() as u64)),
            None if line.len() > self.limit => Some(Line::TooLong(line.len() as u64)),
            None => Some(Line::Whole(line.freeze())),
        }
    }
}

/// Appends a message as one line. `line` must hold no line feed: see
/// [`Message::line`](sandgate_message::Message::line).
pub fn write(out: &mut BytesMut, line: &[u8]) {
    debug_assert!(memchr::memchr2(b'\n', b'\r', line).is_none());
    out.reserve(line.len() + 1);
    out.extend_from_slice(line);
    out.extend_from_slice(b"\n");
}
