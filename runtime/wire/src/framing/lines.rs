//! Newline-delimited messages, as in MCP's stdio transport.
//!
//! A line over the limit is refused as a whole: it is read to its end without being kept, and the reader continues with
//! the next line, so that one oversized message does not end a conversation.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The most bytes read at once: the capacity of a pipe on Linux.
const CHUNK: usize = 64 << 10;

/// One line of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its line end (LF or CR LF); never empty.
    Whole(Bytes),
    /// A line over the limit, with the number of bytes before its LF that were discarded.
    TooLong(u64),
}

/// Reads lines. Empty lines are skipped; a last line without a line end is incomplete and is dropped.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    limit: usize,
    buffer: BytesMut,
    /// The part of the buffer that is known to contain no line feed.
    searched: usize,
    /// The bytes skipped so far of a line over the limit.
    skipped: Option<u64>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Creates a reader. `limit` is the longest accepted line, in bytes without its line end.
    pub fn new(reader: R, limit: usize) -> Self {
        Self {
            reader,
            limit,
            buffer: BytesMut::new(),
            searched: 0,
            skipped: None,
        }
    }

    /// Reads the next line; `None` at the end of the stream. Cancel safe: nothing that was read is lost.
    ///
    /// # Errors
    ///
    /// Reading from the stream failed.
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

    /// Takes a line that the buffer already contains.
    fn take(&mut self) -> Option<Line> {
        let found = memchr::memchr(b'\n', &self.buffer[self.searched..]);
        let Some(at) = found else {
            self.searched = self.buffer.len();
            // The byte beyond the limit may be the CR of a line end.
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
            Some(skipped) => Some(Line::TooLong(skipped + end as u64)),
            None if line.len() > self.limit => Some(Line::TooLong(end as u64)),
            None => Some(Line::Whole(line.freeze())),
        }
    }
}

/// Appends a message as one line. `line` must contain no line feed: see
/// [`Message::line`](sandgate_message::Message::line).
pub fn write(out: &mut BytesMut, line: &[u8]) {
    debug_assert!(memchr::memchr2(b'\n', b'\r', line).is_none());
    out.reserve(line.len() + 1);
    out.extend_from_slice(line);
    out.extend_from_slice(b"\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn read(stream: &[u8], limit: usize) -> Vec<Line> {
        // One byte at a time, so that the stream is split at every position.
        let (mut writer, reader) = tokio::io::duplex(1);
        let stream = stream.to_vec();
        let writing = tokio::spawn(async move {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &stream)
                .await
                .unwrap()
        });
        let mut lines = Lines::new(reader, limit);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        writing.await.unwrap();
        let mut again = Lines::new(&b""[..], limit);
        assert_eq!(again.next().await.unwrap(), None);
        all
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn lines_come_without_their_ends_and_empty_ones_not_at_all() {
        assert_eq!(read(b"a\r\n\n\r\nb\n", 9).await, [whole("a"), whole("b")]);
    }

    #[tokio::test]
    async fn a_last_line_without_an_end_is_dropped() {
        assert_eq!(read(b"a\n{\"half\":", 9).await, [whole("a")]);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_thrown_away_and_the_next_one_read() {
        let stream = b"123456789\n1234567890\n123456789\r\n12345678901234567890\r\nend\n";
        let expected = [
            whole("123456789"),
            Line::TooLong(10),
            whole("123456789"),
            Line::TooLong(21),
            whole("end"),
        ];
        assert_eq!(read(stream, 9).await, expected);
    }

    #[tokio::test]
    async fn an_over_long_line_is_not_kept_in_memory() {
        let stream = [vec![b'x'; 1 << 20], b"\nok\n".to_vec()].concat();
        let mut lines = Lines::new(&stream[..], 100);
        assert_eq!(lines.next().await.unwrap(), Some(Line::TooLong(1 << 20)));
        assert!(
            lines.buffer.capacity() < 4096,
            "{}",
            lines.buffer.capacity()
        );
        assert_eq!(lines.next().await.unwrap(), Some(whole("ok")));
    }
}
