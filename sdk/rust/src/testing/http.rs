//! What answers requests in native tests, one a thread.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::http::{Failure, Reply, Request};

thread_local! {
    static REPLIES: RefCell<BTreeMap<String, Reply>> = const { RefCell::new(BTreeMap::new()) };
}

/// What a request to this URL brings back from now on, whatever its method. Every other one fails.
pub fn answer_http(url: &str, reply: Reply) {
    REPLIES.with_borrow_mut(|replies| replies.insert(url.into(), reply));
}

pub(crate) fn fetch(request: &Request) -> Result<Reply, Failure> {
    request.parts()?;
    REPLIES
        .with_borrow(|replies| replies.get(&request.url).cloned())
        .ok_or_else(|| Failure::Failed("InternalError".into()))
}
