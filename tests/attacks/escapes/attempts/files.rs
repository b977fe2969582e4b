//! Files of others.

use serde_json::json;

use super::Control::{Depends, Succeeds};
use super::{Attempt, LANDLOCK, MOUNTS, PIDS, SECCOMP, configuration, one, secret};

pub(super) const ATTEMPTS: &[Attempt] = &[
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
];
