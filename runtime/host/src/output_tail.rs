//! The end of a guest's stderr, where a panic message stands.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes of stderr that are kept.
const TAIL_BYTES: usize = 4 << 10;

/// Keeps the last bytes that are written to it and drops the rest. Empty at no cost: memory is allocated when a guest
/// first opens its stderr.
#[derive(Clone, Default)]
pub(crate) struct StderrTail(Option<Arc<Mutex<Vec<u8>>>>);

impl StderrTail {
    /// The bytes that are kept, oldest first.
    pub(crate) fn contents(&self) -> Vec<u8> {
        self.0
            .as_ref()
            .map(|kept| kept.lock().clone())
            .unwrap_or_default()
    }

    fn push(&self, bytes: &[u8]) {
        let Some(kept) = &self.0 else { return };
        let mut kept = kept.lock();
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        let over = kept.len().saturating_sub(TAIL_BYTES);
        kept.drain(..over);
    }

    /// Allocates the buffer and returns a handle that writes to it. Before that nothing is kept.
    pub(crate) fn open(&mut self) -> Self {
        self.0.get_or_insert_default();
        self.clone()
    }
}

impl IsTerminal for StderrTail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for StderrTail {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for StderrTail {
    async fn ready(&mut self) {}
}

impl OutputStream for StderrTail {
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

impl AsyncWrite for StderrTail {
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
        let tail = StderrTail::default().open();
        tail.push(b"start");
        tail.push(&[b'x'; 3 * TAIL_BYTES]);
        tail.push(b"end");
        let kept = tail.contents();
        assert_eq!(kept.len(), TAIL_BYTES);
        assert!(kept.ends_with(b"xend"));
    }
}
