//! Programs run with what they need and nothing else.
//!
//! A [`Plan`] says what a program may reach and use. The gateway starts itself anew as a helper ([`helper`]), which
//! puts the plan into force with bubblewrap, Landlock or a container engine, reads back from the kernel what is in force,
//! starts the program, watches it, and ends whatever it leaves. Where a part of a plan cannot be put into force, the
//! program does not start.
//!
//! This crate knows nothing of MCP, of the gateway and of its configuration.

mod access;
mod backend;
#[cfg(target_os = "linux")]
mod bubblewrap;
mod container;
#[cfg(target_os = "linux")]
mod exact;
mod exposed;
mod guard;
mod handed;
#[cfg(target_os = "linux")]
pub mod helper;
#[cfg(target_os = "linux")]
mod landlock;
mod limits;
mod plan;
mod proxied;
mod report;
mod requirement;
mod runner;
#[cfg(target_os = "linux")]
mod seccomp;
#[cfg(target_os = "linux")]
mod sys;
mod system;
mod table;
mod toolchain;
mod wanted;

/// The first word of the helper's command line, after the program's name. The second is the number of the descriptor
/// with the plan.
pub const HELPER: &str = "contain-exec";

/// The first word of the process that removes a container once its gateway is gone. It runs nothing but that.
pub const REMOVER: &str = "contain-remove";

pub use access::Access;
pub use backend::Backend;
pub use container::{Engine, Image, Mount};
pub use exposed::{Exposed, Reason};
pub use guard::{GuardError, Guarded, real_path};
pub use handed::receive;
pub use limits::{Limit, Limits};
pub use plan::{Plan, PlanError};
pub use proxied::environment as proxy_environment;
pub use report::{InForce, Report};
pub use requirement::{Missing, missing, missing_network, missing_of_engine};
pub use system::has as every_program_reads;
pub use toolchain::{Runs, runs};
pub use wanted::{GivenFile, Network, Wanted};
