//! A forward proxy for programs that have no other network.
//!
//! A program asks for a host by `CONNECT`. The proxy looks for it on the program's list, resolves its name once,
//! refuses addresses that are not public, connects to exactly the address that it checked, and compares the name in the
//! program's TLS with the host it asked for. Every connection is told to a [`ConnectionLog`]. For hosts that are named so
//! (`inject`), it ends the program's TLS and puts a value into a header that the program never has.
//!
//! This crate knows nothing of MCP, of containment and of the gateway's configuration: whoever holds the listener says
//! which program can connect to it.

mod bounds;
mod connection;
mod connection_record;
mod head;
mod hello;
mod inject;
mod pace;
mod policy;
mod proxy;
mod reason;
mod relay;
mod resolve;
mod verdict;

pub use bounds::Bounds;
pub use connection::{Connection, ConnectionLog, Unrecorded};
pub use inject::{Injection, Injector, InjectorError};
pub use policy::Policy;
pub use proxy::Proxy;
pub use reason::Reason;
pub use resolve::{Resolver, SystemResolver};
pub use sandgate_address::{AllowedHost, AllowedHostError};
pub use verdict::Verdict;
