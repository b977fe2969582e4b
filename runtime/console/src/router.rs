//! What answers requests, and what its pages share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use sandgate_daemon::operator::Operator;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Session};
use crate::desk::Desk;
use crate::guard::Hosts;
use crate::live::Live;
use crate::page::{self, Page, Section};
use crate::response::{Answer, page as html};

/// How long something that takes long may take, before the browser is told so.
const SLOW: Duration = Duration::from_secs(120);

/// What answers requests.
pub(crate) struct Router {
    pub(crate) operator: Operator,
    pub(crate) access: Arc<Access>,
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) live: Live,
    /// The places of looks that take long: files that are verified.
    pub(crate) looks: Arc<Semaphore>,
    /// The place of deeds that take long: servers that are asked, candidates that are promoted.
    pub(crate) deeds: Arc<Semaphore>,
    /// The places of what reads the call log.
    pub(crate) reads: Arc<Semaphore>,
    pub(crate) hosts: Hosts,
    pub(crate) cookie: String,
    pub(crate) end: CancellationToken,
}

impl Router {
    /// Records whose sessions have ended otherwise than by leaving.
    pub(crate) fn record_ended(&self) {
        for (session, why) in self.access.ended(Instant::now()) {
            let detail = serde_json::json!({ "why": why });
            self.operator
                .record("console-left", detail, &session.actor());
        }
    }

    /// A page of a session.
    pub(crate) fn page(&self, session: &Session, section: Section, page: Page) -> Answer {
        self.shown(StatusCode::OK, session, section, page)
    }

    pub(crate) fn shown(
        &self,
        status: StatusCode,
        session: &Session,
        section: Section,
        page: Page,
    ) -> Answer {
        let message = self.access.told(session);
        html(status, page::whole(session, section, page, message))
    }

    /// Does what takes long, if it has a place. It goes on where the browser does not wait.
    pub(crate) async fn slowly<T: Send + 'static>(
        &self,
        place: Option<impl Send + 'static>,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let Some(place) = place else {
            return Err(
                "something else that takes long is under way: try again in a moment".to_owned(),
            );
        };
        let (told, done) = tokio::sync::oneshot::channel();
        // A thread of its own: some of it has a runtime of its own.
        let begun = std::thread::Builder::new()
            .name("console".to_owned())
            .spawn(move || {
                let came = work();
                // Whoever has the answer may ask for the next.
                drop(place);
                let _ = told.send(came);
            });
        begun.map_err(|error| error.to_string())?;
        match tokio::time::timeout(SLOW, done).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => {
                Err("it ended without an answer, which the gateway's log tells".to_owned())
            }
            Err(_) => Err("it takes longer than two minutes, and goes on".to_owned()),
        }
    }
}
