use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::{AsyncRead, ReadBuf};

use sandgate_wire::framing::lines::{Line, Lines};

const LIMIT: usize = 24;

/// A reader that returns at most this many bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl AsyncRead for Slow<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let size = self.1.min(self.0.len()).min(into.remaining());
        let (now, later) = self.0.split_at(size);
        into.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

fn read(stream: &[u8], at_a_time: usize) -> Vec<Line> {
    let mut lines = Lines::new(Slow(stream, at_a_time), LIMIT);
    let mut all = Vec::new();
    while let Some(Ok(Some(line))) = lines.next().now_or_never() {
        all.push(line);
    }
    all
}

/// Checks the line framing of stdio: the lines are the same however the stream is split, and no other reader would
/// split one. The first byte is the number of bytes per read.
///
/// # Panics
///
/// A property does not hold.
pub fn lines(data: &[u8]) {
    let Some((&at_a_time, stream)) = data.split_first() else {
        return;
    };
    let all = read(stream, stream.len().max(1));
    assert_eq!(all, read(stream, usize::from(at_a_time).max(1)));
    let mut pieces: Vec<&[u8]> = stream.split(|&b| b == b'\n').collect();
    pieces.pop();
    let expected = pieces.into_iter().filter_map(|piece| {
        let line = piece.strip_suffix(b"\r").unwrap_or(piece);
        match line.len() {
            0 => None,
            length if length > LIMIT => Some(Line::TooLong(piece.len() as u64)),
            _ => Some(Line::Whole(Bytes::copy_from_slice(line))),
        }
    });
    assert!(all.into_iter().eq(expected));
}
