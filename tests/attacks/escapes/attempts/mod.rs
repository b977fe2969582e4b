//! What a hostile server attempts, and what stops it.

mod files;
mod kernel;
mod limits;
mod network;
mod processes;

use harness::Gateway;
use serde_json::{Value, json};

use crate::escapes::world::{SECRET, World};

/// Whether the attempt must succeed without containment, to this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// It must.
    Succeeds,
    /// It needs root, or a kernel with a part that not all have.
    Depends,
}

pub(super) struct Attempt {
    pub(super) what: &'static str,
    /// The function of the server.
    pub(super) name: &'static str,
    /// What it goes after.
    pub(super) aim: fn(&World, &Gateway, &str) -> Value,
    /// What stops it with bubblewrap and with Landlock. Where it begins with `!`, nothing does, and this says what that is
    /// worth.
    pub(super) stopped_by: [&'static str; 2],
    pub(super) control: Control,
}

impl Attempt {
    /// Whether nothing is known to stop it.
    pub(super) fn finding(&self, by: &str) -> bool {
        by.starts_with('!')
    }
}

const fn one(
    what: &'static str,
    name: &'static str,
    aim: fn(&World, &Gateway, &str) -> Value,
    stopped_by: [&'static str; 2],
    control: Control,
) -> Attempt {
    Attempt {
        what,
        name,
        aim,
        stopped_by,
        control,
    }
}

fn nothing(_: &World, _: &Gateway, _: &str) -> Value {
    json!({})
}

fn secret(world: &World, _: &Gateway, _: &str) -> Value {
    json!({ "path": world.fresh(), "pid": world.victim().to_string() })
}

fn victim(world: &World, _: &Gateway, _: &str) -> Value {
    json!({ "pid": world.victim().to_string(), "secret": SECRET, "address": world.address })
}

fn gateway(_: &World, gateway: &Gateway, _: &str) -> Value {
    json!({ "pid": gateway.process.id().to_string(), "secret": "PATH" })
}

fn configuration(_: &World, gateway: &Gateway, _: &str) -> Value {
    json!({ "path": gateway.config_file() })
}

fn names(world: &World, _: &Gateway, _: &str) -> Value {
    json!({ "name": world.name, "datagrams": format!("{}-datagrams", world.name) })
}

fn work(world: &World, _: &Gateway, server: &str) -> Value {
    let folder = if server == "free" { "tmp" } else { "work" };
    json!({ "path": world.path(folder) })
}

fn loopback(world: &World) -> Value {
    json!({ "host": "127.0.0.1", "port": world.tcp })
}

/// An address elsewhere for the one that has no route to anywhere; for the others its stand-in on loopback.
fn elsewhere(world: &World, server: &str, host: &str, port: u16) -> Value {
    match server {
        "bubblewrap" => json!({ "host": host, "port": port }),
        _ => loopback(world),
    }
}

fn family(family: i32, kind: i32, protocol: i32) -> Value {
    json!({ "family": family, "kind": kind, "protocol": protocol })
}

pub(super) fn admin_socket(gateway: &Gateway) -> Value {
    let folder = gateway.config_file().parent().unwrap().to_owned();
    let mut left = vec![folder];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if std::os::unix::fs::FileTypeExt::is_socket(&kind) {
                return json!({ "path": entry.path() });
            }
            if kind.is_dir() {
                left.push(entry.path());
            }
        }
    }
    panic!("the gateway has no admin socket");
}

const MOUNTS: &str = "its own mounts";
const PIDS: &str = "its own process ids";
const NET: &str = "its own network";
const LANDLOCK: &str = "Landlock";
const SECCOMP: &str = "seccomp";

/// All of them, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = &'static Attempt> {
    let groups = [
        files::ATTEMPTS,
        processes::ATTEMPTS,
        network::ATTEMPTS,
        kernel::ATTEMPTS,
        limits::ATTEMPTS,
    ];
    groups.into_iter().flatten()
}
