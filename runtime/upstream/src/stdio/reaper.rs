//! The end of everything that a server's process has started.
//!
//! A process group does not hold what leaves it (`setsid`, a daemon that forks twice). So the gateway takes in the orphans
//! of its servers (Linux: it is their "subreaper"), knows whose each is, and ends them with their server:
//!
//! - a server's process begins a session of its own: every descendant is in another session than the gateway, for good;
//! - a process with a living ancestor that is a server belongs to that server;
//! - an orphan belongs to the server whose session it is in, or whose mark stands in its environment, or under which it was
//!   seen before. One that shows none of these may be a living server's: it is ended once no server is left.
//!
//! What dies in the gateway's care is waited for, so that nothing stays a zombie. A gateway that is itself killed by
//! SIGKILL takes its servers along, but not what has left their sessions. Where the kernel is not Linux, the process group
//! alone is ended.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Pid;

/// The variable that says whose a process is.
pub(crate) const MARK: &str = "SANDGATE_CHILD";

/// The tree of one server's process. Dropping it ends what is left of it: to be done as soon as the process has ended,
/// and where waiting a moment does no harm.
#[derive(Debug)]
pub(crate) struct Tree {
    root: Pid,
}

/// A server's process is being started: until its tree is known, it must not be taken for an orphan of nobody's.
pub(crate) struct Starting(());

static STARTING: AtomicUsize = AtomicUsize::new(0);

impl Starting {
    /// To be kept until there is a [`Tree`].
    pub(crate) fn new() -> Self {
        STARTING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    #[cfg(target_os = "linux")]
    fn any() -> bool {
        STARTING.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        STARTING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A mark that no other process bears.
pub(crate) fn mark() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::process::Pid;

    pub(crate) fn begin(_: Pid, _: String) {}
    pub(crate) fn look() {}
    pub(crate) fn end(_: Pid) {}
    pub(crate) fn sweep() {}
    pub(crate) fn take_in_orphans() {}
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::{HashMap, HashSet};
    use std::fs;
    use std::sync::LazyLock;
    use std::time::Duration;

    use parking_lot::Mutex;
    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal,
        set_child_subreaper, waitid,
    };

    use crate::stdio::reaper::{MARK, Starting};

    /// Looks at the processes there are, until none of a tree is left: the pause between two, and the most of them.
    const LOOKS: (Duration, usize) = (Duration::from_millis(5), 100);

    /// What is known of a living server.
    struct Server {
        mark: String,
        /// Its descendants as they were seen last.
        seen: HashSet<KnownProcess>,
    }

    /// A process: numbers are used again, but not with the same time of start.
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct KnownProcess {
        pid: i32,
        started: u64,
    }

    struct Process {
        known: KnownProcess,
        parent: i32,
        session: i32,
        dead: bool,
    }

    /// By the number of the server's own process.
    static SERVERS: LazyLock<Mutex<HashMap<i32, Server>>> = LazyLock::new(Mutex::default);

    pub(crate) fn take_in_orphans() {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!("what leaves a server's process group will outlive it: {error}");
        }
    }

    pub(crate) fn begin(root: Pid, mark: String) {
        let seen = HashSet::new();
        SERVERS.lock().insert(number(root), Server { mark, seen });
    }

    /// Notes who belongs to whom, as long as it can be seen.
    pub(crate) fn look() {
        let all = processes();
        let mut servers = SERVERS.lock();
        for process in all.values() {
            if let Some(owner) = owner(process, &all, &servers)
                && let Some(server) = servers.get_mut(&owner)
            {
                server.seen.insert(process.known);
            }
        }
    }

    pub(crate) fn end(root: Pid) {
        let root = number(root);
        let mut stopped = HashSet::new();
        for _ in 0..LOOKS.1 {
            let all = processes();
            let servers = SERVERS.lock();
            // Asked after the look: whatever was started before it is known by now, or still counted here.
            let alone = servers.len() <= 1 && !Starting::any();
            let left: Vec<&Process> = all
                .values()
                .filter(|process| process.known.pid != root && descends(process, &all))
                .filter(|process| match owner(process, &all, &servers) {
                    Some(owner) => owner == root,
                    None => alone,
                })
                .collect();
            drop(servers);
            // Stopped first, so that none starts another one while it is ended.
            let fresh = left
                .iter()
                .filter(|process| !process.dead && stopped.insert(process.known))
                .count();
            for process in &left {
                match process.dead {
                    true => wait(process),
                    false if fresh > 0 => signal(process.known, Signal::STOP),
                    false => signal(process.known, Signal::KILL),
                }
            }
            if left.iter().all(|process| process.dead) {
                break;
            }
            if fresh == 0 {
                std::thread::sleep(LOOKS.0);
            }
        }
        SERVERS.lock().remove(&root);
    }

    /// Waits for orphans that have died by themselves.
    pub(crate) fn sweep() {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // Nobody to be waited for: nearly always.
        if !matches!(waitid(WaitId::All, options), Ok(Some(_))) {
            return;
        }
        let all = processes();
        let servers = SERVERS.lock();
        if Starting::any() {
            // One that is not known yet may be among the dead: whoever starts it waits for it.
            return;
        }
        let orphans = all
            .values()
            .filter(|process| process.dead && !servers.contains_key(&process.known.pid));
        orphans.for_each(wait);
    }

    /// Waits for a dead orphan of ours. Children that others in this program have started are in its own session.
    fn wait(process: &Process) {
        if process.parent == number(getpid())
            && process.session != own_session()
            && let Some(pid) = Pid::from_raw(process.known.pid)
        {
            let _ = waitid(
                WaitId::Pid(pid),
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
            );
        }
    }

    /// It descends from this program, and is no part of it.
    fn descends(process: &Process, all: &HashMap<i32, Process>) -> bool {
        let own = number(getpid());
        process.session != own_session() && ancestors(process, all).any(|one| one.parent == own)
    }

    /// The server that a descendant of ours belongs to.
    fn owner(
        process: &Process,
        all: &HashMap<i32, Process>,
        servers: &HashMap<i32, Server>,
    ) -> Option<i32> {
        if !descends(process, all) {
            return None;
        }
        let alive = |pid: i32| all.get(&pid).is_some_and(|one| !one.dead);
        let above = ancestors(process, all)
            .map(|one| one.known.pid)
            .find(|pid| servers.contains_key(pid) && alive(*pid));
        above.or_else(|| {
            // From the one that was orphaned down to this one, each says whose it is.
            let mut line: Vec<&Process> = ancestors(process, all).collect();
            line.reverse();
            line.into_iter().find_map(|one| {
                if servers.contains_key(&one.session) {
                    return Some(one.session);
                }
                let said = said(one.known.pid);
                let claims = |server: &Server| {
                    server.seen.contains(&one.known)
                        || said.as_deref() == Some(server.mark.as_bytes())
                };
                let found = servers.iter().find(|(_, server)| claims(server));
                found.map(|(root, _)| *root)
            })
        })
    }

    /// The process and those above it, up to a child of this program's.
    fn ancestors<'a>(
        process: &'a Process,
        all: &'a HashMap<i32, Process>,
    ) -> impl Iterator<Item = &'a Process> {
        let own = number(getpid());
        let up = move |one: &&'a Process| all.get(&one.parent).filter(|_| one.parent != own);
        // Read one after another, the processes may seem to stand in a circle.
        std::iter::successors(Some(process), up).take(all.len())
    }

    /// What its environment says, as it was at its start.
    fn said(pid: i32) -> Option<Vec<u8>> {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mut variables = environment.split(|byte| *byte == 0);
        variables.find_map(|variable| {
            let value = variable.strip_prefix(MARK.as_bytes())?;
            value.strip_prefix(b"=").map(<[u8]>::to_vec)
        })
    }

    fn signal(known: KnownProcess, signal: Signal) {
        // From here on the descriptor means this process and no other, whatever becomes of its number.
        if let Some(pid) = Pid::from_raw(known.pid)
            && let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
            && read(known.pid).is_some_and(|now| now.known == known)
        {
            let _ = pidfd_send_signal(process, signal);
        }
    }

    fn processes() -> HashMap<i32, Process> {
        let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
        pids.filter_map(read)
            .map(|process| (process.known.pid, process))
            .collect()
    }

    fn read(pid: i32) -> Option<Process> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // Its name is its own choice, and stands in brackets; what follows does not.
        let text = &text[memchr::memrchr(b')', &text)? + 1..];
        let fields: Vec<&str> = std::str::from_utf8(text).ok()?.split_whitespace().collect();
        Some(Process {
            known: KnownProcess {
                pid,
                started: fields.get(19)?.parse().ok()?,
            },
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            dead: matches!(*fields.first()?, "Z" | "X"),
        })
    }

    /// 0 where the session's leader is outside of this process's PID namespace, as in a container: `getsid` of rustix
    /// takes 0 for impossible.
    fn own_session() -> i32 {
        static SESSION: LazyLock<i32> =
            LazyLock::new(|| read(number(getpid())).map_or(0, |own| own.session));
        *SESSION
    }

    fn number(pid: Pid) -> i32 {
        pid.as_raw_nonzero().get()
    }
}

/// From here on what servers leave behind comes to this process.
pub(crate) fn take_in_orphans() {
    system::take_in_orphans();
}

/// Waits for what servers have left behind and has died since.
pub(crate) fn sweep() {
    system::sweep();
}

impl Tree {
    /// The tree of a process that leads a session and bears the mark.
    pub(crate) fn new(root: Pid, mark: String) -> Self {
        system::begin(root, mark);
        Self { root }
    }

    /// Notes who belongs to it: best before the process is ended, since afterwards less can be seen.
    pub(crate) fn look(&self) {
        system::look();
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        system::end(self.root);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_being_started_is_nobodys_orphan() {
        let starting = Starting::new();
        // A session of its own, and not known yet.
        let mut new = Command::new("setsid")
            .args(["sleep", "60"])
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut old = Command::new("true").spawn().unwrap();
        let root = Pid::from_raw(old.id().cast_signed()).unwrap();
        let tree = Tree::new(root, mark());
        old.wait().unwrap();
        drop(tree);
        assert!(new.try_wait().unwrap().is_none(), "it was ended");
        drop(starting);
        new.kill().unwrap();
        new.wait().unwrap();
    }
}
