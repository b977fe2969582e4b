//! Real servers.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Process, place};

/// A server at the version of the lock files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// PyPI `mcp-server-time`: answers in both eras; tools alone.
    Time,
    /// PyPI `mcp-server-git`: answers in both eras; tools alone.
    Git,
    /// npm `@modelcontextprotocol/server-filesystem`: legacy; tools alone.
    Filesystem,
    /// npm `@modelcontextprotocol/server-everything`: legacy; tools, resources and prompts.
    Everything,
}

/// The servers with what they serve: a folder of files and a repository.
pub struct Parts {
    folder: tempfile::TempDir,
}

impl Part {
    /// Every server there is.
    pub const ALL: [Self; 4] = [Self::Time, Self::Git, Self::Filesystem, Self::Everything];

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Git => "git",
            Self::Filesystem => "files",
            Self::Everything => "everything",
        }
    }

    /// Whether it speaks 2026-07-28.
    pub fn is_modern(self) -> bool {
        matches!(self, Self::Time | Self::Git)
    }
}

impl Parts {
    /// Makes a folder with a file and a repository with a commit.
    ///
    /// # Panics
    /// Where git is missing.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("files");
        let repository = folder.path().join("repository");
        std::fs::create_dir_all(&files).unwrap();
        std::fs::create_dir_all(&repository).unwrap();
        std::fs::write(files.join("greeting.txt"), "hello, 世界\n").unwrap();
        std::fs::write(repository.join("a.txt"), "first\n").unwrap();
        let who = [
            "-c",
            "user.name=Journey",
            "-c",
            "user.email=journey@example.invalid",
            "-c",
            "commit.gpgsign=false",
        ];
        for step in [
            &["init", "--quiet"][..],
            &["add", "a.txt"],
            &["commit", "--quiet", "-m", "The first commit"],
        ] {
            let done = Command::new("git")
                .current_dir(&repository)
                .args(who)
                .args(step)
                .output()
                .unwrap();
            assert!(
                done.status.success(),
                "git {step:?}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        Self { folder }
    }

    /// A place in the folder: `files` is what the file server serves, `repository` the repository.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The command line that starts a server on stdio.
    pub fn command(&self, part: Part) -> Vec<String> {
        let python = |name: &str| text(&place::peers().join("servers/bin").join(name));
        let script = |name: &str| {
            text(
                &place::peers()
                    .join("node_modules/@modelcontextprotocol")
                    .join(name),
            )
        };
        let folder = |name: &str| text(&self.folder.path().join(name));
        let (command, args) = match part {
            Part::Time => (
                python("mcp-server-time"),
                vec!["--local-timezone".to_owned(), "UTC".to_owned()],
            ),
            Part::Git => (
                python("mcp-server-git"),
                vec!["--repository".to_owned(), folder("repository")],
            ),
            Part::Filesystem => (
                node(),
                vec![script("server-filesystem/dist/index.js"), folder("files")],
            ),
            Part::Everything => (
                node(),
                vec![
                    script("server-everything/dist/index.js"),
                    "stdio".to_owned(),
                ],
            ),
        };
        std::iter::once(command).chain(args).collect()
    }

    /// Its table of the gateway's configuration. `PATH` is given because git is found by it.
    pub fn config(&self, part: Part) -> String {
        let line = self.command(part);
        let (name, command, args) = (part.name(), &line[0], &line[1..]);
        let path = std::env::var("PATH").unwrap();
        // On a busy machine they take their time to start.
        format!(
            "[servers.{name}]\ncommand = {command:?}\nargs = {args:?}\nenv = {{ PATH = {path:?} }}\nlist-timeout = \"1m\"\n\n"
        )
    }

    /// What a client is to do with a server: a call, and more where the server has more. The answers are the same
    /// whenever it is asked.
    pub fn errand(&self, part: Part) -> Value {
        let folder = |name: &str| text(&self.folder.path().join(name));
        match part {
            Part::Time => json!({ "call": { "name": "convert_time", "arguments": {
                "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo",
            } } }),
            Part::Git => {
                json!({ "call": { "name": "git_log", "arguments": { "repo_path": folder("repository") } } })
            }
            Part::Filesystem => json!({ "call": { "name": "read_text_file", "arguments": {
                "path": folder("files/greeting.txt"),
            } } }),
            Part::Everything => json!({
                "call": { "name": "get-sum", "arguments": { "a": 2, "b": 3 } },
                "read": "demo://resource/static/document/architecture.md",
                "prompt": { "name": "args-prompt", "arguments": { "city": "Oslo" } },
            }),
        }
    }

    /// Starts `server-everything` over HTTP; gives its URL with the process.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn everything_over_http(&self) -> (String, Process) {
        for _ in 0..3 {
            // It does not say which port it got for port 0, so it is given one that was free a moment ago.
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let mut line = self.command(Part::Everything);
            line[2] = "streamableHttp".to_owned();
            let mut process = Process::start(
                Command::new(&line[0])
                    .args(&line[1..])
                    .env("PORT", port.to_string()),
            );
            for _ in 0..600 {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return (format!("http://127.0.0.1:{port}/mcp"), process);
                }
                if process.wait(Duration::from_millis(50)).is_some() {
                    break;
                }
            }
        }
        panic!("server-everything did not come up over HTTP");
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self::new()
    }
}

/// Node by its full path: a server's environment is empty but for what is configured.
fn node() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("node"))
        .find(|path| path.is_file());
    text(&found.expect("node is not on the PATH: install Node 20 or later"))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
