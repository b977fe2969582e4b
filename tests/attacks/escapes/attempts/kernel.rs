//! The kernel itself.

use serde_json::json;

use super::Control::{Depends, Succeeds};
use super::{Attempt, SECCOMP, nothing, one};

pub(super) const ATTEMPTS: &[Attempt] = &[
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
];
