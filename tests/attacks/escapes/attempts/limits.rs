//! More than what is allowed.

use serde_json::json;

use super::Control::{Depends, Succeeds};
use super::{Attempt, SECCOMP, nothing, one, work};

pub(super) const ATTEMPTS: &[Attempt] = &[
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
        "take memory in a process whose first thread has ended",
        "memory_without_first_thread",
        nothing,
        ["the helper", "the helper"],
        Succeeds,
    ),
    one(
        "take memory for the kernel's tables of addresses",
        "memory_for_tables",
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
