//! One call on its way: described, admitted, forwarded, answered.
//!
//! The modules in their order, each of which uses those before it only: `id`, `describe`, `response`, `error_reply`,
//! `in_flight`, `pending`, then (after `nested`) `admit`, `from_server`, `relay`, `proxy`, `from_client`.

pub(crate) mod admit;
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
pub(crate) mod response;
pub(crate) mod validation;
