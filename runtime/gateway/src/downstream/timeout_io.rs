//! I/O timeouts of a connection. hyper's own timer starts once it knows the HTTP version, which it learns from the
//! first bytes; here those bytes have a deadline. Written bytes that the client does not read have one too.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// The length of HTTP/2's preface, in bytes. The shortest HTTP/1.1 request is not much shorter.
const ENOUGH: usize = 24;

/// A stream whose peer must send its first bytes in time, and read what it is sent.
pub(crate) struct IoTimeout<T> {
    inner: T,
    heard: usize,
    speak: Option<Pin<Box<Sleep>>>,
    unread: Duration,
    /// The deadline for the peer to read on; set while a write is blocked.
    read: Option<Pin<Box<Sleep>>>,
}

impl<T> IoTimeout<T> {
    /// `speak` is the time for the first bytes; `unread` is the time for blocked writes to proceed once the buffers in
    /// between are full.
    pub(crate) fn new(inner: T, speak: Duration, unread: Duration) -> Self {
        let speak = Some(Box::pin(tokio::time::sleep(speak)));
        Self {
            inner,
            heard: 0,
            speak,
            unread,
            read: None,
        }
    }

    fn written<R>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if polled.is_ready() {
            self.read = None;
            return polled;
        }
        let unread = self.unread;
        let read = self
            .read
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(unread)));
        read.as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for IoTimeout<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let Some(deadline) = &mut self.speak else {
            return polled;
        };
        if polled.is_pending() {
            return deadline
                .as_mut()
                .poll(cx)
                .map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        self.heard += buf.filled().len() - before;
        if self.heard >= ENOUGH {
            self.speak = None;
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for IoTimeout<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.written(cx, polled)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.written(cx, polled)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, buf);
        self.written(cx, polled)
    }
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const SHORT: Duration = Duration::from_millis(10);

    #[tokio::test]
    async fn silence_ends_a_new_connection() {
        let (_client, server) = tokio::io::duplex(64);
        let mut server = IoTimeout::new(server, SHORT, SHORT);
        assert_eq!(
            server.read(&mut [0; 8]).await.unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
    }

    #[tokio::test]
    async fn one_that_has_spoken_may_be_silent() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = IoTimeout::new(server, SHORT, SHORT);
        client.write_all(&[b'x'; ENOUGH]).await.unwrap();
        server.read_exact(&mut [0; ENOUGH]).await.unwrap();
        let silent =
            tokio::time::timeout(Duration::from_millis(40), server.read(&mut [0; 8])).await;
        assert!(silent.is_err());
    }

    #[tokio::test]
    async fn one_that_does_not_read_is_let_go() {
        let (_client, server) = tokio::io::duplex(64);
        let mut server = IoTimeout::new(server, Duration::from_secs(60), SHORT);
        let written = server.write_all(&[b'x'; 1000]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
