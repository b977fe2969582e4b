//! Write Sandgate interceptors in Rust: a trait with two hooks, the documents and context they look at, and
//! [`export!`], which makes a component of a type.
//!
//! It answers for the way between the contract (`wit/`) and ordinary Rust. It knows no gateway: what stands on the
//! other side of the imports is whatever host links them. Natively, where there is none, [`testing`] stands in.
//!
//! ```
//! use sandgate_sdk::{Context, Document, Error, Interceptor, Issues, PreDecision, export, refuse};
//!
//! struct ReadOnly;
//!
//! impl Interceptor for ReadOnly {
//!     type Settings = sandgate_sdk::NoSettings;
//!
//!     fn configure(_: Self::Settings) -> Result<Self, Issues> {
//!         Ok(Self)
//!     }
//!
//!     fn pre_call(&self, context: &Context, _params: &Document) -> Result<PreDecision, Error> {
//!         match context.target() {
//!             Some(tool) if tool.starts_with("delete_") => Ok(refuse("read-only", "This server is read-only here.").into()),
//!             _ => Ok(PreDecision::Proceed),
//!         }
//!     }
//! }
//!
//! export!(ReadOnly: pre_call);
//! # fn main() {}
//! ```

mod arena;
#[doc(hidden)]
pub mod bindings;
mod context;
mod decision;
mod document;
mod explanation;
#[doc(hidden)]
pub mod export;
mod fault;
mod finding;
mod glob;
#[cfg(feature = "http")]
pub mod http;
mod interceptor;
mod log;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod pointer;
pub mod random;
pub mod state;
mod system;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use arena::Arena;
pub use context::Context;
pub use decision::{Edit, PostDecision, PreDecision, Refusal, refuse};
pub use document::{Document, Texts, map_texts};
pub use explanation::{Explanation, because, is_plain_name};
pub use finding::{Finding, Severity, finding};
pub use glob::glob_matches;
pub use interceptor::{Error, Interceptor, Issue, Issues, NoSettings};
pub use log::{Level, log};
