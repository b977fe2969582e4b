//! The first stage: takes the plan, starts the second stage, watches the program, and ends what it leaves.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, PidfdFlags, geteuid, pidfd_open};

use super::measure::{self, Used};
use super::tell::tell;
use super::tmp::Tmp;
use super::{FAILED, INNER, Inner, LIMITED, container, tree};
use crate::backend::Backend;
use crate::bubblewrap::{self, Parts};
use crate::exact::exact;
use crate::limits::Limit;
use crate::plan::Plan;
use crate::report::Report;
use crate::seccomp::{self, Profile};
use crate::{handed, sys};

/// The largest plan, in bytes.
const LARGEST: u64 = 16 << 20;
/// The time within which the program begins.
const START: Duration = Duration::from_secs(30);
/// The pauses between two measurements: short while that costs little, about a hundredth of the time, and where half of
/// the memory is used.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
const SHARE: u32 = 100;

/// Holds one program from its start to its end. Its exit status is the helper's.
pub(super) fn carry_out(control: RawFd) -> ExitCode {
    let Ok(control) = sys::inherited(control).map(UnixStream::from) else {
        return ExitCode::from(FAILED);
    };
    match hold(&control) {
        Ok(code) => code,
        Err(why) => {
            tell(&control, &Report::Failed(why), None);
            tree::end();
            ExitCode::from(FAILED)
        }
    }
}

fn hold(control: &UnixStream) -> Result<ExitCode, String> {
    let plan = prepare(control).map_err(|error| format!("the helper: {error}"))?;
    if geteuid().is_root() && plan.user.is_none() {
        return Err(
            "root runs no server as itself, since the kernel counts none of its processes".into(),
        );
    }
    if let Some(image) = &plan.image {
        return container::hold(control, &plan, image);
    }
    // Not for a container: its engine's processes are none of this one's, and are not to be killed with it.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| error.to_string())?;
    let tmp = match plan.backend {
        Backend::Podman | Backend::Docker => return Err("a container needs an image".into()),
        Backend::Bubblewrap => None,
        Backend::Landlock => Some(
            Tmp::new(plan.user)
                .map_err(|error| format!("the private temporary folder: {error}"))?,
        ),
    };
    let (child, reports) = start(&plan, tmp.as_ref())?;
    // From here on nothing holds the program's streams but the program.
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(|error| format!("/dev/null: {error}"))?;
    rustix::stdio::dup2_stdin(&null)
        .and_then(|()| rustix::stdio::dup2_stdout(&null))
        .and_then(|()| rustix::stdio::dup2_stderr(&null))
        .map_err(|error| format!("/dev/null: {error}"))?;
    let pid = Pid::from_raw(child.id().cast_signed()).ok_or("the program has no process id")?;
    let end = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| error.to_string())?;
    let mut watch = Watch {
        control,
        plan: &plan,
        tmp: tmp.as_ref(),
        child,
        end,
        told: None,
    };
    let (report, listener) = watch.first_word(reports)?;
    tell(control, &report, listener.as_ref());
    // From here on the gateway alone has it.
    drop(listener);
    let code = match report {
        Report::InForce(_) => watch.see_out(),
        _ => FAILED,
    };
    tree::end();
    Ok(ExitCode::from(code))
}

/// Reads the plan, and becomes a process that outlives the signals with which the program is told to stop.
fn prepare(control: &UnixStream) -> io::Result<Plan> {
    fcntl_setfd(control, FdFlags::CLOEXEC)?;
    sys::on_stop_signals(true);
    // The gateway's end is seen on the descriptor, and then everything is ended in order.
    rustix::process::set_parent_process_death_signal(None)?;
    let mut line = String::new();
    BufReader::with_capacity(1, control.take(LARGEST)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// A descriptor that programs started from here inherit, with a text to be read from its beginning.
fn inheritable(text: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("sandgate", MemfdFlags::empty())?);
    file.write_all(text)?;
    io::Seek::rewind(&mut file)?;
    Ok(file.into())
}

fn start(plan: &Plan, tmp: Option<&Tmp>) -> Result<(Child, UnixStream), String> {
    let failed = |error: io::Error| error.to_string();
    let (reports, said) = UnixStream::pair().map_err(failed)?;
    fcntl_setfd(&said, FdFlags::empty()).map_err(|error| error.to_string())?;
    let folder = |below: &str| {
        let tmp = tmp.map_or(bubblewrap::TMP.into(), |tmp| tmp.path.display().to_string());
        format!("{tmp}{below}")
    };
    let user = plan.user.unwrap_or_else(|| geteuid().as_raw());
    let inner = Inner {
        // What is in the files is for bubblewrap alone.
        plan: Plan {
            files: Vec::new(),
            ..plan.clone()
        },
        given: plan.files.len(),
        tmp: folder(""),
        home: folder("/home"),
        others: match (plan.backend, plan.user) {
            // The kernel counts what is in bubblewrap's user namespace apart.
            (Backend::Bubblewrap, None) => 0,
            _ => measure::tasks_of(user),
        },
        namespaces: super::namespaces(),
    };
    let inner = serde_json::to_vec(&inner).map_err(|error| error.to_string())?;
    let inner = inheritable(&inner).map_err(failed)?;
    let numbers = [inner.as_raw_fd(), said.as_raw_fd()].map(|number| number.to_string());
    let mut command;
    // They are inherited, and closed here once the command has started.
    let mut kept: Vec<OwnedFd> = Vec::new();
    match plan.backend {
        Backend::Landlock if !plan.files.is_empty() => {
            return Err("Landlock gives no program a file of its own".into());
        }
        Backend::Landlock | Backend::Podman | Backend::Docker => {
            command = Command::new("/proc/self/exe");
        }
        Backend::Bubblewrap => {
            let search = std::env::var("PATH").unwrap_or_default();
            let program = bubblewrap::find(&search).ok_or("bwrap is not installed")?;
            for one in &plan.exposed {
                let fd = exact(&one.path).and_then(|fd| {
                    fcntl_setfd(&fd, FdFlags::empty())?;
                    Ok(fd)
                });
                kept.push(fd.map_err(|error| format!("{}: {error}", one.path.display()))?);
            }
            let exposed: Vec<RawFd> = kept.iter().map(AsRawFd::as_raw_fd).collect();
            let passwd = format!("server:x:{user}:{user}::{}:/bin/sh\n", bubblewrap::HOME);
            let group = format!("server:x:{user}:\n");
            let mut users = [0; 2];
            for (number, text) in users.iter_mut().zip([passwd, group]) {
                let fd = inheritable(text.as_bytes()).map_err(failed)?;
                *number = fd.as_raw_fd();
                kept.push(fd);
            }
            let mut given = Vec::new();
            for one in &plan.files {
                let fd = inheritable(one.content.as_bytes()).map_err(failed)?;
                given.push(fd.as_raw_fd());
                kept.push(fd);
            }
            let mut filters = Vec::new();
            if seccomp::begin_outside(plan) {
                for filter in seccomp::filters(Profile::of(plan))? {
                    let fd = inheritable(&seccomp::bytes(&filter)).map_err(failed)?;
                    filters.push(fd.as_raw_fd());
                    kept.push(fd);
                }
            }
            let parts = Parts {
                exposed: &exposed,
                given: &given,
                users,
                filters: &filters,
            };
            let arguments = bubblewrap::arguments(plan, &parts).join("\0") + "\0";
            let arguments = inheritable(arguments.as_bytes()).map_err(failed)?;
            let own = File::open("/proc/self/exe").map_err(failed)?;
            fcntl_setfd(&own, FdFlags::empty()).map_err(|error| error.to_string())?;
            command = Command::new("/proc/self/exe");
            command.args([LIMITED, &numbers[0]]).arg(program);
            command.args(["--args", &arguments.as_raw_fd().to_string(), "--"]);
            command.arg(format!("/proc/self/fd/{}", own.as_raw_fd()));
            kept.extend([arguments, own.into()]);
        }
    }
    command.arg(OsString::from(INNER)).args(numbers);
    // The second stage sets the program's environment. The mark lets the gateway know what descends from it.
    command.stdin(Stdio::inherit());
    let child = command
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    drop((kept, inner, said));
    Ok((child, reports))
}

/// A program that runs, and what is looked at meanwhile.
struct Watch<'a> {
    control: &'a UnixStream,
    plan: &'a Plan,
    tmp: Option<&'a Tmp>,
    child: Child,
    /// Readable once the child has ended.
    end: OwnedFd,
    told: Option<Limit>,
}

impl Watch<'_> {
    /// Waits for what the second stage says before it becomes the program, and for the listener that comes with it.
    fn first_word(&mut self, reports: UnixStream) -> Result<(Report, Option<OwnedFd>), String> {
        let until = Instant::now() + START;
        let (mut said, mut listener) = (Vec::new(), None);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&reports, PollFlags::IN)];
            let wait = Timespec {
                tv_sec: 0,
                tv_nsec: 50_000_000,
            };
            let ready = poll(&mut fds, Some(&wait)).map_err(|error| error.to_string())?;
            if ready > 0 {
                let mut part = [0; 4096];
                let received = handed::receive(&reports, &mut part);
                let (length, handed) = received.map_err(|error| error.to_string())?;
                said.extend_from_slice(&part[..length]);
                listener = handed.or(listener);
                if said.ends_with(b"\n") {
                    let report =
                        serde_json::from_slice(&said).map_err(|error| error.to_string())?;
                    return Ok((report, listener));
                }
                if length > 0 {
                    continue;
                }
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let what = match self.plan.backend {
                    Backend::Bubblewrap => "bubblewrap made no sandbox",
                    Backend::Landlock | Backend::Podman | Backend::Docker => {
                        "the helper's second stage ended"
                    }
                };
                return Err(format!("{what} ({status}); its own words are in the log"));
            }
            if left.is_zero() || self.gateway_is_gone(Duration::ZERO) {
                return Err(format!(
                    "the program did not begin within {} s",
                    START.as_secs()
                ));
            }
        }
    }

    /// Watches the program to its end. Returns its status as shells tell it.
    fn see_out(&mut self) -> u8 {
        let mut pause = Duration::ZERO;
        loop {
            if self.gateway_is_gone(pause) {
                return FAILED;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                // Between two looks the kernel may have refused it more, and it ended by that.
                if !status.success() && sys::largest_that_ended() > self.plan.limits.memory {
                    self.name(Limit::Memory);
                }
                let signal = || 128 + status.signal().unwrap_or_default();
                return u8::try_from(status.code().unwrap_or_else(signal)).unwrap_or(FAILED);
            }
            let began = Instant::now();
            let used = measure::now(self.plan.limits.memory);
            if let Some((limit, fatal)) = self.reached(used) {
                self.name(limit);
                if fatal {
                    tree::end();
                    return 128 + 9;
                }
            }
            pause = match used.memory > self.plan.limits.memory / 2 {
                true => PAUSES.0,
                false => (began.elapsed() * SHARE).clamp(PAUSES.0, PAUSES.1),
            };
        }
    }

    /// Tells the gateway of a limit that is reached, once.
    fn name(&mut self, limit: Limit) {
        if self.told.replace(limit) == Some(limit) {
            return;
        }
        let allowed = self.plan.limits.allowed(limit);
        tell(self.control, &Report::Reached { limit, allowed }, None);
    }

    /// The limit that is reached now, and whether the program ends by it.
    fn reached(&self, used: Used) -> Option<(Limit, bool)> {
        let limits = &self.plan.limits;
        if used.memory > limits.memory {
            return Some((Limit::Memory, true));
        }
        if let Some(tmp) = self.tmp
            && measure::folder(&tmp.path, limits.tmp) > limits.tmp
        {
            return Some((Limit::Tmp, true));
        }
        // The kernel refuses the next one, where it counts them. Where it counts others too, it leaves room for them.
        let processes = limits.processes.saturating_add(self.helpers());
        match used.tasks.cmp(&processes) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some((Limit::Processes, false)),
            std::cmp::Ordering::Greater => Some((Limit::Processes, true)),
        }
    }

    /// Processes of bubblewrap's own among the descendants: the one that waits outside, and the first one within.
    fn helpers(&self) -> u32 {
        match self.plan.backend {
            Backend::Bubblewrap => 2,
            Backend::Landlock | Backend::Podman | Backend::Docker => 0,
        }
    }

    /// Whether the gateway has closed its end, or died. Waits that long for it, or until the program ends.
    fn gateway_is_gone(&self, pause: Duration) -> bool {
        let wait = Timespec {
            tv_sec: pause.as_secs().cast_signed(),
            tv_nsec: i64::from(pause.subsec_nanos()),
        };
        let mut fds = [
            PollFd::new(self.control, PollFlags::IN),
            PollFd::new(&self.end, PollFlags::IN),
        ];
        // Nothing is written to this end after the plan: what is there to read is its end.
        poll(&mut fds, Some(&wait)).is_ok() && !fds[0].revents().is_empty()
    }
}
