//! A made-up world around a plugin, for its author's tests: a clock that stands where it was set, randomness that
//! repeats, and answers to HTTP requests that were written beforehand. Nothing leaves the machine, and the same run comes
//! out the same.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::state::State;

tokio::task_local! {
    static SET: Arc<Simulation>;
}

/// What a plugin in a simulation meets instead of the world, where it says so.
#[derive(Debug, Default)]
pub struct Simulation {
    /// The time of day, since the Unix epoch. It does not pass.
    pub now: Option<Duration>,
    /// Repeated as often as randomness is asked for; not empty.
    pub random: Option<Vec<u8>>,
    /// What its requests are answered with, each as often as it is asked for; any other fails.
    pub http: Option<Vec<CannedResponse>>,
    /// What it is told is left of its time.
    pub remaining: Option<Duration>,
    /// What it remembers, instead of what it remembers elsewhere.
    pub state: Option<Arc<State>>,
    seen: Seen,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedResponse {
    /// For example `GET`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// For example 200.
    pub status: u16,
    /// By name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What was seen of the runs on a simulation.
#[derive(Debug, Default)]
struct Seen {
    memory: AtomicU64,
    unanswered: Mutex<Vec<String>>,
}

impl Simulation {
    /// On which nothing comes from the world: this clock, this randomness, these answers.
    pub fn closed(now: Duration, random: Vec<u8>, http: Vec<CannedResponse>) -> Self {
        Self {
            now: Some(now),
            random: Some(random),
            http: Some(http),
            remaining: Some(Duration::from_millis(50)),
            state: None,
            seen: Seen::default(),
        }
    }

    /// Whatever plugin runs within this future meets the simulation, whoever else it runs for at the same time; what it was
    /// granted of directories it may only read.
    pub async fn during<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        SET.scope(self, future).await
    }

    /// The one that is set for the task that runs.
    pub(crate) fn current() -> Option<Arc<Self>> {
        SET.try_with(Arc::clone).ok()
    }

    /// The most linear memory that a run on it had, in bytes.
    pub fn memory(&self) -> u64 {
        self.seen.memory.load(Ordering::Relaxed)
    }

    /// Requests that there was no answer for, as `METHOD URL`.
    pub fn unanswered(&self) -> Vec<String> {
        self.seen.unanswered.lock().clone()
    }

    pub(crate) fn grew(&self, memory: u64) {
        self.seen.memory.fetch_max(memory, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, wasi: &mut WasiCtxBuilder) {
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
            wasi.wall_clock(Fixed(now))
                .monotonic_clock(Ticking::default());
        }
    }

    /// An answer that was written for this request; none at all where the network answers.
    pub(crate) fn answer(
        &self,
        method: &str,
        url: &str,
    ) -> Option<Result<http::Response<WasiBody>, Error>> {
        Some(self.written(self.http.as_deref()?, method, url))
    }

    fn written(
        &self,
        all: &[CannedResponse],
        method: &str,
        url: &str,
    ) -> Result<http::Response<WasiBody>, Error> {
        let found = all
            .iter()
            .find(|known| known.method == method && known.url == url);
        let Some(known) = found else {
            self.seen.unanswered.lock().push(format!("{method} {url}"));
            return Err(Error::ConnectionRefused);
        };
        let mut response = http::Response::builder().status(known.status);
        for (name, value) in &known.headers {
            response = response.header(name, value);
        }
        let body = Full::new(known.body.clone())
            .map_err(|never: std::convert::Infallible| match never {})
            .boxed_unsync();
        response.body(body).map_err(|_| Error::HttpProtocolError)
    }
}

struct Fixed(Duration);

impl HostWallClock for Fixed {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        self.0
    }
}

/// A microsecond passes between two looks at it, so that what waits for it comes to an end.
#[derive(Default)]
struct Ticking(AtomicU64);

impl HostMonotonicClock for Ticking {
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
        };
        let simulation = Simulation::closed(Duration::ZERO, vec![1], vec![answered]);
        let response = simulation
            .answer("GET", "https://a.example/x")
            .unwrap()
            .unwrap();
        assert_eq!(response.status().as_u16(), 204);
        assert_eq!(response.headers()["x-a"], "b");
        assert!(
            simulation
                .answer("POST", "https://a.example/x")
                .unwrap()
                .is_err()
        );
        assert!(Simulation::default().answer("GET", "x").is_none());
        assert_eq!(simulation.unanswered(), ["POST https://a.example/x"]);
    }
}
