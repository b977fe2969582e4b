//! Nested messages: a reply that asks the client for input, a request that brings the answers, a task and its outcome.
//! Each passes the interceptors as the message that it would be by itself.

pub(crate) mod enter;
pub(crate) mod input_requests;
pub(crate) mod input_required;
pub(crate) mod leave;
pub(crate) mod outer;
pub(crate) mod pass;
pub(crate) mod store;
pub(crate) mod task;
pub(crate) mod tasks;
pub(crate) mod ttl_map;

pub(crate) use self::enter::{continued, enter};
pub(crate) use self::leave::leave;
