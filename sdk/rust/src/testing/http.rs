//! What answers requests in native tests, and what was asked: one a thread.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::http::{Failure, Reply, Request};

thread_local! {
    static REPLIES: RefCell<BTreeMap<String, Result<Reply, Failure>>> = const { RefCell::new(BTreeMap::new()) };
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

/// What a request to this URL brings back from now on, whatever its method. Every other one fails.
pub fn answer_http(url: &str, reply: Reply) {
    REPLIES.with_borrow_mut(|replies| replies.insert(url.into(), Ok(reply)));
}

/// How a request to this URL fails from now on, for example as [`Failure::Denied`].
pub fn fail_http(url: &str, failure: Failure) {
    REPLIES.with_borrow_mut(|replies| replies.insert(url.into(), Err(failure)));
}

/// What was asked since the last time, in order, also what nothing answered.
pub fn http_requests() -> Vec<HttpRequest> {
    ASKED.take()
}

pub(crate) fn fetch(request: &Request) -> Result<Reply, Failure> {
    request.parts()?;
    ASKED.with_borrow_mut(|asked| {
        asked.push(HttpRequest {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        });
    });
    REPLIES
        .with_borrow(|replies| replies.get(&request.url).cloned())
        .unwrap_or_else(|| Err(Failure::Failed("InternalError".into())))
}
