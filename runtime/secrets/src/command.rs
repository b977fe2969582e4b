//! A value that a program prints.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::value::Value;

/// The longest value, in bytes.
const LARGEST: u64 = 64 << 10;
/// The time that a program has.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to look whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Why a program gave no value. Never repeats what it printed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum CommandError {
    #[error("the program {0:?} cannot be started: {1}")]
    Start(String, std::io::Error),
    #[error("the program {0:?} ended with {1}; what it printed is not shown")]
    Status(String, std::process::ExitStatus),
    #[error("the program {0:?} did not end within 10 s")]
    Time(String),
    #[error("the program {0:?} printed no UTF-8 text of at most {LARGEST} bytes")]
    Text(String),
}

/// The value that a program prints on its standard output. No shell is asked. The program has the gateway's environment
/// and 10 s; its standard error is thrown away, since it may repeat the value.
///
/// # Errors
///
/// The program cannot be started, fails, takes too long, or prints no text.
pub fn run(argv: &[String], folder: &Path) -> Result<Value, CommandError> {
    let [program, args @ ..] = argv else {
        return Err(CommandError::Start(
            String::new(),
            std::io::ErrorKind::NotFound.into(),
        ));
    };
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| CommandError::Start(program.clone(), error))?;
    let (send, printed) = mpsc::channel();
    let stdout = child.stdout.take();
    // A program that it started may hold the pipe open for ever, so that nobody waits for this thread.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.map(|stdout| stdout.take(LARGEST + 1).read_to_end(&mut bytes));
        let _ = send.send(read.and_then(Result::ok).map(|_| bytes));
    });
    let until = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(LOOK),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(CommandError::Time(program.clone()));
            }
            Err(error) => return Err(CommandError::Start(program.clone(), error)),
        }
    };
    let left = until.saturating_duration_since(Instant::now()).max(LOOK);
    let bytes = printed
        .recv_timeout(left)
        .map_err(|_| CommandError::Time(program.clone()))?;
    // A program that prints too much may have been ended by that: its status says less.
    let bytes = bytes
        .filter(|bytes| bytes.len() as u64 <= LARGEST)
        .ok_or_else(|| CommandError::Text(program.clone()))?;
    if !status.success() {
        return Err(CommandError::Status(program.clone(), status));
    }
    String::from_utf8(bytes)
        .map(Value::of)
        .map_err(|_| CommandError::Text(program.clone()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sh(script: &str) -> Result<Value, CommandError> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&argv, Path::new("/"))
    }

    #[test]
    fn what_a_program_prints_is_the_value_without_its_line_end() {
        assert_eq!(sh("echo the-value").unwrap().expose(), "the-value");
    }

    #[test]
    fn a_program_that_fails_gives_nothing_and_is_not_quoted() {
        let error = sh("echo the-value; echo the-value >&2; exit 3").unwrap_err();
        assert!(matches!(error, CommandError::Status(..)));
        assert!(!error.to_string().contains("the-value"), "{error}");
        assert!(matches!(sh("printf '\\377'"), Err(CommandError::Text(_))));
        assert!(matches!(
            sh("yes | head -c 100000"),
            Err(CommandError::Text(_))
        ));
        let none = run(&["/nonexistent".to_owned()], Path::new("/"));
        assert!(matches!(none, Err(CommandError::Start(..))));
    }
}
