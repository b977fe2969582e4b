//! Locked packages and plugins, for the verbs that lock and install them.

mod error;
mod installation;
mod remote_plugin;
mod stand;

pub(crate) use error::{SupplyError, said, shown};
pub(crate) use installation::{fetch, one};
pub(crate) use stand::Stand;
