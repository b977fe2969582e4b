//! MCP on the wire: clients on one side, servers on the other, and the exchange between them, in both eras of the
//! protocol and over both of its transports.
//!
//! It answers for what is on the wire: framing, sessions, ids, headers, who is let in, and that every message passes the
//! pipeline. It does not know what an interceptor is made of, where the configuration stands, or where records go.

mod access;
mod admission;
mod arriving;
mod caching;
mod call;
mod carriage;
mod carried;
mod challenge;
mod changed;
mod claims;
mod clients;
mod config;
mod delivery;
mod downstream;
mod era;
mod exchange;
pub mod framing;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod health;
mod house;
mod journal;
mod ledger;
mod mcp_headers;
mod memory;
mod merged;
mod notice_records;
mod observer;
mod passing;
mod record;
mod registry;
mod rehearsal;
mod reply;
mod rounds;
mod taken;
mod tasks;
mod telling;
mod tls;
mod trace;
pub mod upstream;
mod validation;
mod whole;

pub use access::{Access, Denied};
pub use admission::{Budget, MemoryError, TrustedProxies};
pub use clients::{ClientKey, Clients};
pub use config::{GatewayConfig, OnUnwritten};
pub use downstream::Endpoint;
pub use gateway::Gateway;
pub use health::{Condition, Conditions, Status};
pub use observer::{Figures, Observer, Way};
pub use record::{CallLog, Decision, Ended, Forwarded, LeftOut, Unwritten};
pub use registry::{Edition, EditionError, Registry};
pub use rehearsal::{Rehearsal, Rehearsed};
pub use taken::{Aside, Carried, Taken};
pub use tls::{Authorities, Identity, IdentityError};
pub use trace::{SpanId, Trace, TraceContext, TraceId};
pub use upstream::{
    Availability, Eras, Failure, Health, Server, ServerConfig, ServerError, Share, Transport,
};
