//! A body of HTTP in memory: bounded in bytes, and counted while it arrives.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;

use crate::budget::{Budget, MemoryError};
use crate::quota::Permit;

/// Why there is no whole body.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// It is over the limit.
    #[error("the body is too large")]
    TooLarge,
    /// It ended before it was whole.
    #[error("the body broke off")]
    Cut,
    /// Nothing came for too long.
    #[error("the body stopped coming")]
    Silent,
    /// There is no room for it.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// The whole body, with the permit for its memory. `silence`: the longest wait for more of it. A body that comes in one piece, as most do, is not copied.
pub async fn collect(
    mut body: impl Body<Data = Bytes> + Unpin,
    limit: usize,
    silence: Option<Duration>,
    budget: &Budget,
) -> Result<(Bytes, Permit), CollectError> {
    let mut permit = budget.take(0)?;
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    loop {
        let next = match silence {
            None => body.frame().await,
            Some(silence) => tokio::time::timeout(silence, body.frame())
                .await
                .map_err(|_| CollectError::Silent)?,
        };
        let Some(frame) = next else { break };
        let frame = frame.map_err(|_| CollectError::Cut)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let size = if first.is_empty() {
            first = data;
            first.len()
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
            rest.len()
        };
        if size > limit {
            return Err(CollectError::TooLarge);
        }
        if !permit.resize(first.len() + rest.capacity()) {
            return Err(MemoryError.into());
        }
        if body.is_end_stream() {
            break;
        }
    }
    let whole = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    Ok((whole, permit))
}
