//! What a process holds, from `/proc`.

use std::fmt;
use std::time::Duration;

/// What a process holds.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Open file descriptors.
    pub(crate) files: usize,
    /// Its children, zombies included.
    pub(crate) children: Vec<i32>,
    /// Resident memory in bytes.
    pub(crate) resident: u64,
}

impl Figures {
    /// Now.
    pub(crate) fn of(pid: u32) -> Self {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .count();
        let mut children = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let list = task.unwrap().path().join("children");
            let list = std::fs::read_to_string(list).unwrap_or_default();
            children.extend(
                list.split_whitespace()
                    .map(|child| child.parse::<i32>().unwrap()),
            );
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let resident: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self {
            files,
            children,
            resident: resident << 10,
        }
    }

    /// Once they are as they should be, or fifteen seconds later: connections close in their own time.
    pub(crate) fn settled(pid: u32, right: impl Fn(&Self) -> bool) -> Self {
        for _ in 0..75 {
            std::thread::sleep(Duration::from_millis(200));
            let now = Self::of(pid);
            if right(&now) {
                return now;
            }
        }
        Self::of(pid)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} files, {} children, {} MiB",
            self.files,
            self.children.len(),
            self.resident >> 20
        )
    }
}
