//! A child process: how it is started, what it is given, and that it does not outlive the gateway.
//!
//! - Environment: empty but for what the configuration lists, and `PATH`, which is the gateway's own unless configured:
//!   without it neither the program nor what it calls (`env node`) would be found. `HOME` and the rest only when listed.
//! - A process group of its own: what it started in turn ends with it, and a Ctrl-C at the gateway's terminal does not
//!   reach it before the gateway has drained.
//! - When the gateway dies, even by SIGKILL, the kernel kills the child (Linux), and everything that reads its stdin
//!   finds the end of it.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, OnceLock, mpsc};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{ServerError, Transport};

/// A started process. Dropping it kills its whole group.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    group: Option<Group>,
}

impl Process {
    /// Signals the whole group. A group that is gone already is no error.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(group) = &self.group {
            group.signal(signal);
        }
    }

    /// Kills what is left of the group. To be called as soon as the process has ended: later its number may be
    /// another's.
    pub(super) fn end_group(&mut self) {
        self.group = None;
    }
}

/// Starts the program of a stdio transport, its three streams piped.
pub(super) async fn start(
    server: &Arc<str>,
    transport: &Transport,
) -> Result<Process, ServerError> {
    let failed = |why: String| ServerError::Start {
        server: server.clone(),
        why,
    };
    let Transport::Stdio {
        command: program,
        args,
        env,
        cwd,
    } = transport
    else {
        return Err(failed("it is reached by HTTP".into()));
    };
    let mut command = Command::new(program);
    command.args(args).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.envs(env.iter().map(|(name, value)| (name, value)));
    if let Some(cwd) = cwd {
        // Otherwise a missing folder would be reported as a missing program.
        if !tokio::fs::metadata(cwd).await.is_ok_and(|it| it.is_dir()) {
            return Err(failed(format!("`cwd` {cwd:?} is not a folder")));
        }
        command.current_dir(cwd);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    die_with_parent(&mut command);

    let child = spawn(command).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ServerError::NotFound {
            server: server.clone(),
            program: program.clone(),
        },
        _ => failed(error.to_string()),
    })?;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let group = Group(pid.ok_or_else(|| failed("it has no process id".into()))?);
    Ok(Process {
        child,
        group: Some(group),
    })
}

#[derive(Debug)]
struct Group(Pid);

impl Group {
    fn signal(&self, signal: Signal) {
        // ESRCH: nobody is left, which is what was wanted.
        let _ = kill_process_group(self.0, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec only system calls are allowed; these are two, and nothing is allocated.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died just before.
            if rustix::process::getppid() == Some(parent) {
                Ok(())
            } else {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

struct Job {
    command: Command,
    runtime: Handle,
    done: oneshot::Sender<io::Result<Child>>,
}

/// Spawns on a thread that lives as long as the process: the kernel sends the death signal when the *thread* that
/// forked ends, and threads of an async runtime come and go.
async fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let starter = match STARTER.get() {
        Some(starter) => starter,
        None => {
            let (sender, jobs) = mpsc::channel::<Job>();
            std::thread::Builder::new()
                .name("process-starter".into())
                .spawn(move || {
                    for Job {
                        mut command,
                        runtime,
                        done,
                    } in jobs
                    {
                        let _entered = runtime.enter();
                        // Nobody waits any more: the child is dropped, and so killed.
                        let _ = done.send(command.spawn());
                    }
                })?;
            // Where two were first at once, the second thread ends with its sender.
            STARTER.get_or_init(|| sender)
        }
    };
    let (done, spawned) = oneshot::channel();
    let gone = |_| io::Error::other("the thread that starts processes is gone");
    starter
        .send(Job {
            command,
            runtime: Handle::current(),
            done,
        })
        .map_err(|_| gone(()))?;
    spawned.await.map_err(|_| gone(()))?
}
