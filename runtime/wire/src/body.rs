//! Collects an HTTP body in memory, bounded in bytes and charged while it arrives.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;

use crate::budget::{Budget, MemoryError};
use crate::quota::Permit;

/// Why a body could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The body exceeds the limit.
    #[error("the body is too large")]
    TooLarge,
    /// The body ended too early.
    #[error("the body broke off")]
    Cut,
    /// No data came for too long.
    #[error("the body stopped coming")]
    Silent,
    /// There is no memory for the body.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// Collects a whole body, with the permit for its memory. `silence` is the longest wait for more data. A body that
/// arrives in one piece, as most do, is not copied.
///
/// # Errors
///
/// The body is too large, breaks off or stops coming, or there is no memory for it.
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
