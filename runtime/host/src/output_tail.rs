//! The end of what a guest prints: of its stderr, where a panic message stands, and in a simulation of its stdout too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that are kept.
const TAIL_BYTES: usize = 4 << 10;

/// Keeps the last bytes that are written to it and drops the rest. Empty at no cost: memory is allocated when a guest
/// first opens its stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputTail {
    kept: Option<Arc<Mutex<Vec<u8>>>>,
    /// Where the same bytes are kept as well.
    copy: Option<Arc<Mutex<Vec<u8>>>>,
}

impl OutputTail {
    /// The bytes that are kept, oldest first.
    pub(crate) fn contents(&self) -> Vec<u8> {
        self.kept
            .as_ref()
            .map(|kept| kept.lock().clone())
            .unwrap_or_default()
    }

    fn push(&self, bytes: &[u8]) {
        for kept in [&self.kept, &self.copy].into_iter().flatten() {
            let mut kept = kept.lock();
            kept.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
            let over = kept.len().saturating_sub(TAIL_BYTES);
            kept.drain(..over);
        }
    }

    /// Allocates the buffer and returns a handle that writes to it. Before that nothing is kept.
    pub(crate) fn open(&mut self) -> Self {
        self.kept.get_or_insert_default();
        self.clone()
    }

    /// Like [`Self::open`]. What is written to the handle is kept in `other` too.
    pub(crate) fn open_with_copy(&mut self, other: &Self) -> Self {
        let copy = other.kept.clone();
        Self {
            copy,
            ..self.open()
        }
    }
}

impl IsTerminal for OutputTail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for OutputTail {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for OutputTail {
    async fn ready(&mut self) {}
}

impl OutputStream for OutputTail {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

impl AsyncWrite for OutputTail {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let tail = OutputTail::default().open();
        tail.push(b"start");
        tail.push(&[b'x'; 3 * TAIL_BYTES]);
        tail.push(b"end");
        let kept = tail.contents();
        assert_eq!(kept.len(), TAIL_BYTES);
        assert!(kept.ends_with(b"xend"));
    }
}
