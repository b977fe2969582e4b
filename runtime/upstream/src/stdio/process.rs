//! Child processes: how one is started, what it inherits, and how it is kept from outliving the gateway.
//!
//! - The environment is empty except for the configured variables, the mark that identifies the process's descendants,
//!   and `PATH`. `PATH` is the gateway's own unless configured: without it neither the program nor what it calls (`env
//!   node`) would be found. `HOME` and others are set only if configured.
//! - The child gets a session of its own. The processes that it starts end with it (see [`reaper`]), and Ctrl-C at the
//!   gateway's terminal does not reach it before the gateway has drained.
//! - When the gateway dies, even by SIGKILL, the kernel kills the child (Linux), and every process that reads the
//!   child's stdin sees its end.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::BorrowedFd;
use std::os::fd::{AsRawFd, RawFd};
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, kill_process_group};
use sandgate_contain::Plan;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::facts::ServerFacts;
use crate::stdio::contained::{self, Contained, Offer};
use crate::stdio::reaper::{self, Starting, Tree};
use crate::{ServerConfig, ServerError, Transport, redacted};

/// The interval at which dead orphans are reaped.
const SWEEP: Duration = Duration::from_secs(1);

/// A started process. Dropping it kills its whole group and the processes that left the group.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    /// Where the program is contained, the helper's socket; `child` is then the helper.
    pub(crate) contained: Option<Contained>,
    group: Option<Group>,
    tree: Option<Tree>,
}

impl Process {
    /// Signals the whole process group. It is no error if the group is gone.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(group) = &self.group {
            group.signal(signal);
        }
    }

    /// Notes which processes it has started. Call it before ending the process, while the tree is intact.
    pub(crate) async fn look(&mut self) {
        if let Some(tree) = self.tree.take() {
            let looked = tokio::task::spawn_blocking(move || {
                tree.look();
                tree
            });
            self.tree = looked.await.ok();
        }
    }

    /// Kills what is left of the process's tree, including processes that left the group. Call it as soon as the
    /// process has ended: later its process id may be reused.
    pub(crate) async fn end_tree(&mut self) {
        self.group = None;
        if let Some(tree) = self.tree.take() {
            let _ = tokio::task::spawn_blocking(move || drop(tree)).await;
        }
    }
}

/// Starts the program of a stdio transport with piped streams.
///
/// # Errors
///
/// The program is not found, cannot be started, or its containment cannot be put into force.
pub(crate) async fn start(
    config: &ServerConfig,
    known: &Arc<ServerFacts>,
) -> Result<Process, ServerError> {
    let server = &config.name;
    let failed = |why: String| ServerError::Start {
        server: server.clone(),
        why,
    };
    let Transport::Stdio {
        command: program,
        args,
        env,
        cwd,
    } = &config.transport
    else {
        return Err(failed("it is reached by HTTP".into()));
    };
    let offer = match &config.contain {
        Some(_) => Some(Offer::new().map_err(|error| failed(error.to_string()))?),
        None => None,
    };
    let mut command = match &offer {
        Some(offer) => {
            let (helper, word) = contained::HELPER;
            let mut command = Command::new(helper);
            command.arg(word).arg(offer.number());
            command
        }
        None => {
            let mut command = Command::new(program);
            command.args(args);
            command
        }
    };
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if offer.is_none() {
        command.envs(env.iter().map(|(name, value)| (name, value)));
    }
    if let Some(cwd) = cwd.as_ref().filter(|_| offer.is_none()) {
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
    command.kill_on_drop(true);
    let starting = Starting::new();
    let mark = reaper::mark();
    command.env(reaper::MARK, &mark);
    let handed_on = offer.as_ref().map(|offer| offer.helper.as_raw_fd());
    be_alone(&mut command, handed_on);

    let child = spawn(command).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ServerError::NotFound {
            server: server.clone(),
            program: program.clone(),
        },
        _ => failed(error.to_string()),
    })?;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let pid = pid.ok_or_else(|| failed("it has no process id".into()))?;
    let engine = config
        .contain
        .as_ref()
        .is_some_and(|plan| plan.image.is_some());
    let tree = Some(Tree::new(pid, mark.clone(), engine));
    drop(starting);
    let mut process = Process {
        child,
        contained: None,
        group: Some(Group(pid)),
        tree,
    };
    if let (Some(offer), Some(plan)) = (offer, &config.contain) {
        let mut plan = Plan::clone(plan);
        // A container has processes of its engine's alone outside.
        if plan.image.is_none() {
            plan.env.push((reaper::MARK.into(), mark));
        }
        let proxy = config.egress.as_ref();
        let begun = offer
            .begin(server.clone(), &plan, proxy, known.clone())
            .await;
        // A container's last words may be among it.
        let told = |why: String| {
            let text: String = why
                .chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect();
            redacted::words(text, &config.redactor)
        };
        let begun = begun.map_err(|why| failed(format!("it is not contained: {}", told(why))))?;
        process.contained = Some(begun);
    }
    Ok(process)
}

#[derive(Debug)]
struct Group(Pid);

impl Group {
    fn signal(&self, signal: Signal) {
        // ESRCH means that no process is left, which is the goal.
        let _ = kill_process_group(self.0, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Puts the process into a session of its own, and lets it die with the gateway. It inherits a descriptor, if one is
/// given.
#[cfg(target_os = "linux")]
fn be_alone(command: &mut Command, handed_on: Option<RawFd>) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec only system calls are allowed; these are four, and nothing is allocated. The
    // descriptor is open as long as the caller of `spawn` waits for it.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || {
            if let Some(handed_on) = handed_on {
                let handed_on = BorrowedFd::borrow_raw(handed_on);
                rustix::io::fcntl_setfd(handed_on, FdFlags::empty())?;
            }
            rustix::process::setsid()?;
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
fn be_alone(command: &mut Command, _: Option<RawFd>) {
    command.process_group(0);
}

struct Job {
    command: Command,
    runtime: Handle,
    done: oneshot::Sender<io::Result<Child>>,
}

/// Spawns the process on a thread that lives as long as the gateway. The kernel sends the death signal when the
/// *thread* that forked ends, and threads of an async runtime come and go.
async fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let starter = match STARTER.get() {
        Some(starter) => starter,
        None => {
            let (sender, jobs) = mpsc::channel::<Job>();
            std::thread::Builder::new()
                .name("process-starter".into())
                .spawn(move || {
                    reaper::take_in_orphans();
                    loop {
                        match jobs.recv_timeout(SWEEP) {
                            Ok(Job {
                                mut command,
                                runtime,
                                done,
                            }) => {
                                let _entered = runtime.enter();
                                // If the receiver is gone, the child is dropped and thereby killed.
                                let _ = done.send(command.spawn());
                            }
                            Err(RecvTimeoutError::Timeout) => reaper::sweep(),
                            Err(RecvTimeoutError::Disconnected) => return,
                        }
                    }
                })?;
            // If two callers start a thread at once, the second thread ends with its sender.
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
