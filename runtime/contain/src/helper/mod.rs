//! The helper: this very program, started anew by the gateway for one server.
//!
//! Its first stage (`supervise`) takes the plan from a descriptor, starts the second stage, inside of bubblewrap where
//! the plan says so, and watches. The second stage (`confine`) puts everything else into force and becomes the server's
//! program. Both have one thread, so that neither needs code between a fork and an exec.

mod cgroup;
mod confine;
mod container;
mod in_memory;
mod measure;
mod remove;
mod supervise;
mod tell;
mod tmp;
mod tree;

use std::ffi::OsString;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::{HELPER, REMOVER};

const INNER: &str = "contain-become";
/// What the first stage starts bubblewrap through.
const LIMITED: &str = "contain-limit";
/// What holds a container's network.
const NETWORK: &str = "contain-network";
/// The status of a helper that could not start the program.
const FAILED: u8 = 125;

/// What the second stage is told.
#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    plan: Plan,
    /// How many files in memory there are beside.
    given: usize,
    /// Private folders: for temporary files, and the home.
    tmp: String,
    home: String,
    /// Processes that the user has already, where they cannot be counted apart.
    others: u32,
    /// The namespaces outside.
    namespaces: Vec<(String, String)>,
}

/// The namespaces of this process: kind and number.
fn namespaces() -> Vec<(String, String)> {
    let of = |name: &str| {
        let link = std::fs::read_link(format!("/proc/self/ns/{name}")).ok()?;
        Some((name.to_owned(), link.display().to_string()))
    };
    let kinds = ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup"];
    kinds.into_iter().filter_map(of).collect()
}

/// Acts as the helper where the command line says so, before anything else of the program has begun.
pub fn take_over(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let _program = arguments.next()?;
    let word = arguments.next()?;
    let mut number = || arguments.next()?.to_str()?.parse().ok();
    if word == HELPER {
        Some(supervise::carry_out(number()?))
    } else if word == INNER {
        Some(confine::carry_out(number()?, number()?))
    } else if word == LIMITED {
        let plan = number()?;
        Some(confine::become_bubblewrap(plan, arguments))
    } else if word == NETWORK {
        Some(container::hold_network(number()?))
    } else if word == REMOVER {
        Some(remove::carry_out(number()?))
    } else {
        None
    }
}
