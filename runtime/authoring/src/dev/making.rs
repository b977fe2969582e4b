//! The compiler at work, in a process group of its own: a save that comes meanwhile ends all of it at once.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// Of what a compiler says; the rest is left out.
const SAID: u64 = 256 << 10;

/// A build under way. Dropping it ends the compiler and takes away what it left unfinished.
pub(super) struct Making {
    child: Child,
    group: Option<Pid>,
    into: PathBuf,
}

/// What came of it.
pub(super) struct Compiled {
    /// The component; none where it does not compile.
    pub(super) component: Option<Vec<u8>>,
    /// What was said on the way, for the author.
    pub(super) said: String,
}

impl Making {
    /// Starts this very program to build the project there; what comes out lies in `into` for as long as this lives.
    pub(super) fn start(
        folder: &Path,
        language: Option<&str>,
        into: &Path,
        colours: bool,
    ) -> std::io::Result<Self> {
        if let Some(parent) = into.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["plugin", "compile"]).arg(folder);
        command.arg("--into").arg(into);
        if let Some(language) = language {
            command.args(["--lang", language]);
        }
        if colours {
            // What compilers ask a terminal for, which they do not see here.
            command
                .env("CARGO_TERM_COLOR", "always")
                .env("CLICOLOR_FORCE", "1");
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            child,
            group,
            into: into.to_owned(),
        })
    }

    /// Waits for its end.
    pub(super) async fn finished(mut self) -> std::io::Result<Compiled> {
        let said = match self.child.stderr.take() {
            Some(stderr) => listened(stderr).await?,
            None => String::new(),
        };
        let status = self.child.wait().await?;
        // The whole of it has ended: its number may be another's by now.
        self.group = None;
        let component = match status.success() {
            true => Some(tokio::fs::read(&self.into).await?),
            false => None,
        };
        Ok(Compiled { component, said })
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = std::fs::remove_file(&self.into);
    }
}

/// Reads to the end, and keeps the beginning.
async fn listened(mut from: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut said = Vec::new();
    (&mut from).take(SAID).read_to_end(&mut said).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&said).trim_end().to_owned())
}
