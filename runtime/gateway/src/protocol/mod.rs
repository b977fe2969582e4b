//! MCP rules that hold for every message: cache hints, `list_changed`, subscriptions, and checks that precede the
//! interceptors.

pub(crate) mod cache_scope;
pub(crate) mod list_changed;
pub(crate) mod subscription;
pub(crate) mod validation;
