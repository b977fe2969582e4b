//! The running compiler, in a process group of its own, so that a save in the meantime can kill all of it at once.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::args::LanguageName;
use crate::lang;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// The most bytes kept of the compiler's output. The rest is left out.
const SAID: u64 = 256 << 10;

/// A running build. Dropping it kills the compiler and removes its unfinished output.
pub(super) struct Making {
    child: Child,
    group: Option<Pid>,
    into: PathBuf,
}

/// The outcome of a build.
pub(super) struct Compiled {
    /// The component. `None` if the project does not compile.
    pub(super) component: Option<Vec<u8>>,
    /// The compiler's output, for the author.
    pub(super) said: String,
}

impl Making {
    /// Starts this very program to build the project. The output is in `into` for as long as this value lives.
    pub(super) fn start(
        folder: &Path,
        language: Option<LanguageName>,
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
            command.args(["--lang", lang::find(language).key()]);
        }
        if colours {
            // Compilers are told to use colours, since they see no terminal here.
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

    /// Waits for the build to end.
    pub(super) async fn finished(mut self) -> std::io::Result<Compiled> {
        let said = match self.child.stderr.take() {
            Some(stderr) => listened(stderr).await?,
            None => String::new(),
        };
        let status = self.child.wait().await?;
        // The whole group has ended, so its id may belong to another group by now.
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
