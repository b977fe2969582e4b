//! The gateway as a process of its own.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::{Pipe, Process, place};

/// Debug builds compile policies slowly the first time.
const START: Duration = Duration::from_secs(120);
/// After so long without another line the log is what it will be.
const LOG_SILENCE: Duration = Duration::from_millis(100);

/// Runs a program at a terminal of its own, and says something once it is asked.
const TERMINAL: &str = r#"
import os, pty, sys
question, answer, *line = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(line[0], line)
seen, said = b"", False
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    seen += part
    if not said and question.encode() in seen:
        os.write(terminal, answer.encode() + b"\n")
        said = True
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// Runs a program in a user namespace of its own in which no further one can be begun, without what root may do there.
const NO_USER_NAMESPACES: &str = "echo 0 > /proc/sys/user/max_user_namespaces && \
     exec setpriv --ambient-caps=-all --inh-caps=-all \"$0\" \"$@\"";

/// `sandgate run`, listening on a free port of loopback. Killed on drop.
pub struct Gateway {
    /// `http://127.0.0.1:PORT`, without a path; `https` where it serves by TLS.
    pub url: String,
    /// Its log (stderr) and call log (stdout).
    pub process: Process,
    folder: tempfile::TempDir,
    /// Whose it is, where it is not this process's user's.
    user: Option<u32>,
}

impl Gateway {
    /// Starts it with a configuration and waits until it listens. Where the text has no `[gateway]`, one that listens
    /// on a free port is put before it.
    ///
    /// # Panics
    /// Where it does not come up; with its log.
    pub fn start(config: &str) -> Self {
        Self::start_as(config, |_| {})
    }

    /// The same, with more arguments or variables on its command line.
    ///
    /// # Panics
    /// As above.
    pub fn start_as(config: &str, adjust: impl FnOnce(&mut Command)) -> Self {
        let folder = folder_with(config);
        let mut command = command(&folder.path().join("sandgate.toml"));
        adjust(&mut command);
        Self::up(&mut command, folder, config, None)
    }

    /// Starts it as a user without privileges: this one, or where the test is root, another.
    ///
    /// # Panics
    /// As above.
    pub fn start_unprivileged(config: &str) -> Self {
        Self::start_by(config, |program| program)
    }

    /// The same where no user namespace can be begun, as on systems that forbid them.
    ///
    /// # Panics
    /// As above.
    pub fn start_without_user_namespaces(config: &str) -> Self {
        Self::start_by(config, |program| {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-current-user", "--keep-caps"]);
            command.args(["sh", "-c", NO_USER_NAMESPACES]);
            command.arg(program.get_program());
            command
        })
    }

    /// Starts it unprivileged by a command that is made of the program's.
    fn start_by(config: &str, by: impl FnOnce(Command) -> Command) -> Self {
        let folder = folder_with(config);
        let file = folder.path().join("sandgate.toml");
        let user = place::other_user();
        if let Some(user) = user {
            for path in [folder.path(), &file] {
                std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
            }
        }
        let mut command = by(program_of(user, folder.path()));
        surround_as(&mut command, user, folder.path());
        command.arg("run").arg("--config").arg(&file);
        Self::up(&mut command, folder, config, user)
    }

    fn up(
        command: &mut Command,
        folder: tempfile::TempDir,
        config: &str,
        user: Option<u32>,
    ) -> Self {
        let mut process = Process::start(command);
        let url = process.log_line(START, |line| {
            let start = line.find("listening on http")? + "listening on ".len();
            let end =
                line[start..].find(|c: char| !(c.is_ascii_alphanumeric() || ":/.[]".contains(c)));
            Some(
                line[start..end.map_or(line.len(), |end| start + end)]
                    .trim_end_matches('/')
                    .to_owned(),
            )
        });
        let Some(url) = url else {
            let status = process.wait(Duration::ZERO);
            panic!(
                "the gateway did not come up ({status:?}):\n{}\nwith\n{config}",
                process.log()
            );
        };
        Self {
            url,
            process,
            folder,
            user,
        }
    }

    /// Starts one whose stderr goes elsewhere; the admin socket tells where it listens.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn start_with_stderr(
        config: &str,
        stderr: Stdio,
        adjust: impl FnOnce(&mut Command),
    ) -> Self {
        let folder = folder_with(config);
        let mut command = command(&folder.path().join("sandgate.toml"));
        adjust(&mut command);
        let mut gateway = Self {
            url: String::new(),
            process: Process::start_with_stderr(&mut command, stderr),
            folder,
            user: None,
        };
        let until = Instant::now() + START;
        loop {
            let asked = gateway.command(&["status", "--json"]);
            if asked.code == Some(0) {
                let status: serde_json::Value = serde_json::from_str(&asked.output).unwrap();
                let at = status["listeners"][0].as_str().unwrap();
                gateway.url = format!("http://{at}");
                return gateway;
            }
            let ended = gateway.process.wait(Duration::from_millis(20));
            assert!(ended.is_none(), "it did not come up ({ended:?}): {asked:?}");
            assert!(Instant::now() < until, "it did not come up: {asked:?}");
        }
    }

    /// Starts one that must not come up; gives its exit code and what it said.
    ///
    /// # Panics
    /// Where it does come up, or takes longer than it may.
    pub fn refused(config: &str) -> (Option<i32>, String) {
        let folder = folder_with(config);
        let mut process = Process::start(&mut command(&folder.path().join("sandgate.toml")));
        match process.wait(START) {
            Some(status) => (status.code(), process.log()),
            None => panic!("it came up with\n{config}\n{}", process.log()),
        }
    }

    /// The endpoint of one server, or of all of them (`""`).
    pub fn mcp(&self, server: &str) -> String {
        format!("{}/mcp/{server}", self.url)
            .trim_end_matches('/')
            .to_owned()
    }

    /// Where the configuration lies; other files may be put beside it.
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("sandgate.toml")
    }

    /// Starts another command of the program, in this gateway's folder and surroundings, and waits for its end.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn command(&self, args: &[&str]) -> Ended {
        let mut command = program_of(self.user, self.folder.path());
        command.args(args).current_dir(self.folder.path());
        let mut process = Process::start(&mut command);
        let status = process.wait(START);
        let status = status.unwrap_or_else(|| panic!("{args:?} goes on:\n{}", process.log()));
        Ended {
            code: status.code(),
            output: process.output(),
            log: process.log(),
        }
    }

    /// The same with somebody at a terminal who answers a question. What it wrote, wherever to, is its output.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn command_at_a_terminal(&self, args: &[&str], question: &str, answer: &str) -> Ended {
        let mut command = Command::new(place::peers().join("modern/bin/python"));
        command
            .args(["-c", TERMINAL, question, answer])
            .arg(place::sandgate())
            .args(args)
            .current_dir(self.folder.path());
        surround(&mut command, self.folder.path());
        let mut process = Process::start(&mut command);
        let status = process.wait(START);
        let status = status.unwrap_or_else(|| panic!("{args:?} goes on:\n{}", process.log()));
        Ended {
            code: status.code(),
            output: process.output(),
            log: process.log(),
        }
    }

    /// Everything it wrote to stderr so far. A thread of the gateway's own writes it, a moment after what it tells of:
    /// it is waited for until nothing more comes.
    pub fn log(&self) -> String {
        let mut log = self.process.log();
        loop {
            std::thread::sleep(LOG_SILENCE);
            let now = self.process.log();
            if now.len() == log.len() {
                return now;
            }
            log = now;
        }
    }

    /// The same once a text is in it, or ten seconds later. White space at the ends of lines does not count.
    pub fn log_with(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.process.log();
            let lines: Vec<_> = log.lines().map(str::trim).collect();
            let log = lines.join("\n");
            if log.contains(text) || Instant::now() > until {
                return log;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end and waits until it has: `None` where it did not within the time.
    pub fn stop(&mut self, within: Duration) -> Option<ExitStatus> {
        self.process.stop(within)
    }

    /// Starts one that speaks over stdin and stdout, in front of one server or of all of them (`""`), as a pipe.
    pub fn pipe(config: &str, server: &str) -> Pipe {
        Self::pipe_as(config, server, |_| {})
    }

    /// The same, with more arguments or variables on its command line.
    pub fn pipe_as(config: &str, server: &str, adjust: impl FnOnce(&mut Command)) -> Pipe {
        let folder = folder_with(config);
        let mut command = command(&folder.path().join("sandgate.toml"));
        command.args(stdio_args(server));
        adjust(&mut command);
        Pipe::start(&mut command, Some(folder))
    }

    /// The command line with which a client starts such a gateway by itself.
    pub fn stdio_command(config_file: &Path, server: &str) -> Vec<String> {
        let mut line = vec![
            place::sandgate().display().to_string(),
            "run".into(),
            "--config".into(),
        ];
        line.push(config_file.display().to_string());
        line.extend(stdio_args(server));
        line
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub output: String,
    /// What it wrote to stderr.
    pub log: String,
}

/// The program, as this user or another.
fn program_of(user: Option<u32>, folder: &Path) -> Command {
    let mut command = match user {
        Some(_) => Command::new(place::open_to_all(&place::sandgate())),
        None => Command::new(place::sandgate()),
    };
    surround_as(&mut command, user, folder);
    command
}

fn surround_as(command: &mut Command, user: Option<u32>, folder: &Path) {
    surround(command, folder);
    if let Some(user) = user {
        command.env("XDG_CACHE_HOME", folder);
        command.uid(user).gid(user);
    }
}

/// Keeps what it leaves on disk away from the user's own.
fn surround(command: &mut Command, folder: &Path) {
    command
        .env("XDG_CACHE_HOME", place::cache())
        .env("XDG_RUNTIME_DIR", folder)
        .env("NO_COLOR", "1");
}

fn folder_with(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sandgate.toml"), with_listener(config)).unwrap();
    folder
}

/// The configuration, listening on a free port unless it says something else.
pub(crate) fn with_listener(config: &str) -> String {
    match config.contains("[gateway]") {
        true => config.to_owned(),
        false => format!("[gateway]\nlisten = \"127.0.0.1:0\"\n\n{config}"),
    }
}

fn command(config_file: &Path) -> Command {
    let mut command = Command::new(place::sandgate());
    command.arg("run").arg("--config").arg(config_file);
    surround(&mut command, config_file.parent().unwrap());
    command
}

fn stdio_args(server: &str) -> Vec<String> {
    let mut args = vec!["--stdio".to_owned()];
    if !server.is_empty() {
        args.extend(["--server".to_owned(), server.to_owned()]);
    }
    args
}
