//! The plugin author's day: from nothing to a plugin that changes a call in a live gateway, outside any repository.
#![allow(clippy::unwrap_used)]

mod author;
mod c;
mod c_sdk;
mod coverage;
mod dev;
mod dev_server;
mod errors;
mod faults;
mod go;
mod http;
mod interpreted;
mod left_out;
mod mistakes;
mod packages;
mod python;
mod rust;
mod saves;
mod shared;
mod terminal;
mod unchanged;
mod upgrade;
