//! Simulations for an author's tests: a fixed clock, randomness that repeats, and canned answers to HTTP requests. No
//! request leaves the machine, and a run with the same input has the same result.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use parking_lot::Mutex;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::output_tail::OutputTail;
use crate::state::State;

tokio::task_local! {
    /// The simulation of the current task.
    static CURRENT: Arc<Simulation>;
}

/// What a plugin meets instead of the machine's clock, randomness, network and state. A field that is `None` leaves the
/// real one in place.
#[derive(Debug, Default)]
pub struct Simulation {
    /// The time since the Unix epoch. It does not advance.
    pub now: Option<Duration>,
    /// The random bytes, repeated without end. They must not be empty.
    pub random: Option<Vec<u8>>,
    /// The answers to HTTP requests. Each can be used any number of times; a request without an answer fails.
    pub http: Option<Vec<CannedResponse>>,
    /// The time that the plugin is told it has left.
    pub remaining: Option<Duration>,
    /// The state of the interceptors.
    pub state: Option<Arc<State>>,
    observed: Observed,
}

/// An HTTP request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedResponse {
    /// The method of the request, for example `GET`.
    pub method: String,
    /// The whole URL of the request.
    pub url: String,
    /// The status of the answer, for example 200.
    pub status: u16,
    /// The headers of the answer: name and value.
    pub headers: Vec<(String, String)>,
    /// The body of the answer.
    pub body: Bytes,
    /// How long the answer is waited for. Default: not at all.
    pub delay: Duration,
    /// How the exchange fails. `None`: it does not.
    pub failure: Option<CannedFailure>,
}

/// How a canned exchange fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannedFailure {
    /// The connection is refused.
    Refused,
    /// The connection ends after the body's bytes, before the body's end.
    Cut,
}

/// The answer to a request in a simulation.
pub(crate) struct Canned {
    /// How long the answer is waited for.
    pub(crate) delay: Duration,
    pub(crate) response: Result<http::Response<WasiBody>, Error>,
}

/// What was observed of the runs in a simulation.
#[derive(Debug, Default)]
struct Observed {
    /// The most linear memory that a run had, in bytes.
    memory: AtomicU64,
    /// Requests without an answer, as `METHOD URL`.
    unanswered: Mutex<Vec<String>>,
    /// What the runs printed to stdout and stderr.
    printed: Mutex<OutputTail>,
}

impl Simulation {
    /// A simulation of clock, randomness and HTTP, in which a plugin is told that it has 50 ms left. State is not
    /// simulated.
    pub fn closed(now: Duration, random: Vec<u8>, http: Vec<CannedResponse>) -> Self {
        Self {
            now: Some(now),
            random: Some(random),
            http: Some(http),
            remaining: Some(Duration::from_millis(50)),
            state: None,
            observed: Observed::default(),
        }
    }

    /// Runs a future in the simulation: every plugin that runs within it meets the simulation, and its directories are
    /// read-only. Other tasks that use the same plugin do not notice.
    pub async fn during<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// The simulation of the current task, see [`Self::during`].
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// The most linear memory that a run in the simulation had, in bytes.
    pub fn memory(&self) -> u64 {
        self.observed.memory.load(Ordering::Relaxed)
    }

    /// The requests without an answer, as `METHOD URL`.
    pub fn unanswered(&self) -> Vec<String> {
        self.observed.unanswered.lock().clone()
    }

    /// The last 4 KiB that the runs printed to stdout and stderr.
    pub fn output(&self) -> Vec<u8> {
        self.observed.printed.lock().contents()
    }

    /// A handle to which the runs print.
    pub(crate) fn printed(&self) -> OutputTail {
        self.observed.printed.lock().open()
    }

    /// Notes that a run has this many bytes of linear memory.
    pub(crate) fn note_memory(&self, memory: u64) {
        self.observed.memory.fetch_max(memory, Ordering::Relaxed);
    }

    /// Replaces clock and randomness of a WASI context.
    pub(crate) fn apply(&self, wasi: &mut WasiCtxBuilder) {
        if let Some(random) = &self.random {
            let again = || wasmtime_wasi::Deterministic::new(random.clone());
            let seed = random
                .iter()
                .fold(0_u128, |seed, byte| (seed << 8) | u128::from(*byte));
            wasi.secure_random(again())
                .insecure_random(again())
                .insecure_random_seed(seed);
        }
        if let Some(now) = self.now {
            wasi.wall_clock(FixedClock(now))
                .monotonic_clock(SteppingClock::default());
        }
    }

    /// The canned answer to a request, or an error if there is none. `None`: HTTP is not simulated.
    pub(crate) fn answer(&self, method: &str, url: &str) -> Option<Canned> {
        let mut all = self.http.as_deref()?.iter();
        let found = all.find(|known| known.method == method && known.url == url);
        let Some(known) = found else {
            self.observed
                .unanswered
                .lock()
                .push(format!("{method} {url}"));
            return Some(Canned {
                delay: Duration::ZERO,
                response: Err(Error::ConnectionRefused),
            });
        };
        Some(Canned {
            delay: known.delay,
            response: known.response(),
        })
    }
}

impl CannedResponse {
    fn response(&self) -> Result<http::Response<WasiBody>, Error> {
        if self.failure == Some(CannedFailure::Refused) {
            return Err(Error::ConnectionRefused);
        }
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = match self.failure {
            Some(_) => CutBody(Some(self.body.clone())).boxed_unsync(),
            None => Full::new(self.body.clone())
                .map_err(|never: std::convert::Infallible| match never {})
                .boxed_unsync(),
        };
        response.body(body).map_err(|_| Error::HttpProtocolError)
    }
}

/// A body that breaks off after its bytes.
struct CutBody(Option<Bytes>);

impl Body for CutBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = self.0.take().map(Frame::data);
        Poll::Ready(Some(frame.ok_or(Error::HttpResponseIncomplete)))
    }
}

/// A wall clock that does not advance.
struct FixedClock(Duration);

impl HostWallClock for FixedClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        self.0
    }
}

/// A monotonic clock that advances a microsecond each time it is read, so that a guest that waits for it goes on.
#[derive(Default)]
struct SteppingClock(AtomicU64);

impl HostMonotonicClock for SteppingClock {
    fn resolution(&self) -> u64 {
        1000
    }
    fn now(&self) -> u64 {
        self.0.fetch_add(1000, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn requests_are_answered_as_written_and_others_are_remembered() {
        let answered = CannedResponse {
            method: "GET".into(),
            url: "https://a.example/x".into(),
            status: 204,
            headers: vec![("x-a".into(), "b".into())],
            body: Bytes::new(),
            delay: Duration::ZERO,
            failure: None,
        };
        let simulation = Simulation::closed(Duration::ZERO, vec![1], vec![answered]);
        let response = simulation
            .answer("GET", "https://a.example/x")
            .unwrap()
            .response
            .unwrap();
        assert_eq!(response.status().as_u16(), 204);
        assert_eq!(response.headers()["x-a"], "b");
        assert!(
            simulation
                .answer("POST", "https://a.example/x")
                .unwrap()
                .response
                .is_err()
        );
        assert!(Simulation::default().answer("GET", "x").is_none());
        assert_eq!(simulation.unanswered(), ["POST https://a.example/x"]);
    }
}
