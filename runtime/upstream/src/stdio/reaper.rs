//! Ends everything that a server's process has started.
//!
//! A process group does not contain processes that leave it (`setsid`, a daemon that forks twice). The gateway
//! therefore adopts the orphans of its servers (on Linux, as their "subreaper"), attributes each to a server, and ends
//! it with that server:
//!
//! - A server's process begins a session of its own, so no descendant is ever in the gateway's session.
//! - A process with a living ancestor that is a server belongs to that server.
//! - An orphan belongs to the server whose session it is in, whose mark is in its environment, or as whose descendant
//!   it was seen before. An orphan with none of these may belong to a living server, so it is ended once no other
//!   server is left.
//!
//! A container's engine has processes of its own, and a process that removes the container once its server is gone; that
//! one is left alone.
//!
//! Orphans that die are reaped, so that none stays a zombie. A gateway killed by SIGKILL takes its servers along, but
//! not the processes that left their sessions. On other systems than Linux only the process group is ended.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Pid;

/// The environment variable with the mark of a process's server.
pub(crate) const MARK: &str = "SANDGATE_CHILD";

/// The process tree of one server. Dropping it ends what is left of the tree; do so as soon as the process has ended,
/// and where blocking for a moment does no harm.
#[derive(Debug)]
pub(crate) struct Tree {
    root: Pid,
}

/// A guard for a server's process that is being started: until its tree is known, it must not be taken for an orphan.
pub(crate) struct Starting(());

static STARTING: AtomicUsize = AtomicUsize::new(0);

impl Starting {
    /// Begins the start of a process; keep the guard until there is a [`Tree`].
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

/// Returns a mark that no other process has.
pub(crate) fn mark() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::process::Pid;

    pub(crate) fn begin(_: Pid, _: String, _: bool) {}
    pub(crate) fn look() {}
    pub(crate) fn end(_: Pid) {}
    pub(crate) fn sweep() {}
    pub(crate) fn take_in_orphans() {}
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::{HashMap, HashSet};
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::sync::LazyLock;
    use std::time::Duration;

    use parking_lot::Mutex;
    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal,
        set_child_subreaper, waitid,
    };

    use crate::stdio::reaper::{MARK, Starting};

    /// The pause between two scans for processes of a tree, and the most scans.
    const LOOKS: (Duration, usize) = (Duration::from_millis(5), 100);

    /// What is known about a running server.
    struct Server {
        mark: String,
        /// Whether a container's engine holds it: then a process of the gateway's own removes the container.
        engine: bool,
        /// The server's descendants, as last seen.
        seen: HashSet<KnownProcess>,
    }

    /// The identity of a process. A process id may be reused, but not with the same start time.
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

    /// The running servers, by process id.
    static SERVERS: LazyLock<Mutex<HashMap<i32, Server>>> = LazyLock::new(Mutex::default);

    pub(crate) fn take_in_orphans() {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!("what leaves a server's process group will outlive it: {error}");
        }
    }

    pub(crate) fn begin(root: Pid, mark: String, engine: bool) {
        let server = Server {
            mark,
            engine,
            seen: HashSet::new(),
        };
        SERVERS.lock().insert(number(root), server);
    }

    /// Notes which server each process belongs to, while that can be seen.
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
            // Checked after the scan: any server started before it is registered by now, or still counted as starting.
            let alone = servers.len() <= 1 && !Starting::any();
            let engine = servers.get(&root).is_some_and(|server| server.engine);
            let left: Vec<&Process> = all
                .values()
                .filter(|process| process.known.pid != root && descends(process, &all))
                .filter(|process| match owner(process, &all, &servers) {
                    Some(owner) => owner == root,
                    None => alone,
                })
                .filter(|process| !(engine && ancestors(process, &all).any(removes)))
                .collect();
            drop(servers);
            // All are stopped first, so that none starts another while being killed.
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

    /// Reaps orphans that have died by themselves.
    pub(crate) fn sweep() {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // Usually no child has died.
        if !matches!(waitid(WaitId::All, options), Ok(Some(_))) {
            return;
        }
        let all = processes();
        let servers = SERVERS.lock();
        if Starting::any() {
            // The dead may include a process that is not registered yet; whoever starts it reaps it.
            return;
        }
        let orphans = all
            .values()
            .filter(|process| process.dead && !servers.contains_key(&process.known.pid));
        orphans.for_each(wait);
    }

    /// Reaps a dead orphan. Children started by other parts of this program are in its own session and are left alone.
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

    /// Whether a process descends from this program but is not in its session.
    fn descends(process: &Process, all: &HashMap<i32, Process>) -> bool {
        let own = number(getpid());
        process.session != own_session() && ancestors(process, all).any(|one| one.parent == own)
    }

    /// Whether a process is the one that removes a container: this very file, started for that. It ends by itself, and must
    /// not be ended before it has done so.
    fn removes(process: &Process) -> bool {
        let file = |pid: i32| {
            let about = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
            Some((about.dev(), about.ino()))
        };
        let words = fs::read(format!("/proc/{}/cmdline", process.known.pid)).unwrap_or_default();
        let own = file(number(getpid()));
        words.split(|byte| *byte == 0).nth(1) == Some(sandgate_contain::REMOVER.as_bytes())
            && own.is_some()
            && file(process.known.pid) == own
    }

    /// The server that a descendant of this program belongs to.
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
            // From the orphan down to this process, the first with a known server decides.
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

    /// The process and its ancestors, up to a child of this program.
    fn ancestors<'a>(
        process: &'a Process,
        all: &'a HashMap<i32, Process>,
    ) -> impl Iterator<Item = &'a Process> {
        let own = number(getpid());
        let up = move |one: &&'a Process| all.get(&one.parent).filter(|_| one.parent != own);
        // The processes are read one after another, so that they may seem to form a cycle.
        std::iter::successors(Some(process), up).take(all.len())
    }

    /// The mark in the environment with which the process was started.
    fn said(pid: i32) -> Option<Vec<u8>> {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mut variables = environment.split(|byte| *byte == 0);
        variables.find_map(|variable| {
            let value = variable.strip_prefix(MARK.as_bytes())?;
            value.strip_prefix(b"=").map(<[u8]>::to_vec)
        })
    }

    fn signal(known: KnownProcess, signal: Signal) {
        // From here on the descriptor means this process, even if its id is reused.
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
        // The process chooses its name, which is in parentheses; the fields after it are the kernel's.
        let text = &text[memchr::memrchr(b')', &text)? + 1..];
        let fields: Vec<&str> = std::str::from_utf8(text).ok()?.split_whitespace().collect();
        // The state is the first thread's, which may end before the others.
        let threads: u32 = fields.get(17)?.parse().ok()?;
        Some(Process {
            known: KnownProcess {
                pid,
                started: fields.get(19)?.parse().ok()?,
            },
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            dead: matches!(*fields.first()?, "Z" | "X") && threads <= 1,
        })
    }

    /// The session of this program; 0 if the session's leader is outside its PID namespace, as in a container. rustix's
    /// `getsid` cannot return 0.
    fn own_session() -> i32 {
        static SESSION: LazyLock<i32> =
            LazyLock::new(|| read(number(getpid())).map_or(0, |own| own.session));
        *SESSION
    }

    fn number(pid: Pid) -> i32 {
        pid.as_raw_nonzero().get()
    }
}

/// Makes this process adopt the orphans of its servers.
pub(crate) fn take_in_orphans() {
    system::take_in_orphans();
}

/// Reaps orphans of servers that have died.
pub(crate) fn sweep() {
    system::sweep();
}

impl Tree {
    /// Registers the tree of a process that leads a session and carries the mark. `engine`: a container's engine holds the
    /// server.
    pub(crate) fn new(root: Pid, mark: String, engine: bool) -> Self {
        system::begin(root, mark, engine);
        Self { root }
    }

    /// Notes the tree's processes. Call it before the process is ended, since less can be seen afterwards.
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

    /// The tests know of each other's processes, where they run in one.
    static ALONE: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

    #[test]
    fn a_process_whose_first_thread_has_ended_is_ended_with_the_others() {
        use std::io::Read;

        let _alone = ALONE.lock();
        let script = "import os, ctypes, threading, time\n\
                      if os.fork() == 0:\n    \
                      os.setsid()\n    \
                      threading.Thread(target=time.sleep, args=(60,)).start()\n    \
                      print(os.getpid(), flush=True)\n    \
                      ctypes.CDLL(None).syscall({'x86_64': 60}.get(os.uname().machine, 93), 0)\n\
                      time.sleep(60)";
        take_in_orphans();
        let mark = mark();
        let mut command = Command::new("setsid");
        command.args(["python3", "-c", script]).env(MARK, &mark);
        let mut server = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let root = Pid::from_raw(server.id().cast_signed()).unwrap();
        let tree = Tree::new(root, mark, false);
        let mut said = Vec::new();
        let mut out = server.stdout.take().unwrap();
        let mut byte = [0];
        while out.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            said.push(byte[0]);
        }
        let child = String::from_utf8(said).unwrap();
        let stat = || std::fs::read_to_string(format!("/proc/{child}/stat"));
        let begun = std::time::Instant::now();
        while !stat().unwrap().contains(") Z ") {
            assert!(begun.elapsed().as_secs() < 10, "its first thread lives");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        tree.look();
        server.kill().unwrap();
        server.wait().unwrap();
        drop(tree);
        assert!(stat().is_err(), "it lives: {stat:?}", stat = stat());
    }

    #[test]
    fn what_is_being_started_is_nobodys_orphan() {
        let _alone = ALONE.lock();
        let starting = Starting::new();
        // The process leads a session of its own and is not registered yet.
        let mut new = Command::new("setsid")
            .args(["sleep", "60"])
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut old = Command::new("true").spawn().unwrap();
        let root = Pid::from_raw(old.id().cast_signed()).unwrap();
        let tree = Tree::new(root, mark(), false);
        old.wait().unwrap();
        drop(tree);
        assert!(new.try_wait().unwrap().is_none(), "it was ended");
        drop(starting);
        new.kill().unwrap();
        new.wait().unwrap();
    }
}
