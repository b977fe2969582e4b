//! One client on a pair of streams, with one message per line; only the protocol is written to the output.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use sandgate_message::{Account, Era, Message, MessageError, error_codes};
use sandgate_wire::framing::lines::{self, Line, Lines};
use sandgate_wire::{Budget, MemoryError, era};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Router;
use super::stdio_client::{Client, Served};
use crate::call::pending::PendingError;

/// The most messages that wait for the client to read; at that number their senders wait.
const UNREAD: usize = 64;
/// Messages that are ready are written together, up to about this many bytes.
const TOGETHER: usize = 64 << 10;

/// Serves the client until the input ends or `stop` is cancelled, and lets calls in flight finish.
///
/// # Errors
///
/// Reading the input or writing the output failed.
pub(crate) async fn serve<R, W>(
    router: Arc<Router>,
    input: R,
    output: W,
    served: Served,
    stop: CancellationToken,
) -> io::Result<()>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let limits = router.shared.config.limits;
    let (sender, receiver) = mpsc::channel(UNREAD);
    let writer = tokio::spawn(write(output, receiver));
    let config = &router.shared.config;
    let places = config.max_in_flight.min(Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(places));
    let drain = config.drain;
    let budget = Budget::new(Account::Local, router.admission.memory.clone());
    let client = Client {
        router,
        served,
        output: sender,
        session: Arc::default(),
        cancels: Arc::default(),
        over: CancellationToken::new(),
        stop: stop.clone(),
    };
    let mut lines = Lines::new(input, limits.bytes);
    let mut tasks = JoinSet::new();
    let ended = loop {
        let line = tokio::select! {
            biased;
            () = stop.cancelled() => break Ok(()),
            Some(_) = tasks.join_next() => continue,
            line = lines.next() => line,
        };
        let message = match line {
            Ok(Some(Line::Whole(line))) => Message::parse(line, &limits),
            Ok(Some(Line::TooLong(_))) => {
                let text = format!("a message here has at most {} bytes", limits.bytes);
                client.fail(None, error_codes::INVALID_REQUEST, &text).await;
                continue;
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        match message {
            Err(why) => {
                let code = match why {
                    MessageError::Json(_) => error_codes::PARSE,
                    MessageError::Envelope(_) | MessageError::Batch => error_codes::INVALID_REQUEST,
                };
                client.fail(None, code, &why.to_string()).await;
            }
            Ok(message) if budget.hold(&message).is_err() => {
                let id = message.id().filter(|_| message.method().is_some());
                let text = MemoryError.to_string();
                client.fail(id, error_codes::SERVER, &text).await;
            }
            // Notifications and replies are handled in order, since later messages may depend on them.
            Ok(message) if message.id().is_none() || message.method().is_none() => {
                client.take(message).await
            }
            Ok(message)
                if message.method() == Some("initialize")
                    && era::of_line(&message) == Era::Legacy =>
            {
                client.request(message).await
            }
            Ok(message) => {
                let Ok(place) = places.clone().try_acquire_owned() else {
                    // Waiting here would also delay the client's answers to servers' requests.
                    let text = PendingError::TooMany.to_string();
                    client.fail(message.id(), error_codes::SERVER, &text).await;
                    continue;
                };
                let client = client.clone();
                tasks.spawn(async move {
                    client.request(message).await;
                    drop(place);
                });
            }
        }
    };
    client.over.cancel();
    let finish = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, finish).await.is_err() {
        tracing::warn!("calls still under way after {} s were cut", drain.as_secs());
    }
    tasks.shutdown().await;
    let session = client.session.lock().take();
    if let Some(session) = session {
        client.router.close(&session).await;
    }
    drop(client);
    match writer.await {
        Ok(written) => ended.and(written),
        Err(panicked) => Err(io::Error::other(panicked)),
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut output: W,
    mut messages: mpsc::Receiver<Message>,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(message) = messages.recv().await {
        buffer.clear();
        lines::write(&mut buffer, &message.line());
        // Write whatever else is ready together with it.
        while buffer.len() < TOGETHER
            && let Ok(message) = messages.try_recv()
        {
            lines::write(&mut buffer, &message.line());
        }
        output.write_all(&buffer).await?;
        output.flush().await?;
    }
    Ok(())
}
