//! What a hostile server attempts, and what stops it.

use harness::Gateway;
use serde_json::{Value, json};

use super::world::{SECRET, World};

/// Whether the attempt must succeed without containment, to this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// It must.
    Succeeds,
    /// It needs root, or a kernel with a part that not all have.
    Depends,
}
use Control::{Depends, Succeeds};

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

fn admin_socket(gateway: &Gateway) -> Value {
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

pub(super) const ATTEMPTS: &[Attempt] = &[
    // Files.
    one(
        "read another's file",
        "read_file",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read `/etc/shadow`",
        "read_file",
        |_, _, _| json!({ "path": "/etc/shadow" }),
        [MOUNTS, LANDLOCK],
        Depends,
    ),
    one(
        "read a private key in `~/.ssh`",
        "read_file",
        |world, _, _| json!({ "path": world.path("outside/home/.ssh/id_ed25519") }),
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read the gateway's configuration",
        "read_file",
        configuration,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "change the gateway's configuration",
        "write_file",
        configuration,
        [MOUNTS, LANDLOCK],
        Depends,
    ),
    one(
        "list a home",
        "list_folder",
        |world, _, _| json!({ "path": world.path("outside/home") }),
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "learn whether a file is there, its size and times",
        "stat_file",
        secret,
        [
            MOUNTS,
            "! the names of files elsewhere can be tried, their content cannot be read",
        ],
        Succeeds,
    ),
    one(
        "change another's file",
        "write_file",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "make a file elsewhere",
        "create_file",
        |world, _, _| json!({ "path": world.path("outside"), "seen": world.path("script") }),
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "make a file in a folder that is given to be read",
        "create_file",
        |world, _, _| json!({ "path": world.path("script"), "seen": world.path("script") }),
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "delete a file",
        "delete_file",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "rename a file",
        "rename_file",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "truncate a file",
        "truncate_file",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "change a file's mode",
        "chmod_file",
        secret,
        [MOUNTS, SECCOMP],
        Succeeds,
    ),
    one(
        "change a file's times",
        "touch_file",
        secret,
        [MOUNTS, SECCOMP],
        Succeeds,
    ),
    one(
        "read through a symbolic link of its own",
        "through_symlink",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read through a hard link of its own",
        "through_hardlink",
        |world, _, _| json!({ "path": world.fresh() }),
        [MOUNTS, LANDLOCK],
        Depends,
    ),
    one(
        "read through `..`",
        "through_dots",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read through `/proc/PID/root` of another",
        "through_proc_root",
        secret,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read through `/proc/self/root`",
        "through_own_root",
        secret,
        [MOUNTS, LANDLOCK],
        Succeeds,
    ),
    one(
        "name a file by a handle",
        "name_to_handle",
        secret,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    // Processes.
    one(
        "see other processes",
        "list_processes",
        victim,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read another's command line",
        "read_cmdline",
        victim,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read another server's environment",
        "read_environ",
        victim,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read the gateway's environment",
        "read_environ",
        gateway,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read another's memory by `/proc/PID/mem`",
        "read_mem",
        victim,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "read the gateway's memory by `/proc/PID/mem`",
        "read_mem",
        gateway,
        [PIDS, LANDLOCK],
        Depends,
    ),
    one(
        "read another's memory by `process_vm_readv`",
        "vm_readv",
        victim,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "trace another process",
        "ptrace_seize",
        victim,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "signal another process",
        "send_signal",
        victim,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "signal the gateway",
        "send_signal",
        gateway,
        [PIDS, LANDLOCK],
        Succeeds,
    ),
    one(
        "take a descriptor of another process",
        "steal_descriptor",
        victim,
        [PIDS, SECCOMP],
        Succeeds,
    ),
    one(
        "lower another's limits",
        "limit_other",
        victim,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "lower another's priority",
        "renice_other",
        victim,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "set the priority of all processes of the user",
        "renice_user",
        nothing,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "enter another's namespace",
        "enter_namespace",
        victim,
        [PIDS, LANDLOCK],
        Depends,
    ),
    // The network.
    one(
        "connect to a service on the machine's loopback",
        "tcp",
        |world, _, _| loopback(world),
        [NET, SECCOMP],
        Succeeds,
    ),
    one(
        "the same by IPv6",
        "tcp",
        |world, _, _| json!({ "host": "::1", "port": world.tcp6.unwrap_or(world.tcp) }),
        [NET, SECCOMP],
        Depends,
    ),
    one(
        "the same by name",
        "by_name",
        |world, _, _| loopback(world),
        [NET, SECCOMP],
        Succeeds,
    ),
    one(
        "connect to an address elsewhere",
        "tcp",
        |world, _, server| elsewhere(world, server, "192.0.2.1", 443),
        [NET, SECCOMP],
        Succeeds,
    ),
    one(
        "connect to the cloud's metadata address",
        "tcp",
        |world, _, server| elsewhere(world, server, "169.254.169.254", 80),
        [NET, SECCOMP],
        Succeeds,
    ),
    one(
        "send a datagram (UDP)",
        "udp",
        |world, _, _| json!({ "host": "127.0.0.1", "port": world.udp }),
        [NET, SECCOMP],
        Succeeds,
    ),
    one(
        "send a secret in a question to a name server",
        "dns",
        |world, _, _| json!({ "host": "127.0.0.1", "port": world.udp }),
        [NET, SECCOMP],
        Succeeds,
    ),
    one(
        "make a raw socket",
        "make_socket",
        |_, _, _| family(2, 3, 255),
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "make a packet socket",
        "make_socket",
        |_, _, _| family(17, 3, 0),
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "make a vsock socket",
        "make_socket",
        |_, _, _| family(40, 1, 0),
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "make a socket to the kernel's ciphers (AF_ALG)",
        "make_socket",
        |_, _, _| family(38, 5, 0),
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "listen to the kernel's events (netlink)",
        "make_socket",
        |_, _, _| family(16, 3, 15),
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "connect to a container engine's socket",
        "unix_path",
        |world, _, _| json!({ "path": world.path("outside/container.sock") }),
        [MOUNTS, SECCOMP],
        Succeeds,
    ),
    one(
        "connect to the gateway's admin socket",
        "unix_path",
        |_, gateway, _| admin_socket(gateway),
        [MOUNTS, SECCOMP],
        Depends,
    ),
    one(
        "connect to an abstract socket",
        "unix_abstract",
        names,
        [NET, SECCOMP],
        Succeeds,
    ),
    one(
        "turn a pair of sockets to an abstract one",
        "unix_datagram_pair",
        names,
        [NET, SECCOMP],
        Succeeds,
    ),
    // The kernel.
    one(
        "keep a key in the kernel",
        "keyring",
        nothing,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "use io_uring",
        "io_uring",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "mount a file system",
        "mount",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "begin a user namespace",
        "user_namespace",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "begin a mount namespace",
        "mount_namespace",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "begin a user namespace by `clone`",
        "clone_namespace",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "begin a user namespace by `clone3`",
        "clone3_namespace",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "load a program into the kernel (bpf)",
        "bpf",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "count events of the processor (perf)",
        "perf",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "handle page faults (userfaultfd)",
        "faults",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "run a program that is in memory alone",
        "run_from_memory",
        nothing,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "keep memory that outlives it (shmget)",
        "shared_memory",
        nothing,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "switch off the randomness of addresses",
        "other_personality",
        nothing,
        [SECCOMP, SECCOMP],
        Succeeds,
    ),
    one(
        "open, connect, signal and trace by a program without libraries",
        "run_static",
        |world, _, _| json!({ "program": world.path("script/static"), "path": world.fresh(), "port": world.tcp, "pid": world.victim().to_string() }),
        ["all of the above", "all of the above"],
        Succeeds,
    ),
    one(
        "become root",
        "become_root",
        nothing,
        ["no capabilities", "no capabilities"],
        Depends,
    ),
    one(
        "gain privileges by a set-user-id program",
        "gain_privileges",
        nothing,
        ["no new privileges", "no new privileges"],
        Succeeds,
    ),
    // Limits.
    one(
        "run on all processors",
        "all_processors",
        nothing,
        [SECCOMP, SECCOMP],
        Depends,
    ),
    one(
        "open files without end",
        "many_files",
        nothing,
        ["limit", "limit"],
        Succeeds,
    ),
    one(
        "write a file without end",
        "big_file",
        work,
        ["limit", "limit"],
        Succeeds,
    ),
    one(
        "start processes without end",
        "fork_bomb",
        |_, _, _| json!({ "hold": 1 }),
        ["limit", "limit"],
        Succeeds,
    ),
    one(
        "take memory without end",
        "memory_bomb",
        nothing,
        ["the helper", "the helper"],
        Succeeds,
    ),
    one(
        "take memory in many processes",
        "memory_of_many",
        nothing,
        ["the helper", "the helper"],
        Succeeds,
    ),
    one(
        "fill the disk by its temporary folder",
        "fill_disk",
        nothing,
        ["a file system in memory", "the helper"],
        Succeeds,
    ),
];
