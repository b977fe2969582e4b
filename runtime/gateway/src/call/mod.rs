//! One call on its way: described, admitted, forwarded, answered.
//!
//! A request of a client's goes through `request` and there, in this order, through `describe`, `validate`, `admit`,
//! `headers`, and back through `relay` (a stream) and `finish`. `from_client` has a client's other messages, `from_server`
//! a server's own.

pub(crate) mod admit;
pub(crate) mod caller;
pub(crate) mod describe;
pub(crate) mod error_reply;
pub(crate) mod finish;
pub(crate) mod from_client;
pub(crate) mod from_server;
pub(crate) mod headers;
pub(crate) mod id;
pub(crate) mod in_flight;
pub(crate) mod pending;
pub(crate) mod proxy;
pub(crate) mod relay;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod validate;
