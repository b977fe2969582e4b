//! Other processes of the user, and the gateway's.

use super::Control::{Depends, Succeeds};
use super::{Attempt, LANDLOCK, PIDS, SECCOMP, gateway, nothing, one, victim};

pub(super) const ATTEMPTS: &[Attempt] = &[
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
        "change the memory of the first process, which holds it",
        "write_first_mem",
        nothing,
        [LANDLOCK, LANDLOCK],
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
];
