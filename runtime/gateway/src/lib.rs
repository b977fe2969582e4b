//! The MCP wire layer of Sandgate: downstream clients, upstream servers, and the proxying of calls between them, in
//! both protocol eras and over both transports.
//!
//! This crate owns framing, sessions, ids, headers and client authentication, and sends every message through the
//! pipeline. It knows nothing about how interceptors are built, where the configuration is stored, or where records are
//! written.

mod call;
mod claims;
mod config;
mod downstream;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod health;
mod merged;
mod nested;
mod protocol;
mod registry;
mod replay;
mod shared;
mod upstream_conn;

pub use config::GatewayConfig;
pub use gateway::{Gateway, StopOutcome};
pub use health::{Condition, Conditions, Status};
pub use registry::{Edition, EditionError, Registry};
pub use replay::{ReplayResult, ReplaySession};
pub use sandgate_access::{
    Access, Authorization, ClientKey, ClientView, Clients, Endpoint, Kind, OriginError,
    PatternError, Rule, Scopes, Stop, StopKind, Stops, Verdict, View, ViewPattern, Views,
};
pub use sandgate_admission::TrustedProxies;
pub use sandgate_issuer as issuer;
pub use sandgate_observe::{
    CallLog, CallLogError, CallTimings, CapturedCall, Decision, Ended, Figures, Forwarded, LeftOut,
    NestedCalls, NestedRun, Observer, OnUnwritten, RefusedBy,
};
pub use sandgate_upstream as upstream;
pub use sandgate_upstream::{
    Availability, Eras, Failure, Health, Server, ServerConfig, ServerError, Share, Transport,
};
pub use sandgate_wire::framing;
pub use sandgate_wire::trace_context::{SpanId, Trace, TraceContext, TraceId};
pub use sandgate_wire::{Authorities, Identity, IdentityError};
pub use sandgate_wire::{Budget, MemoryError};
