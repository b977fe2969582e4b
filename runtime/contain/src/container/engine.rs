//! A container engine, as it is asked things: what it has, and what it shall remove.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::backend::Backend;

/// The label of each container that a gateway makes: the process that it belongs to.
pub(crate) const LABEL: &str = "sandgate.owner";

/// What names of containers begin with.
pub(crate) const NAME: &str = "sandgate-";

/// Variables that tell an engine's program of its user and where the engine is.
const VARIABLES: [&str; 11] = [
    "CONTAINERS_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_STORAGE_CONF",
    "DBUS_SESSION_BUS_ADDRESS",
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "HOME",
    "PATH",
    "REGISTRY_AUTH_FILE",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
];
/// How long the end of an answer is waited for once the engine's program has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// A container engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// Which one.
    pub backend: Backend,
    /// Its program.
    pub program: PathBuf,
    /// Its environment.
    pub environment: Vec<(String, String)>,
}

impl Engine {
    /// The engine of this machine, with what it needs of an environment; `None`: its program is in no folder of the
    /// search path there, or `backend` is none.
    pub fn find<'a>(backend: Backend, get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if !backend.is_engine() {
            return None;
        }
        let folders = get("PATH").unwrap_or_default().split(':');
        let mut programs = folders
            .filter(|folder| folder.starts_with('/'))
            .map(|folder| PathBuf::from(folder).join(backend.name()));
        let program = programs.find(|program| program.is_file())?;
        let environment = VARIABLES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), get(name)?.to_owned())))
            .collect();
        Some(Self {
            backend,
            program,
            environment,
        })
    }

    /// The engine's program with its environment alone, and no input.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// What the engine answers, without the line break at its end. It is ended where it takes longer than `within`.
    ///
    /// # Errors
    ///
    /// It cannot be started, takes too long, or fails; with its own words.
    pub fn ask(&self, args: &[&str], within: Duration) -> Result<String, String> {
        let name = self.backend.name();
        let mut command = self.command();
        command.args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        let (said, complained) = (read(child.stdout.take()), read(child.stderr.take()));
        let until = Instant::now() + within;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(None) => {
                    end(&child);
                    let _ = child.wait();
                    let within = within.as_secs();
                    return Err(format!("{name} did not answer within {within} s"));
                }
                Err(error) => return Err(error.to_string()),
            }
        };
        // What it has started may keep the streams open.
        let complaint = complained.recv_timeout(LAST_WORDS).unwrap_or_default();
        match status.success() {
            true => said
                .recv_timeout(LAST_WORDS)
                .map_err(|_| format!("{name} ended, and what it says has no end")),
            false => {
                let last = complaint.lines().rfind(|line| !line.trim().is_empty());
                let last = last.unwrap_or("it said nothing");
                Err(format!("{name}: {last}"))
            }
        }
    }
}

/// Ends a program with everything that it has started in its group.
fn end(child: &Child) {
    #[cfg(target_os = "linux")]
    if let Some(group) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child;
}

/// Reads a stream to its end, beside.
fn read(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(all(stream)));
    receiver
}

fn all(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let _ = stream.take(LONGEST).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}
