//! The last of what a guest wrote to its stderr: what a panic says is there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes kept.
const KEEP: usize = 4 << 10;

/// Keeps the end, forgets the rest; takes any amount at no cost in memory.
#[derive(Clone, Default)]
pub(crate) struct Tail(Option<Arc<Mutex<Vec<u8>>>>);

impl Tail {
    /// What is kept, oldest first.
    pub(crate) fn contents(&self) -> Vec<u8> {
        self.0
            .as_ref()
            .map(|kept| kept.lock().clone())
            .unwrap_or_default()
    }

    fn push(&self, bytes: &[u8]) {
        let Some(kept) = &self.0 else { return };
        let mut kept = kept.lock();
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(KEEP)..]);
        let over = kept.len().saturating_sub(KEEP);
        kept.drain(..over);
    }

    /// A tail that keeps; the default one has no memory of its own until a guest asks for its stderr.
    pub(crate) fn keeping(&mut self) -> Self {
        self.0.get_or_insert_default();
        self.clone()
    }
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Tail {
    async fn ready(&mut self) {}
}

impl OutputStream for Tail {
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

impl AsyncWrite for Tail {
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
        let tail = Tail::default().keeping();
        tail.push(b"start");
        tail.push(&[b'x'; 3 * KEEP]);
        tail.push(b"end");
        let kept = tail.contents();
        assert_eq!(kept.len(), KEEP);
        assert!(kept.ends_with(b"xend"));
    }
}
