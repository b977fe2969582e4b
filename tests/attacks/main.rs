//! The gateway as its attackers meet it: hostile clients and hostile servers as real processes, in both eras, over HTTP
//! and stdio, one server and all of them merged. One file a class of attack. Each test carries an attack out, by the
//! default limits and settings unless its name says otherwise, and shows that it fails; `docs/security.md` names the test
//! that shows each promise.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod admin_socket;
mod callers;
mod catalogs;
mod certificates;
mod connections;
mod error_details;
mod escapes;
mod foreign_replies;
mod headers;
mod log_flood;
mod lookalike_names;
mod member_case;
mod memory;
mod policy_cover;
mod process_tree;
mod published;
mod resource_uris;
mod secrets;
mod smuggled_events;
mod starved_callers;
mod stops;
mod tasks;
mod tenants_definitions;
mod threat_model;
mod tokens;
mod unknown_methods;
mod views;
