//! Who a client is, and what it may see and use: by Host and Origin, keys and tokens, views, and what the operator has
//! stopped.
//!
//! This crate judges, and sends nothing: it knows no server but by its name, no session, and no configuration file.

mod authorization;
mod challenge;
mod client_view;
mod endpoint;
mod list;
mod origin;
mod pattern;
mod principals;
mod scopes;
mod stops;
mod view;
mod views;

pub use authorization::{Authorization, Grant};
pub use challenge::Challenge;
pub use client_view::{ClientView, Verdict, is_odd};
pub use endpoint::Endpoint;
pub use list::{ListError, visible};
pub use origin::{Access, OriginError, host_of};
pub use pattern::{Kind, PatternError, Rule, ViewPattern};
pub use principals::{ClientKey, Clients, Principal, UnknownClientError, token};
pub use scopes::Scopes;
pub use stops::{Stop, StopKind, Stops};
pub use view::View;
pub use views::{Viewer, Views};
