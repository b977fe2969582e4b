//! What answers requests in native tests, and what was asked: one a thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::{Failure, Reply, Request};
use crate::testing::stop::denies;

#[derive(Clone)]
struct Answer {
    reply: Result<Reply, Failure>,
    delay: Duration,
}

thread_local! {
    static ANSWERS: RefCell<BTreeMap<String, Answer>> = const { RefCell::new(BTreeMap::new()) };
    static ASKED: RefCell<Vec<HttpRequest>> = const { RefCell::new(Vec::new()) };
}

/// A request that a hook made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// As it was given.
    pub method: String,
    /// As it was given.
    pub url: String,
    /// Those that were added.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Empty where there is none.
    pub body: Vec<u8>,
}

/// What a request to this URL brings back from now on, whatever its method. Every other one is refused.
pub fn answer_http(url: &str, reply: Reply) {
    answer(url, Ok(reply), Duration::ZERO);
}

/// The same after a delay. Nobody waits for it: a request whose [`timeout`](Request::timeout) is not longer has timed out.
pub fn answer_http_late(url: &str, delay: Duration, reply: Reply) {
    answer(url, Ok(reply), delay);
}

/// How a request to this URL fails from now on, for example as [`Failure::Refused`].
pub fn fail_http(url: &str, failure: Failure) {
    answer(url, Err(failure), Duration::ZERO);
}

/// What was asked since the last time, in order, also what nothing answered.
pub fn http_requests() -> Vec<HttpRequest> {
    ASKED.take()
}

fn answer(url: &str, reply: Result<Reply, Failure>, delay: Duration) {
    ANSWERS.with_borrow_mut(|answers| answers.insert(url.into(), Answer { reply, delay }));
}

pub(crate) fn fetch(request: &Request) -> Result<Reply, Failure> {
    request.parts()?;
    if denies("http") {
        return Err(Failure::Denied);
    }
    ASKED.with_borrow_mut(|asked| {
        asked.push(HttpRequest {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        });
    });
    let answer = ANSWERS.with_borrow(|answers| answers.get(&request.url).cloned());
    // As a fixture without this answer has it.
    let Answer { reply, delay } = answer.ok_or(Failure::Refused)?;
    if request.timeout.is_some_and(|timeout| timeout <= delay) {
        return Err(Failure::TimedOut);
    }
    reply
}
