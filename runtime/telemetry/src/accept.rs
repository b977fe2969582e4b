//! Connections of the gateway's own listeners, each in a place of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The pause after a connection that could not be accepted, most often for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until `end` is cancelled, which ends those under way, too. Each holds one of `places`; where none
/// is free, further connections wait. `name` stands in the log.
pub async fn accept<Served: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    name: &'static str,
    places: Arc<Semaphore>,
    end: CancellationToken,
    serve: impl Fn(TcpStream) -> Served,
) {
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => return,
            accepted = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
        };
        match accepted {
            (Ok(place), Ok((stream, _))) => {
                let (served, end) = (serve(stream), end.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = served => {}
                        () = end.cancelled() => {}
                    }
                    drop(place);
                });
            }
            (Err(_), _) => return,
            (_, Err(error)) => {
                tracing::debug!("{name}: cannot accept a connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
