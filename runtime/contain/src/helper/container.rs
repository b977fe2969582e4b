//! A container from its start to its end. The engine's own program is a child of the helper and has the server's streams;
//! the container is elsewhere in the machine's tree of processes, so that it is ended by its name (`remove`).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Resource, geteuid, getrlimit, pidfd_open};

use super::remove::{self, Remover};
use super::tell::tell;
use super::{FAILED, NETWORK, cgroup, in_memory};
use crate::container::{Engine, Image, NAME, Parts, arguments, profile, variables};
use crate::limits::Limit;
use crate::plan::Plan;
use crate::report::{InForce, Report};
use crate::wanted::Network;
use crate::{handed, sys};

/// The time within which the container runs.
const START: Duration = Duration::from_secs(30);
/// The time for one answer of the engine's.
const ANSWER: Duration = Duration::from_secs(10);
/// The pause between two looks for the container's first process, and at what it used.
const PAUSE: Duration = Duration::from_millis(50);
/// The most characters that are told of the last line.
const WORDS: usize = 300;
/// The longest piece of stderr that is passed on at once, in bytes.
const LINE: u64 = 64 << 10;
const LOOK: Duration = Duration::from_secs(1);

/// Holds a container to its end. Its exit status is the helper's.
pub(super) fn hold(control: &UnixStream, plan: &Plan, image: &Image) -> Result<ExitCode, String> {
    let failed = |error: io::Error| error.to_string();
    let engine = Engine {
        backend: plan.backend,
        program: image.engine.clone(),
        environment: image.environment.clone(),
    };
    // An engine mounts by path. Who could put a link into its place is kept from it by the plan; this is for everybody else.
    for mount in &image.mounts {
        let real = mount.outside.canonicalize().map_err(failed);
        if real.as_deref() != Ok(mount.outside.as_path()) {
            return Err(format!(
                "{} is not what it was when it was planned",
                mount.outside.display()
            ));
        }
    }
    let owner = remove::owner();
    remove::sweep(&engine);
    let name = name().map_err(failed)?;
    let network = match plan.network {
        Network::Proxy => Some(OwnNetwork::begin()?),
        Network::None | Network::Host => None,
    };
    // From here on somebody removes what is made, whoever is killed.
    let remover = Remover::begin(&engine, &name).map_err(failed)?;
    in_memory::sweep();
    let given = match plan.files.is_empty() {
        true => Vec::new(),
        false => {
            let written = in_memory::write(&name, &plan.files, plan.user);
            written.map_err(|error| format!("a file in memory: {error}"))?
        }
    };
    let own = std::process::id();
    let path = |fd: &OwnedFd| format!("/proc/{own}/fd/{}", fd.as_raw_fd());
    let seccomp = memfd(profile(plan.network).as_bytes()).map_err(failed)?;
    let variables = memfd(variables(plan).as_bytes()).map_err(failed)?;
    let parts = Parts {
        name: &name,
        owner: &owner,
        seccomp: &path(&seccomp),
        variables: &path(&variables),
        files: &given,
        network: network.as_ref().map(|network| network.file.as_str()),
        own: geteuid().as_raw(),
        processes: getrlimit(Resource::Nproc).maximum,
    };
    let mut command = engine.command();
    command.args(arguments(plan, image, &parts));
    command.stdin(Stdio::inherit()).stderr(Stdio::piped());
    sys::with_stop_signals(&mut command);
    let mut client = command
        .spawn()
        .map_err(|error| format!("{}: {error}", engine.program.display()))?;
    let words = LastWords::default();
    words.pass_on(client.stderr.take()).map_err(failed)?;
    // From here on nothing holds the server's streams but the engine.
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(|error| format!("/dev/null: {error}"))?;
    rustix::stdio::dup2_stdin(&null)
        .and_then(|()| rustix::stdio::dup2_stdout(&null))
        .and_then(|()| rustix::stdio::dup2_stderr(&null))
        .map_err(|error| format!("/dev/null: {error}"))?;
    let mut watch = Watch {
        control,
        plan,
        engine: &engine,
        name: &name,
        client,
        words,
        told: None,
    };
    let code = watch.first_word().and_then(|(in_force, first)| {
        let listener = network.as_ref().map(|network| &network.listener);
        tell(control, &Report::InForce(in_force), listener);
        drop(network);
        watch.see_out(first)
    });
    // Whatever happened, the client and the container end.
    let _ = watch.client.kill();
    let _ = watch.client.wait();
    remover.finish();
    code.map(ExitCode::from)
}

/// A name that no other container has.
fn name() -> io::Result<String> {
    let mut random = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let number = u64::from_ne_bytes(random);
    Ok(format!("{}{}-{number:016x}", NAME, std::process::id()))
}

/// A file in memory. Other programs of this user open it by the helper's descriptor.
fn memfd(text: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("sandgate", MemfdFlags::CLOEXEC)?);
    file.write_all(text)?;
    Ok(file.into())
}

struct Watch<'a> {
    control: &'a UnixStream,
    plan: &'a Plan,
    engine: &'a Engine,
    name: &'a str,
    client: Child,
    words: LastWords,
    told: Option<Limit>,
}

/// The last line that the engine's program, or the server through it, wrote to stderr.
#[derive(Clone, Default)]
struct LastWords(Arc<Mutex<String>>);

impl LastWords {
    /// Writes what comes to this process's own stderr as it now is, and keeps the last line.
    fn pass_on(&self, stderr: Option<ChildStderr>) -> io::Result<()> {
        let Some(from) = stderr else { return Ok(()) };
        let mut own = File::from(rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3)?);
        let last = self.0.clone();
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            // What has no end of a line is passed on in pieces.
            while let Ok(1..) = (&mut from).take(LINE).read_until(b'\n', &mut line) {
                let _ = own.write_all(&line);
                let text: String = String::from_utf8_lossy(&line)
                    .trim()
                    .chars()
                    .take(WORDS)
                    .collect();
                if let Ok(mut last) = last.lock()
                    && !text.is_empty()
                {
                    *last = text;
                }
                line.clear();
            }
        });
        Ok(())
    }

    fn get(&self) -> String {
        self.0.lock().map(|last| last.clone()).unwrap_or_default()
    }
}

impl Watch<'_> {
    /// Waits until the container runs, and reads back what is in force for its first process.
    fn first_word(&mut self) -> Result<(InForce, i32), String> {
        let until = Instant::now() + START;
        let engine = self.engine.backend.name();
        let mut last = String::new();
        loop {
            if let Ok(Some(status)) = self.client.try_wait() {
                // They may come a moment after its end.
                std::thread::sleep(PAUSE);
                return Err(match last.is_empty() {
                    true => format!(
                        "{engine} made no container ({status}): {}",
                        self.words.get()
                    ),
                    false => last,
                });
            }
            if Instant::now() > until || self.gateway_is_gone(PAUSE, None)? {
                return Err(match last.is_empty() {
                    true => format!("the container did not run within {} s", START.as_secs()),
                    false => last,
                });
            }
            let first = self.inspect("{{.State.Running}} {{.State.Pid}}");
            let Some(first) = first.and_then(|told| told.strip_prefix("true ")?.parse().ok())
            else {
                continue;
            };
            // The engine's own first stage may still be there in its place.
            match cgroup::read_back(first, self.plan) {
                Ok(in_force) => return Ok((in_force, first)),
                Err(why) => last = why,
            }
        }
    }

    /// Watches the container to its end. Returns its status as shells tell it.
    fn see_out(&mut self, first: i32) -> Result<u8, String> {
        let mut events = cgroup::Events::of(first);
        loop {
            if self.gateway_is_gone(LOOK, events.told())? {
                return Ok(FAILED);
            }
            if let Some(limit) = events.reached() {
                self.name(limit);
            }
            if let Ok(Some(status)) = self.client.try_wait() {
                // Docker remembers what was missed.
                if self.inspect("{{.State.OOMKilled}}").as_deref() == Some("true") {
                    self.name(Limit::Memory);
                }
                let signal = || 128 + status.signal().unwrap_or_default();
                let code = status.code().unwrap_or_else(signal);
                return Ok(u8::try_from(code).unwrap_or(FAILED));
            }
        }
    }

    fn inspect(&self, what: &str) -> Option<String> {
        let asked = ["container", "inspect", "--format", what, self.name];
        self.engine.ask(&asked, ANSWER).ok()
    }

    /// Tells the gateway of a limit that is reached, once.
    fn name(&mut self, limit: Limit) {
        if self.told.replace(limit) == Some(limit) {
            return;
        }
        let allowed = self.plan.limits.allowed(limit);
        tell(self.control, &Report::Reached { limit, allowed }, None);
    }

    /// Whether the gateway has closed its end, or died. Waits that long for it, or until the client ends or the kernel
    /// tells something.
    fn gateway_is_gone(&self, pause: Duration, told: Option<&OwnedFd>) -> Result<bool, String> {
        let pid = Pid::from_raw(self.client.id().cast_signed()).ok_or("no process id")?;
        let end = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| error.to_string())?;
        let wait = Timespec {
            tv_sec: pause.as_secs().cast_signed(),
            tv_nsec: i64::from(pause.subsec_nanos()),
        };
        let mut fds = vec![
            PollFd::new(self.control, PollFlags::IN),
            PollFd::new(&end, PollFlags::IN),
        ];
        fds.extend(told.map(|told| PollFd::new(told, PollFlags::IN)));
        // Nothing is written to this end after the plan: what is there to read is its end.
        Ok(poll(&mut fds, Some(&wait)).is_ok() && !fds[0].revents().is_empty())
    }
}

/// A network namespace with a loopback interface and the proxy's listener, held by a process of its own.
struct OwnNetwork {
    listener: OwnedFd,
    /// The namespace, as a path for the engine.
    file: String,
    holder: Child,
    /// The holder ends when this is closed.
    _open: UnixStream,
}

impl OwnNetwork {
    fn begin() -> Result<Self, String> {
        let failed = |error: io::Error| format!("a network of the container's own: {error}");
        let (own, other) = UnixStream::pair().map_err(failed)?;
        rustix::io::fcntl_setfd(&other, rustix::io::FdFlags::empty())
            .map_err(|error| failed(error.into()))?;
        let number = other.as_raw_fd().to_string();
        let mut command = Command::new("/proc/self/exe");
        command
            .env_clear()
            .args([NETWORK, &number])
            .stdin(Stdio::null());
        let holder = command.process_group(0).spawn().map_err(failed)?;
        drop(other);
        let (mut said, mut listener, mut part) = (Vec::new(), None, [0; 4096]);
        while !said.ends_with(b"\n") {
            let (length, handed) = handed::receive(&own, &mut part).map_err(failed)?;
            if length == 0 {
                break;
            }
            said.extend_from_slice(&part[..length]);
            listener = handed.or(listener);
        }
        let why = String::from_utf8_lossy(&said).trim().to_owned();
        let listener = listener.ok_or_else(|| failed(io::Error::other(why)))?;
        let file = format!("/proc/{}/ns/net", holder.id());
        Ok(Self {
            listener,
            file,
            holder,
            _open: own,
        })
    }
}

impl Drop for OwnNetwork {
    fn drop(&mut self) {
        // The container has the namespace by now, or there is none.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Begins a network namespace, hands its listener over, and holds it until the other end is closed.
pub(super) fn hold_network(socket: std::os::fd::RawFd) -> ExitCode {
    let Ok(mut socket) = sys::inherited(socket).map(UnixStream::from) else {
        return ExitCode::from(FAILED);
    };
    sys::on_stop_signals(true);
    let listener = sys::own_network().and_then(|()| {
        let listener = std::net::TcpListener::bind(crate::proxied::AT)?;
        Ok(OwnedFd::from(listener))
    });
    let _ = match &listener {
        Ok(listener) => handed::send(&socket, b"ready\n", Some(listener)),
        Err(error) => handed::send(&socket, format!("{error}\n").as_bytes(), None),
    };
    let _ = socket.read(&mut [0]);
    ExitCode::SUCCESS
}
