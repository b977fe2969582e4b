//! Issuers of access tokens (OAuth 2.1): what an issuer says of itself, its keys, and whether a token is one of its own
//! and what it says of its bearer.
//!
//! This crate knows no MCP, no configuration file and no client. Who may call with which token is decided above it.

mod algorithm;
mod bearer;
mod config;
mod discovery;
mod error;
mod exchange;
mod fetch;
mod introspection;
mod issuer;
mod jws;
mod key;
mod key_cache;
mod verifier;

pub use algorithm::Algorithm;
pub use bearer::Bearer;
pub use config::IssuerConfig;
pub use error::{RefusedTokenError, TokenError};
pub use exchange::{Exchange, ExchangeConfig, ExchangeError};
pub use introspection::Introspection;
pub use issuer::Issuer;
pub use key_cache::Health;
pub use verifier::{MAX_TOKEN, Verifier};
