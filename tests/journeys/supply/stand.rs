//! A registry on loopback, a configuration with one package, and the program beside them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::{Ended, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of a configuration's, with a registry that ends with it.
pub(super) struct Stand {
    folder: TempDir,
    registry: Child,
    address: String,
}

impl Stand {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys/supply/registry.py");
        std::fs::create_dir(folder.path().join("registry")).unwrap();
        let mut registry = Command::new("python3")
            .arg(script)
            .current_dir(folder.path().join("registry"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let out = registry.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut address).unwrap();
        Self {
            folder,
            registry,
            address: address.trim().to_owned(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path("sandgate.toml")
    }

    /// The file that install scripts would write.
    pub(super) fn mark(&self) -> PathBuf {
        self.path("mark")
    }

    /// What the registry was asked for.
    pub(super) fn asked(&self) -> String {
        std::fs::read_to_string(self.path("registry/asked")).unwrap()
    }

    pub(super) fn lock(&self) -> String {
        std::fs::read_to_string(self.path("sandgate.lock")).unwrap()
    }

    pub(super) fn forget_lock(&self) {
        std::fs::remove_file(self.path("sandgate.lock")).unwrap();
    }

    /// From now on archives have other contents than their hashes say, or what they should have.
    pub(super) fn swap(&self, swapped: bool) {
        let file = self.path("registry/swap");
        match swapped {
            true => std::fs::write(file, "").unwrap(),
            false => std::fs::remove_file(file).unwrap(),
        }
    }

    /// A file of the only installed package.
    pub(super) fn installed(&self, name: &str) -> PathBuf {
        let folders = std::fs::read_dir(self.path("cache/sandgate/packages")).unwrap();
        let mut folders = folders.map(|entry| entry.unwrap().path());
        folders.find(|path| path.is_dir()).unwrap().join(name)
    }

    /// Writes a configuration with one server, `desk`, that is a package.
    pub(super) fn configure(&self, package: &str, more: &str) {
        let args = [self.config().display().to_string(), "more".into()];
        let text = format!(
            "[call-log]\nto = \"stderr\"\n\n[servers.desk]\npackage = {package:?}\nargs = {args:?}\n{more}"
        );
        std::fs::write(self.config(), text).unwrap();
    }

    fn command(&self, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(binary("sandgate"));
        command.args(args).arg("--config").arg(self.config());
        self.around(&mut command);
        command.envs(variables.iter().copied());
        command
    }

    /// A command as somebody types it, in the folder, with `sandgate` in the `PATH`.
    pub(super) fn shell(&self, typed: &str) -> Command {
        let mut command = Command::new("sh");
        let program = binary("sandgate");
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", program.parent().unwrap().display());
        command.args(["-c", typed]).current_dir(self.folder.path());
        self.around(&mut command);
        command.env("PATH", path).stdin(Stdio::null());
        command
    }

    fn around(&self, command: &mut Command) {
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
            "PIP_EXTRA_INDEX_URL",
        ] {
            command.env_remove(name);
        }
        command
            .env("NO_COLOR", "1")
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("INSTALL_MARK", self.mark())
            .env("npm_config_registry", &self.address)
            .env("npm_config_userconfig", self.path("npmrc"))
            .env("npm_config_cache", self.path("npm"))
            .env("npm_config_fetch_retries", "0")
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_INDEX_URL", format!("{}simple/", self.address))
            .env("PIP_CACHE_DIR", self.path("pip"));
    }

    pub(super) fn sandgate(&self, args: &[&str]) -> Ended {
        self.sandgate_with(args, &[])
    }

    pub(super) fn sandgate_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let done = self
            .command(args, variables)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended {
            code: done.status.code(),
            output: String::from_utf8(done.stdout).unwrap(),
            log: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// What the server's tool says of where it runs, to a client on stdin and stdout of a gateway.
    pub(super) fn look(&self, variables: &[(&str, &str)]) -> Value {
        let mut command = self.command(&["run", "--stdio", "--server", "desk"], variables);
        let mut gateway = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut to = gateway.stdin.take().unwrap();
        let mut from = BufReader::new(gateway.stdout.take().unwrap()).lines();
        let mut ask = |message: Value, answered: bool| {
            writeln!(to, "{message}").unwrap();
            let line = answered.then(|| from.next());
            match line {
                Some(Some(line)) => serde_json::from_str(&line.unwrap()).unwrap(),
                Some(None) => Value::String("the gateway ended".into()),
                None => Value::Null,
            }
        };
        let about = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        ask(
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about }),
            true,
        );
        ask(
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            false,
        );
        let call = json!({ "name": "look", "arguments": {} });
        let answer = ask(
            json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call }),
            true,
        );
        drop(to);
        let ended = gateway.wait_with_output().unwrap();
        let text = answer["result"]["content"][0]["text"].as_str();
        let text =
            text.unwrap_or_else(|| panic!("{answer}\n{}", String::from_utf8_lossy(&ended.stderr)));
        serde_json::from_str(text).unwrap()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = self.registry.kill();
        let _ = self.registry.wait();
        // Installed folders are closed to writing.
        let _ = Command::new("chmod")
            .args(["-R", "u+w"])
            .arg(self.folder.path())
            .status();
    }
}

/// The verb ended with this code, and said all of these words.
#[track_caller]
pub(super) fn said(ended: &Ended, code: i32, words: &[&str]) {
    let all = format!("{}\n{}", ended.output, ended.log);
    assert_eq!(ended.code, Some(code), "{all}");
    for words in words {
        assert!(all.contains(words), "{words:?} is not in:\n{all}");
    }
}
