//! Bytes both ways between two streams, until both have ended or nothing moves.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// What is held of one direction at a time, in bytes.
const BUFFER: usize = 16 << 10;

/// The bytes that went each way, and when the last ones did.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) up: AtomicU64,
    pub(crate) down: AtomicU64,
    began: Instant,
    /// Milliseconds from `began`.
    last: AtomicU64,
}

impl Moved {
    pub(crate) fn new() -> Self {
        Self {
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            began: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    pub(crate) fn more(&self, way: &AtomicU64, bytes: usize) {
        way.fetch_add(bytes as u64, Ordering::Relaxed);
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}

/// Carries bytes both ways, `first` before all others to `host`. Ends when both sides have ended, one fails, or nothing
/// moved for `idle`.
pub(crate) async fn relay<C, H>(
    client: &mut C,
    host: &mut H,
    first: &[u8],
    moved: &Moved,
    idle: Duration,
) where
    C: AsyncRead + AsyncWrite + Unpin,
    H: AsyncRead + AsyncWrite + Unpin,
{
    let (from_client, to_client) = tokio::io::split(client);
    let (from_host, mut to_host) = tokio::io::split(host);
    let up = async {
        to_host.write_all(first).await?;
        moved.more(&moved.up, first.len());
        copy(from_client, to_host, moved, &moved.up).await
    };
    let down = copy(from_host, to_client, moved, &moved.down);
    tokio::select! {
        _ = both(up, down) => {}
        () = stillness(moved, idle) => {}
    }
}

async fn both(
    one: impl Future<Output = io::Result<()>>,
    other: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    tokio::try_join!(one, other).map(drop)
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &Moved,
    way: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        moved.more(way, read);
    }
}

pub(crate) async fn stillness(moved: &Moved, idle: Duration) {
    loop {
        let end = moved.last() + idle;
        if end <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(end).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_go_both_ways_until_nothing_moves() {
        let (mut program, mut client) = tokio::io::duplex(64);
        let (mut host, mut far) = tokio::io::duplex(64);
        let moved = Moved::new();
        let idle = Duration::from_secs(60);
        let talk = async {
            let mut said = [0; 6];
            far.read_exact(&mut said).await.unwrap();
            assert_eq!(&said, b"hello!");
            far.write_all(b"answer").await.unwrap();
            tokio::time::sleep(Duration::from_secs(50)).await;
            program.read_exact(&mut said).await.unwrap();
            program.write_all(b"more").await.unwrap();
            let mut more = [0; 4];
            far.read_exact(&mut more).await.unwrap();
            Instant::now()
        };
        let carried = relay(&mut client, &mut host, b"hello!", &moved, idle);
        let ((), last) = tokio::join!(carried, talk);
        let waited = last.elapsed();
        assert!((59..=61).contains(&waited.as_secs()), "{waited:?}");
        assert_eq!(moved.up.load(Ordering::Relaxed), 10);
        assert_eq!(moved.down.load(Ordering::Relaxed), 6);
    }

    #[tokio::test]
    async fn the_end_of_one_side_is_told_to_the_other() {
        let (mut program, mut client) = tokio::io::duplex(64);
        let (mut host, mut far) = tokio::io::duplex(64);
        let moved = Moved::new();
        let talk = async {
            program.shutdown().await.unwrap();
            let mut said = Vec::new();
            far.read_to_end(&mut said).await.unwrap();
            assert_eq!(said, b"x");
            far.write_all(b"late").await.unwrap();
            drop(far);
            let mut said = Vec::new();
            program.read_to_end(&mut said).await.unwrap();
            assert_eq!(said, b"late");
        };
        let carried = async {
            relay(
                &mut client,
                &mut host,
                b"x",
                &moved,
                Duration::from_secs(60),
            )
            .await;
            drop(client);
        };
        tokio::join!(carried, talk);
    }
}
