//! Live figures: computed once a second for all browsers that listen, and not at all while none does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use sandgate_daemon::operator::Operator;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Session, StreamPlace};
use crate::page::overview;
use crate::response::{Answer, of_body};

/// How often figures are told.
const EVERY: Duration = Duration::from_secs(1);

/// The figures, for whoever listens.
pub(crate) struct Live(watch::Sender<Arc<str>>);

impl Live {
    /// Computes figures until `end` is cancelled.
    pub(crate) fn start(operator: Operator, end: CancellationToken) -> Self {
        let (told, _) = watch::channel(Arc::from(""));
        let teller = told.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = end.cancelled() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
                if teller.receiver_count() == 0 {
                    continue;
                }
                let operator = operator.clone();
                let figures = tokio::task::spawn_blocking(move || overview::figures(&operator));
                if let Ok(figures) = figures.await {
                    teller.send_replace(figures.into());
                }
            }
        });
        Self(told)
    }

    /// A stream of events for a session. It ends with the session. A browser that does not read gets the figures of the
    /// moment when it does: one event waits, and none is kept.
    pub(crate) fn stream(
        &self,
        access: Arc<Access>,
        session: Session,
        place: StreamPlace,
        end: CancellationToken,
    ) -> Answer {
        let state = (self.0.subscribe(), access, session, place, end);
        let events = stream::unfold(
            state,
            |(mut told, access, session, place, end)| async move {
                tokio::select! {
                    changed = told.changed() => changed.ok()?,
                    () = end.cancelled() => return None,
                }
                if !access.lasts(&session, Instant::now()) {
                    return None;
                }
                let text = format!("data: {}\n\n", &**told.borrow_and_update());
                let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(text)));
                Some((frame, (told, access, session, place, end)))
            },
        );
        of_body(
            StatusCode::OK,
            "text/event-stream",
            StreamBody::new(events).boxed_unsync(),
        )
    }
}
