//! The processes that this one has started, and theirs.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};

/// The pause between two looks while processes are being ended, and the most looks.
const ENDING: (Duration, usize) = (Duration::from_millis(2), 2000);

/// The ids of all living descendants of this process.
pub(super) fn descendants() -> Vec<i32> {
    let own = getpid().as_raw_nonzero().get();
    let mut found = Vec::new();
    let mut left = vec![own];
    let listed = fs::metadata(format!("/proc/{own}/task/{own}/children")).is_ok();
    let parents = match listed {
        true => HashMap::new(),
        false => parents(),
    };
    while let Some(pid) = left.pop() {
        let children = match listed {
            true => children(pid),
            false => parents.get(&pid).cloned().unwrap_or_default(),
        };
        found.extend(&children);
        left.extend(children);
        // Processes are read one after another, so that they may seem to form a circle.
        if found.len() > 1 << 20 {
            break;
        }
    }
    found
}

/// The children of one process, where the kernel lists them.
fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let ids = list.split_whitespace().filter_map(|id| id.parse().ok());
            ids.collect::<Vec<i32>>()
        })
        .collect()
}

/// All living processes of the machine, by parent.
fn parents() -> HashMap<i32, Vec<i32>> {
    let mut all: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        // The process chooses its name, which is in parentheses.
        let mut fields = text
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let state = fields.next().unwrap_or("Z");
        let parent = fields.next().and_then(|parent| parent.parse().ok());
        // The state is the first thread's, which may end before the others.
        let threads = fields
            .nth(15)
            .and_then(|threads| threads.parse::<u32>().ok());
        if let Some(parent) = parent
            && (!matches!(state, "Z" | "X") || threads.unwrap_or(1) > 1)
        {
            all.entry(parent).or_default().push(pid);
        }
    }
    all
}

/// Ends all descendants, and reaps those that are left to this process. All are stopped first, so that none starts
/// another while being ended.
pub(super) fn end() {
    let mut stopped = HashSet::new();
    for _ in 0..ENDING.1 {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        let living = descendants();
        if living.is_empty() {
            return;
        }
        let fresh = living.iter().filter(|pid| stopped.insert(**pid)).count();
        let signal = match fresh {
            0 => Signal::KILL,
            _ => Signal::STOP,
        };
        for pid in living.into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
        if fresh == 0 {
            std::thread::sleep(ENDING.0);
        }
    }
}
