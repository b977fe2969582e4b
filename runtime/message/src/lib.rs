//! JSON-RPC and MCP terms: checked JSON text that keeps its bytes, messages, calls, the decisions of an interceptor,
//! and the one trait between pipeline and host.
//!
//! The crate does no I/O and knows no transport, no order of interceptors and no WebAssembly.

mod account;
mod apply;
mod call;
mod change;
mod checked;
mod client;
mod cut;
mod decision;
mod edit;
mod envelope;
mod escape;
mod explanation;
mod failure;
mod hook_points;
mod interceptor;
mod json;
mod json_error;
mod jsonrpc;
mod line;
mod lookalike;
mod members;
mod method;
mod names;
mod node;
mod opaque;
mod percent;
pub mod pointer;
mod quoted;
mod scan;
mod shape;
mod slot;
mod splice;
mod tape;
mod text;
mod text_rules;
mod turn;
mod uri;

pub use account::Account;
pub use apply::apply;
pub use call::{Call, CallId, Direction, Era};
pub use client::{CLIENT_KEY, Client};
pub use cut::cut;
pub use decision::{Finding, Hook, Part, PostDecision, PreDecision, Refusal, Severity};
pub use edit::{Edit, EditError};
pub use explanation::Explanation;
pub use failure::Failure;
pub use hook_points::{Carrier, HookPoint, hook_points};
pub use interceptor::{BoxFuture, HookRequest, HookResult, Interceptor, InterceptorInfo, Role};
pub use json::Json;
pub use json_error::{JsonError, JsonErrorKind, Limits};
pub use jsonrpc::Message;
pub use lookalike::looks_like;
pub use members::misspelt_member;
pub use method::{Method, Target};
pub use node::Node;
pub use shape::{Id, MessageError, Shape, error_codes};
pub use tape::Kind;
pub use text::TextRun;
pub use turn::{give_way, polled};
pub use uri::{canonical_uri, forms_of_uri, is_canonical_uri};
