//! The machine's network and sockets. No packet leaves the machine.

use serde_json::json;

use super::Control::{Depends, Succeeds};
use super::{Attempt, MOUNTS, NET, SECCOMP, admin_socket, elsewhere, family, loopback, names, one};

pub(super) const ATTEMPTS: &[Attempt] = &[
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
    one(
        "the same by a pair of raw ones",
        "unix_raw_pair",
        names,
        [NET, SECCOMP],
        Succeeds,
    ),
];
