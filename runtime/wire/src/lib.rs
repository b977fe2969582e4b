//! The wire, whichever side of the gateway it is on: framings, bodies within bounds, certificates, the headers that mirror
//! a message, the eras of the protocol, ids of traces, and challenges for tokens.
//!
//! This crate knows no server and no client, and opens no connection.

mod body;
mod budget;
pub mod challenge;
pub mod era;
pub mod framing;
pub mod header_mirror;
mod quota;
mod tls;
pub mod trace_context;

pub use body::{CollectError, collect};
pub use budget::{Budget, MemoryError};
pub use quota::{Permit, Quota};
pub use tls::{Authorities, ClientCertificate, Identity, IdentityError, provider};
