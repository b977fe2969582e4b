//! Containers that must not outlive their gateway: a process of its own removes each when the helper is gone, however
//! that ended; and what is left all the same, after a loss of power for example, is removed when the next one starts.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, geteuid, getppid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::FAILED;
use crate::backend::Backend;
use crate::container::{Engine, LABEL, NAME};
use crate::{REMOVER, sys};

/// The time for one answer of the engine's.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a container is looked for that an engine may just be making, and the pause between two looks.
const LATE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two tries. There is no last one: nobody else would remove the container.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long the helper waits for a removal.
const FINISH: Duration = Duration::from_secs(20);

/// What is removed.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    engine: Engine,
    name: String,
}

/// The process that removes one container.
pub(super) struct Remover {
    child: Child,
    /// Closing it is the order to remove: the kernel does it where the helper dies.
    open: UnixStream,
}

impl Remover {
    pub(super) fn begin(engine: &Engine, name: &str) -> io::Result<Self> {
        let (mut own, other) = UnixStream::pair()?;
        fcntl_setfd(&other, FdFlags::empty())?;
        let mut command = Command::new("/proc/self/exe");
        command
            .env_clear()
            .args([REMOVER, &other.as_raw_fd().to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // What ends the helper's group leaves it alone.
        let child = command.stderr(Stdio::null()).process_group(0).spawn()?;
        let order = Order {
            engine: engine.clone(),
            name: name.to_owned(),
        };
        let mut text = serde_json::to_vec(&order)?;
        text.push(b'\n');
        own.write_all(&text)?;
        // The word comes back, so that nothing is begun which nobody would remove.
        own.read_exact(&mut [0])?;
        Ok(Self { child, open: own })
    }

    /// Has the container removed, and waits for that.
    pub(super) fn finish(self) {
        let Self {
            mut child,
            mut open,
        } = self;
        let _ = open.write_all(b"e");
        drop(open);
        let until = Instant::now() + FINISH;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Waits for the helper's end, and removes its container.
pub(super) fn carry_out(socket: RawFd) -> ExitCode {
    let Ok(mut socket) = sys::inherited(socket).map(UnixStream::from) else {
        return ExitCode::from(FAILED);
    };
    sys::on_stop_signals(true);
    // The helper's parent may be in another session than those that are told of a terminal's end.
    let _ = rustix::process::setsid();
    let mut text = Vec::new();
    let mut byte = [0];
    while socket.read_exact(&mut byte).is_ok() && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    let Ok(Order { engine, name }) = serde_json::from_slice(&text) else {
        return ExitCode::from(FAILED);
    };
    let _ = socket.write_all(b"r");
    let ended_by_helper = socket.read_exact(&mut byte).is_ok();
    // Where the helper was killed, its engine may still be making the container.
    let late = if ended_by_helper {
        Duration::ZERO
    } else {
        LATE
    };
    let (began, mut pause) = (Instant::now(), PAUSE);
    loop {
        remove(&engine, &name);
        // A removal fails where another of the engine's programs is at the container, its own client perhaps, which was
        // killed too; and an engine that does not answer has said nothing of the container.
        let named = format!("name=^{name}$");
        let left = engine.ask(&["ps", "--all", "--quiet", "--filter", &named], ANSWER);
        if left.is_ok_and(|left| left.is_empty()) && began.elapsed() >= late {
            break;
        }
        if began.elapsed() > late {
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        std::thread::sleep(pause);
    }
    super::in_memory::remove(&name);
    ExitCode::SUCCESS
}

fn remove(engine: &Engine, container: &str) {
    let mut args = vec!["rm", "--force"];
    if engine.backend == Backend::Podman {
        args.extend(["--time", "0"]);
    }
    args.extend(["--volumes", container]);
    // One that is not there is what is wanted.
    let _ = engine.ask(&args, ANSWER);
}

/// The gateway, as the label of its containers: this boot, its namespace of processes, its number and its start. Call it
/// in the helper, whose parent is the gateway.
pub(super) fn owner() -> String {
    let parent = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let (boot, processes) = place();
    let user = geteuid().as_raw();
    format!(
        "{user}/{boot}/{processes}/{parent}/{}",
        started(parent).unwrap_or(0)
    )
}

/// The boot, and the namespace in which processes have their numbers.
fn place() -> (String, String) {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let processes = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect();
    (boot.trim().to_owned(), number(&processes.to_string_lossy()))
}

/// When a process started, in ticks since the boot.
fn started(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit(')')
        .next()?
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

/// Whether the gateway of a label is gone. Of another namespace's nothing is known, unless the machine was started anew.
fn is_gone(label: &str) -> bool {
    let (boot, processes) = place();
    let mut parts = label.split('/');
    let mut next = || parts.next().unwrap_or_default();
    let (user, of_boot, of_processes, pid, start) = (next(), next(), next(), next(), next());
    // What another user's gateway does cannot be seen everywhere.
    if user != geteuid().as_raw().to_string() {
        return false;
    }
    if of_boot != boot {
        return !of_boot.is_empty();
    }
    let (Ok(pid), Ok(start)) = (pid.parse(), start.parse::<u64>()) else {
        return false;
    };
    of_processes == processes && !runs(pid, Some(start))
}

/// Whether a process of this number runs, and where a start is given, whether it is the one that started then.
fn runs(pid: i32, start: Option<u64>) -> bool {
    let is_there = Pid::from_raw(pid)
        .is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
    let differs = |start| started(pid).is_some_and(|other| other != start);
    is_there && !start.is_some_and(differs)
}

/// Whether a container of this gateway's has lost its helper, and the process that was to remove it too.
fn is_orphan(name: &str, label: &str) -> bool {
    let helper = name
        .strip_prefix(NAME)
        .and_then(|rest| rest.split('-').next());
    let helper = helper.and_then(|helper| helper.parse().ok());
    label == owner() && helper.is_some_and(|helper| !runs(helper, None))
}

/// Removes the containers of gateways that are gone, and of this one's helpers that are.
pub(super) fn sweep(engine: &Engine) {
    let filter = format!("label={LABEL}");
    // An image may have the label too, and somebody else's container of it is none of ours.
    let named = format!("name=^{NAME}");
    let format = format!("{{{{.ID}}}} {{{{.Names}}}} {{{{.Label \"{LABEL}\"}}}}");
    let asked = [
        "ps",
        "--all",
        "--no-trunc",
        "--filter",
        &filter,
        "--filter",
        &named,
        "--format",
        &format,
    ];
    let listed = engine.ask(&asked, ANSWER).unwrap_or_default();
    for line in listed.lines() {
        let mut words = line.split_whitespace();
        if let (Some(id), Some(name), Some(label)) = (words.next(), words.next(), words.next())
            && (is_gone(label) || is_orphan(name, label))
        {
            remove(engine, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_tells_whether_its_gateway_is_gone() {
        let (boot, processes) = place();
        let (user, own) = (geteuid().as_raw(), std::process::id().cast_signed());
        let start = started(own).unwrap_or(0);
        assert!(!is_gone(&format!(
            "{user}/{boot}/{processes}/{own}/{start}"
        )));
        assert!(!is_gone(&owner()));
        let other = start + 1;
        assert!(is_gone(&format!("{user}/{boot}/{processes}/{own}/{other}")));
        assert!(is_gone(&format!("{user}/before/{processes}/{own}/{start}")));
        assert!(!is_gone(&format!("{user}/{boot}/1/{own}/7")));
        let another = user + 1;
        assert!(!is_gone(&format!(
            "{another}/{boot}/{processes}/{own}/{other}"
        )));
        assert!(is_orphan("sandgate-2147483647-0", &owner()));
        assert!(!is_orphan(&format!("sandgate-{own}-0"), &owner()));
        assert!(!is_orphan("sandgate-2147483647-0", "another's"));
        assert!(!is_gone(""));
    }
}
