//! The answers of `/healthz` and `/readyz`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use parking_lot::RwLock;
use serde::Serialize;

use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::registry::Edition;

/// The status of the gateway as far as the program sets it, such as the result of the last reload.
#[derive(Default)]
pub struct Status {
    reload_error: RwLock<Option<String>>,
    /// Whether the gateway is about to stop while it still serves.
    leaving: AtomicBool,
    conditions: OnceLock<Arc<dyn Conditions>>,
}

/// A problem of the gateway itself, for example a call log that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The condition's name, for example `call-log`.
    pub name: &'static str,
    /// Whether the condition makes `/readyz` answer 503.
    pub unready: bool,
}

/// What `/readyz`, which asks for no key, says of a refused change where clients have views: the error may name what they
/// hide.
const REFUSED: &str =
    "the last change of the configuration is not in force; `sandgate status` says why";

/// Reports the gateway's current problems. Every `/readyz` asks, so implementations must answer at once.
pub trait Conditions: Send + Sync {
    /// The current conditions; empty if there are none.
    fn current(&self) -> Vec<Condition>;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Readiness<'a> {
    ready: bool,
    version: u64,
    /// `None` where clients have views: not everybody may know of every server.
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<&'static str>,
    /// How many stops are in force, by kind: names would tell everybody what there is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stopped: BTreeMap<&'static str, usize>,
    last_reload_error: Option<&'a str>,
}

impl Status {
    /// Sets why the last change of the configuration is not in force, shown on `/readyz`; `None` if it is.
    pub fn set_reload_error(&self, error: Option<String>) {
        *self.reload_error.write() = error;
    }
    /// The error set by [`set_reload_error`](Self::set_reload_error).
    pub fn reload_error(&self) -> Option<String> {
        self.reload_error.read().clone()
    }

    /// Announces shutdown: `/readyz` answers 503 from now on, and everything else goes on.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Sets the source of conditions. Only the first call has an effect.
    pub fn ask(&self, conditions: Arc<dyn Conditions>) {
        let _ = self.conditions.set(conditions);
    }

    /// The answer of `/readyz`. A gateway that keeps its old edition because a new one is bad is still ready.
    pub(crate) fn readiness(&self, edition: &Edition, draining: bool) -> ClientResponse {
        // A copy, so that no lock is held while `current` runs: implementations read the error too, and a waiting
        // writer in between would deadlock.
        let error = self.reload_error();
        let viewed = edition.views().are_in_force();
        let names = edition.servers().iter().map(|server| &**server.name());
        let servers = (!viewed).then(|| names.collect());
        let conditions = self.conditions.get().map(|one| one.current());
        let conditions = conditions.unwrap_or_default();
        let unready = draining
            || self.leaving.load(Ordering::Relaxed)
            || conditions.iter().any(|condition| condition.unready);
        let readiness = Readiness {
            ready: !unready,
            version: edition.version(),
            servers,
            stopped: stopped(edition),
            conditions: conditions.iter().map(|condition| condition.name).collect(),
            last_reload_error: error
                .as_deref()
                .map(|why| if viewed { REFUSED } else { why }),
        };
        let status = if unready {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        };
        let text = serde_json::to_vec(&readiness).unwrap_or_default();
        let mut response = ClientResponse::new(status, ClientResponseBody::Raw(Bytes::from(text)));
        response.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    }
}

fn stopped(edition: &Edition) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for stop in edition.stops().all() {
        *counts.entry(stop.kind.as_str()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sandgate_message::Limits;
    use sandgate_pipeline::Chain;

    use super::*;

    /// Reads the reload error while another thread clears it.
    struct AsksForTheReloadError(Arc<Status>);

    impl Conditions for AsksForTheReloadError {
        fn current(&self) -> Vec<Condition> {
            let status = self.0.clone();
            std::thread::spawn(move || status.set_reload_error(None));
            std::thread::sleep(Duration::from_millis(100));
            let name = "reload";
            let unready = self.0.reload_error().is_some();
            vec![Condition { name, unready }]
        }
    }

    #[test]
    fn readiness_is_told_while_a_reload_ends() {
        let status = Arc::new(Status::default());
        status.ask(Arc::new(AsksForTheReloadError(status.clone())));
        let (done, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let chain = Chain::new(1, Vec::new(), None, Limits::default());
            let edition = Edition::new(chain, Vec::new()).expect("no servers");
            let response = status.readiness(&edition, false);
            let _ = done.send(response.status);
        });
        let told = told.recv_timeout(Duration::from_secs(10));
        assert_eq!(told, Ok(StatusCode::OK), "nobody is told");
    }
}
