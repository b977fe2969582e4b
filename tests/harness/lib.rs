//! What the journeys stand on: the gateway as a process, real clients and servers, servers that record and answer byte
//! for byte, and a plain HTTP client that sends whatever it is given.
//!
//! Everything listens on loopback and a free port, ends when it is dropped, and gives up after a stated time. Nothing
//! here knows the gateway's crates: what a journey sees is what a user sees. A helper that cannot do its work panics,
//! with the log of the process concerned: that is a failed test.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

pub mod authority;
mod canary;
mod client;
mod envelope;
mod fake;
mod figures;
mod fixture;
mod front;
mod gateway;
mod image;
mod issuer;
mod part;
mod pipe;
mod place;
mod process;
mod script;
mod speaker;
mod tls_host;
mod upkeep;
mod wire;

pub use canary::Canary;
pub use client::{Client, Plan};
pub use envelope::{Envelope, Era, without_line_ends};
pub use fake::{Chunk, FakeServer, Heard, Reply};
pub use figures::Figures;
pub use fixture::Fixture;
pub use front::{Front, Over};
pub use gateway::{Ended, Gateway};
pub use image::{engines, make_image};
pub use issuer::{Issuer, encoded, now, unsigned};
pub use part::{Part, Parts};
pub use pipe::Pipe;
pub use place::{
    binary, cache, node, open_to_all, other_user, peers, sandgate, sdks, system_python,
};
pub use process::Process;
pub use script::Script;
pub use speaker::Speaker;
pub use tls_host::TlsHost;
pub use upkeep::Save;
pub use wire::{Event, Exchange, request, try_request};
