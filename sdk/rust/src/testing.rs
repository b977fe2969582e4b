//! What a native test puts in the gateway's place: documents and contexts in memory, and what the policy reported.
//!
//! It follows the contract's comments and the gateway's reading of them (a test compares the two), and is for tests
//! only: it reads a document anew for every question.

mod document;
mod exchange;
#[cfg(feature = "http")]
pub(crate) mod http;
mod reading;
mod recorder;
#[cfg(feature = "schema")]
mod schema;
pub(crate) mod state;
mod tree;

pub(crate) use document::Memory;
pub use document::{after, document};
pub(crate) use exchange::Exchange;
pub use exchange::{ContextBuilder, context};
#[cfg(feature = "http")]
pub use http::{HttpRequest, answer_http, fail_http, http_requests};
pub use recorder::{findings, logs, rules};
pub(crate) use recorder::{record_finding, record_log};
#[cfg(feature = "schema")]
pub use schema::settings_schema;
pub use state::clear as clear_state;
