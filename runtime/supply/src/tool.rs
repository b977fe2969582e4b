//! npm and Python, run within a time, with what they say kept within bounds.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The most of a tool's output that is read as its result, and the most that an error shows.
const OUTPUT: u64 = 64 << 10;
const SHOWN: u64 = 4 << 10;
const LINES: usize = 20;

/// Why a tool did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ToolError {
    #[error("{program} is needed for {what} packages, and is not in PATH; {remedy}")]
    Missing {
        program: String,
        what: &'static str,
        remedy: &'static str,
    },
    #[error("`{command}` failed ({how}); the end of what it said:\n{said}")]
    Failed {
        command: String,
        how: String,
        said: String,
    },
    #[error(
        "`{command}` took longer than {seconds} s and was ended; is the registry within reach? The end of what it said:\n{said}"
    )]
    Slow {
        command: String,
        seconds: u64,
        said: String,
    },
    #[error("`{command}` cannot be run: {why}")]
    Io {
        command: String,
        why: std::io::Error,
    },
    #[error("`{command}` answered something unexpected: {said}")]
    Unexpected { command: String, said: String },
}

/// A program that fetches packages.
#[derive(Clone, Copy)]
pub(crate) struct Tool<'a> {
    pub(crate) program: &'a str,
    /// Of which packages, and what to do where it is missing.
    pub(crate) needed: (&'static str, &'static str),
    /// The folder that it runs in.
    pub(crate) folder: &'a Path,
    /// An empty folder for what it says.
    pub(crate) said: &'a Path,
    /// Variables beside those of this process.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    pub(crate) within: Duration,
}

impl Tool<'_> {
    /// Runs it, and returns what it wrote to stdout.
    ///
    /// # Errors
    ///
    /// It is missing, fails, or takes longer than it may. It is then ended with everything that it started.
    pub(crate) fn run(&self, args: &[&str]) -> Result<String, ToolError> {
        // A whole program among the arguments would hide the rest.
        let shown = args.iter().map(|arg| match arg.contains('\n') {
            true => "…",
            false => arg,
        });
        let shown: Vec<&str> = shown.collect();
        let command = format!("{} {}", self.program, shown.join(" "));
        let failed = |why| ToolError::Io {
            command: command.clone(),
            why,
        };
        let (out, err) = (self.said.join("stdout"), self.said.join("stderr"));
        let file = |path: &Path| File::create(path).map_err(failed);
        let spawned = Command::new(self.program)
            .args(args)
            .current_dir(self.folder)
            // A dependency in a repository would be fetched by Git, which then has no way to.
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("NO_COLOR", "1")
            .envs(self.variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(file(&out)?)
            .stderr(file(&err)?)
            .process_group(0)
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                let (what, remedy) = self.needed;
                return Err(ToolError::Missing {
                    program: self.program.into(),
                    what,
                    remedy,
                });
            }
            Err(why) => return Err(failed(why)),
        };
        let end = Instant::now() + self.within;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            if Instant::now() > end {
                let group = rustix::process::Pid::from_child(&child);
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                child.wait().map_err(failed)?;
                return Err(ToolError::Slow {
                    command,
                    seconds: self.within.as_secs(),
                    said: last_lines(&[&out, &err]),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if !status.success() {
            return Err(ToolError::Failed {
                command,
                how: status.to_string(),
                said: last_lines(&[&out, &err]),
            });
        }
        let mut text = Vec::new();
        let read = File::open(&out).and_then(|file| file.take(OUTPUT).read_to_end(&mut text));
        read.map_err(failed)?;
        Ok(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// The error for an answer that is not understood.
    pub(crate) fn unexpected(&self, said: &str) -> ToolError {
        ToolError::Unexpected {
            command: self.program.into(),
            said: said.chars().take(200).collect(),
        }
    }
}

/// The last lines of these files, together.
fn last_lines(files: &[&Path]) -> String {
    let mut lines = Vec::new();
    for path in files {
        let mut end = Vec::new();
        let mut read = || -> std::io::Result<()> {
            let mut file = File::open(path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(SHOWN)))?;
            file.take(SHOWN).read_to_end(&mut end).map(drop)
        };
        if read().is_ok() {
            let text = String::from_utf8_lossy(&end).into_owned();
            lines.extend(
                text.lines()
                    .filter(|line| !line.trim().is_empty())
                    .map(str::to_owned),
            );
        }
    }
    let from = lines.len().saturating_sub(LINES);
    lines[from..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(program: &str, args: &[&str], within: Duration) -> Result<String, ToolError> {
        let folder = tempfile::tempdir().unwrap();
        let tool = Tool {
            program,
            needed: ("npm", "install Node.js"),
            folder: folder.path(),
            said: folder.path(),
            variables: &[("WORD", "there")],
            within,
        };
        tool.run(args)
    }

    #[test]
    fn a_tool_answers_or_fails_with_the_end_of_what_it_said() {
        let long = Duration::from_secs(20);
        let done = run("sh", &["-c", "echo $WORD; echo x >&2"], long);
        assert_eq!(done.unwrap(), "there");
        let script = "for i in $(seq 9999); do echo line $i; done >&2; exit 3";
        let said = run("sh", &["-c", script], long).unwrap_err().to_string();
        assert!(
            said.contains("exit status: 3") && said.ends_with("line 9999"),
            "{said}"
        );
        assert_eq!(said.matches("\nline").count(), LINES);
        let said = run("no-such-tool", &[], long).unwrap_err().to_string();
        assert_eq!(
            said,
            "no-such-tool is needed for npm packages, and is not in PATH; install Node.js"
        );
    }

    #[test]
    fn a_tool_that_hangs_is_ended_with_what_it_started() {
        let begun = Instant::now();
        let said = run(
            "sh",
            &["-c", "echo begun; sleep 600 & wait"],
            Duration::from_millis(200),
        );
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("took longer") && said.ends_with("begun"),
            "{said}"
        );
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
