//! The path of one call: described, admitted, forwarded, answered.
//!
//! `request` takes a client's request through `describe`, `validate`, `admit` and `headers`, in this order, and its
//! reply back through `relay` (for a stream) and `finish`. `from_client` handles a client's other messages,
//! `from_server` those that a server starts.

pub(crate) mod admit;
pub(crate) mod caller;
pub(crate) mod deferred;
pub(crate) mod describe;
pub(crate) mod error_reply;
pub(crate) mod finish;
pub(crate) mod from_client;
pub(crate) mod from_server;
pub(crate) mod headers;
pub(crate) mod in_flight;
pub(crate) mod pending;
pub(crate) mod proxy;
pub(crate) mod relay;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod stop;
pub(crate) mod validate;
pub(crate) mod views;
