//! What the program and everything that it started use at a moment.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::tree;

/// What is used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// Bytes of memory that no file backs, and of the kernel's tables of addresses, of all processes together.
    pub(super) memory: u64,
    /// Processes and threads.
    pub(super) tasks: u32,
}

/// What a status tells of a process that has memory.
const MEMORY: &str = "RssAnon:";
/// The most looks for a thread of a process whose first one has ended.
const LOOKS: usize = 100;

/// Measures the descendants of this process. What processes share counts for each, so that there may be less than that;
/// only where it would be more than `enough` it is looked at closer, which takes longer.
pub(super) fn now(enough: u64) -> Used {
    let mut used = Used::default();
    let processes = tree::descendants();
    let quick = |pid| {
        let about = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let tasks = number(&about, "Threads:").unwrap_or(1);
        let keys = ["RssAnon:", "RssShmem:", "VmSwap:", "VmPTE:"];
        let memory = match tasks > 1 && number(&about, MEMORY).is_none() {
            true => of_threads(pid).map_or(enough.saturating_add(1), |about| sum(&about, &keys)),
            false => sum(&about, &keys),
        };
        Some((memory, tasks))
    };
    let measured: Vec<(i32, u64)> = processes
        .into_iter()
        .filter_map(|pid| {
            let (memory, tasks) = quick(pid)?;
            used.tasks = used
                .tasks
                .saturating_add(u32::try_from(tasks).unwrap_or(u32::MAX));
            Some((pid, memory))
        })
        .collect();
    used.memory = measured.iter().map(|(_, memory)| memory).sum();
    if used.memory > enough {
        // One that has ended meanwhile has nothing any more.
        let again = |pid| apart(pid).or_else(|| Some(quick(pid)?.0)).unwrap_or(0);
        used.memory = measured.iter().map(|one| again(one.0)).sum();
    }
    used
}

/// The status of a process by one of its threads: once the first one has ended, the process's own tells of no memory,
/// though the others use it. Empty: none of them has memory any more. `None`: each thread that was looked at was gone,
/// while there are still some.
fn of_threads(pid: i32) -> Option<String> {
    for _ in 0..LOOKS {
        let (mut gone, mut seen) = (false, false);
        for thread in fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            seen = true;
            match fs::read_to_string(thread.path().join("status")) {
                Ok(about) if number(&about, MEMORY).is_some() => return Some(about),
                Ok(_) => {}
                Err(_) => gone = true,
            }
        }
        // A thread that is ending has given its memory back.
        if !seen || !gone {
            return Some(String::new());
        }
    }
    None
}

/// The memory of a process, of what it shares only its part.
fn apart(pid: i32) -> Option<u64> {
    let about = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    number(&about, "Pss_Anon:")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let tables = number(&status, "VmPTE:")? << 10;
    Some(sum(&about, &["Pss_Anon:", "Pss_Shmem:", "SwapPss:"]) + tables)
}

fn sum(about: &str, keys: &[&str]) -> u64 {
    let kilobytes: u64 = keys.iter().filter_map(|key| number(about, key)).sum();
    kilobytes << 10
}

fn number(about: &str, key: &str) -> Option<u64> {
    let line = about.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processes and threads of a user.
pub(super) fn tasks_of(user: u32) -> u32 {
    let mut tasks = 0;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(about) = fs::read_to_string(entry.path().join("status")) else {
            continue;
        };
        if number(&about, "Uid:") == Some(u64::from(user)) {
            tasks += number(&about, "Threads:").unwrap_or(1);
        }
    }
    u32::try_from(tasks).unwrap_or(u32::MAX)
}

/// The bytes in a folder. The look ends beyond `enough`, since what lies there is the program's.
pub(super) fn folder(path: &Path, enough: u64) -> u64 {
    /// What an empty file takes of the disk's own bookkeeping, about.
    const ENTRY: u64 = 4 << 10;
    let (mut bytes, mut left) = (0, vec![path.to_owned()]);
    while let Some(folder) = left.pop() {
        // A folder that only its owner may fill, and not list, would hide what is in it.
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return enough + 1,
        };
        for entry in entries.flatten() {
            let Ok(about) = entry.metadata() else {
                continue;
            };
            bytes += (about.blocks() * 512).max(ENTRY);
            if bytes > enough {
                return bytes;
            }
            if about.is_dir() {
                left.push(entry.path());
            }
        }
    }
    bytes
}
