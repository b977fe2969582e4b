//! The gateway that `dev --server` starts: by the project's `sandgate.toml`, which is written where there is none. It ends
//! with `dev`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sandgate_config::Loaded;
use sandgate_host::PluginFile;
use tokio::process::{Child, Command};

use super::NotDeveloped;
use super::live::Live;
use crate::config_lines::config_lines;

/// The server that comes along.
pub(super) const DEMO: &str = "demo";
/// The configuration of the gateway, in the project's folder.
pub(super) const CONFIG: &str = "sandgate.toml";
/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked until then.
const LOOK: Duration = Duration::from_millis(100);

/// A gateway that runs, or is to be started once there is a plugin.
pub(super) struct OwnGateway {
    config: PathBuf,
    server: String,
    child: Option<Child>,
}

impl OwnGateway {
    /// # Errors
    ///
    /// The project's configuration does not have this server, or there is none and the server is not the demo's.
    pub(super) fn new(folder: &Path, server: &str) -> Result<Self, NotDeveloped> {
        let config = folder.join(CONFIG);
        let known = match config.exists() {
            // What is wrong with it is told by the gateway's start.
            true => Loaded::read(&config)
                .map(|loaded| {
                    loaded
                        .config
                        .servers
                        .keys()
                        .map(ToString::to_string)
                        .collect()
                })
                .unwrap_or_else(|_| vec![server.to_owned()]),
            false => vec![DEMO.to_owned()],
        };
        if !known.iter().any(|name| name == server) {
            return Err(NotDeveloped::Server {
                server: server.to_owned(),
                known: known.join(", "),
                config,
            });
        }
        Ok(Self {
            config,
            server: server.to_owned(),
            child: None,
        })
    }

    /// The gateway's configuration.
    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    /// Writes the configuration where there is none: the server, and this plugin before it.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn configure(&self, file: &PluginFile) -> io::Result<()> {
        if self.config.exists() {
            return Ok(());
        }
        let program = std::env::current_exe()?;
        let program = toml_edit::Value::from(program.display().to_string());
        let plugin = format!("target/{}.wasm", file.manifest().name);
        let text = format!(
            "# Written by `sandgate plugin dev --server {DEMO}`; yours from here on.\n[gateway]\nlisten = \"127.0.0.1:0\"\n\n\
             # A small support desk that comes with sandgate.\n[servers.{DEMO}]\ncommand = {}\nargs = [\"demo\", \"--stdio\"]\n\n{}",
            program.to_string().trim(),
            config_lines(file, &plugin, None)
        );
        std::fs::write(&self.config, text)
    }

    /// Starts the gateway, unless one runs on this configuration, and waits until it answers. `None`: it runs. Otherwise
    /// why it does not.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub(super) async fn start(&mut self, live: &Live) -> io::Result<Option<String>> {
        let log = self.config.with_file_name("target").join("gateway.log");
        let out = std::fs::File::create(&log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("run").arg("--config").arg(&self.config);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out)
            // Ctrl-C at the terminal is for `dev`, which ends it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let until = Instant::now() + PATIENCE;
        loop {
            let asked = live.clone();
            let process = tokio::task::spawn_blocking(move || asked.process()).await;
            if process.unwrap_or_default().is_some() {
                self.child = Some(child);
                return Ok(None);
            }
            if child.try_wait()?.is_some() || Instant::now() > until {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                return Ok(Some(said.trim_end().to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What to type in another terminal.
    pub(super) fn call(&self) -> String {
        let from = match self.config.parent() {
            Some(folder) if folder.as_os_str() != "." && !folder.as_os_str().is_empty() => {
                format!(" --config {}", self.config.display())
            }
            _ => String::new(),
        };
        let tool = match self.server == DEMO {
            true => " lookup_customer '{\"id\": \"C-1001\"}'",
            false => " TOOL '{}'",
        };
        format!(
            "in another terminal, `sandgate call{from} {}` lists the server's tools; to call one: sandgate call{from} {}{tool}",
            self.server, self.server
        )
    }

    /// Ends the gateway, and waits for its end.
    pub(super) async fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let process = child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        if let Some(process) = process {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        let _ = tokio::time::timeout(Duration::from_secs(10), child.wait()).await;
    }
}
