//! The gateway's side of the admin socket: who may ask, for how long, and how many at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::AdminListener;
use super::handler::Handler;
use super::protocol::{Answer, MAX_QUESTION, Question};
use crate::actor::Actor;

/// The most questions at a time. A question that waits for a reload holds its place, and further questions are turned
/// away.
pub(crate) const AT_A_TIME: usize = 16;
/// How long a question may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers until `stop` is cancelled.
pub(crate) async fn serve(admin: AdminListener, handler: Arc<Handler>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let own = rustix::process::geteuid().as_raw();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = admin.listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("the admin socket cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // The socket's mode keeps others out already. This check holds if somebody has widened the mode.
        let asks = stream.peer_cred().map(|peer| peer.uid());
        let Some(uid) = asks.as_ref().ok().copied().filter(|&uid| may_ask(uid, own)) else {
            tracing::warn!(
                uid = asks.ok(),
                "the admin socket: another user was turned away"
            );
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue;
        };
        let (handler, stop) = (handler.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = answer(stream, uid, &handler) => {}
            }
            drop(place);
        });
    }
}

/// Whether this user may ask: the gateway's own user, or root, who may read the gateway's memory anyway.
fn may_ask(uid: u32, own: u32) -> bool {
    uid == own || uid == 0
}

async fn answer(mut stream: UnixStream, uid: u32, handler: &Handler) {
    let (input, _) = stream.split();
    let mut line = Vec::new();
    let mut input = BufReader::new(input.take(MAX_QUESTION));
    let read = tokio::time::timeout(PATIENCE, input.read_until(b'\n', &mut line)).await;
    if !matches!(read, Ok(Ok(1..))) {
        return;
    }
    let told = match Question::read(&line) {
        Ok(question) => handler.answer(question.ask, &Actor::at_socket(uid)).await,
        Err(error) => Err(error),
    };
    let line = Answer::line(told);
    let _ = tokio::time::timeout(PATIENCE, async {
        stream.write_all(&line).await?;
        stream.shutdown().await
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gateways_own_user_and_root_may_ask() {
        assert!(may_ask(1000, 1000) && may_ask(0, 1000));
        assert!(!may_ask(1001, 1000) && !may_ask(1000, 0));
    }
}
