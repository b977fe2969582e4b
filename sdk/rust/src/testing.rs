//! What a native test puts in the gateway's place: documents and contexts in memory, what the policy reported, and the
//! gateway's judgement of what a hook decided.
//!
//! [`pre_call`] and [`post_call`] run a hook and judge it as the gateway does, by the `plugin.toml` of the package: a
//! validation that changes something, an edit of a place that is not there, a note that is too large are faults, and what
//! the manifest does not ask for is not granted. A hook that a test calls itself is not judged.
//!
//! It follows the contract's comments and the gateway's reading of them (a test compares the two), and is for tests
//! only: it reads a document anew for every question.
//!
//! ```
//! use sandgate_sdk::testing::{Decision, configure, context, document, pre_call};
//! # use sandgate_sdk::{Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, refuse};
//! # struct Guard;
//! # impl Interceptor for Guard {
//! #     type Settings = NoSettings;
//! #     fn configure(_: NoSettings) -> Result<Self, Issues> { Ok(Self) }
//! #     fn pre_call(&self, call: &Context, _: &Document) -> Result<PreDecision, Error> {
//! #         Ok(refuse("delete.forbidden", "Only admins may delete.").into())
//! #     }
//! # }
//! let guard: Guard = configure("{}").expect("settings that fit");
//! let outcome = pre_call(&guard, &context("tools/call").build(), &document(r#"{"name":"delete_note"}"#));
//! assert_eq!(outcome.decision, Decision::Refuse);
//! assert_eq!(outcome.refusal.expect("refused").code, "delete.forbidden");
//! ```

mod document;
mod edits;
mod exchange;
#[cfg(feature = "http")]
pub(crate) mod http;
mod judge;
mod manifest;
mod reading;
mod recorder;
mod run;
#[cfg(feature = "schema")]
mod schema;
pub(crate) mod state;
mod stop;
mod tree;

pub(crate) use document::Memory;
pub use document::{after, document};
pub(crate) use exchange::Exchange;
pub use exchange::{ContextBuilder, context};
#[cfg(feature = "http")]
pub use http::{HttpRequest, answer_http, answer_http_late, fail_http, http_requests};
pub use recorder::{findings, logs, rules};
pub(crate) use recorder::{record_finding, record_log};
pub use run::{Decision, Outcome, configure, post_call, pre_call};
#[cfg(feature = "schema")]
pub use schema::settings_schema;
pub use state::{clear as clear_state, grant as grant_state};
