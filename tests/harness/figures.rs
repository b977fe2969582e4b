//! What a process holds, from `/proc`.

use std::fmt;
use std::time::{Duration, Instant};

/// What a process holds.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Open file descriptors.
    pub files: usize,
    /// Its children, zombies included.
    pub children: Vec<i32>,
    /// How many of its children have ended and were not waited for.
    pub zombies: usize,
    /// Resident memory in bytes.
    pub resident: u64,
}

impl Figures {
    /// Now.
    ///
    /// # Panics
    /// Where there is no such process.
    pub fn of(pid: u32) -> Self {
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
        let zombie = |child: &&i32| {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            stat.rsplit_once(") ")
                .is_some_and(|(_, state)| state.starts_with('Z'))
        };
        Self {
            files,
            zombies: children.iter().filter(zombie).count(),
            children,
            resident: resident << 10,
        }
    }

    /// Once they are as they should be, or fifteen seconds later: connections close in their own time.
    pub fn settled(pid: u32, right: impl Fn(&Self) -> bool) -> Self {
        Self::settled_within(pid, Duration::from_secs(15), right)
    }

    /// The same within another time.
    pub fn settled_within(pid: u32, within: Duration, right: impl Fn(&Self) -> bool) -> Self {
        let until = Instant::now() + within;
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let now = Self::of(pid);
            if right(&now) || Instant::now() > until {
                return now;
            }
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} files, {} children ({} zombies), {} MiB",
            self.files,
            self.children.len(),
            self.zombies,
            self.resident >> 20
        )
    }
}
