//! A child process whose output is kept, and which never outlives its owner.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, kill_process};

/// The lines that a stream brought so far, and whether it has ended.
#[derive(Default)]
struct Lines {
    state: Mutex<(Vec<Vec<u8>>, bool)>,
    changed: Condvar,
}

/// A running program. Killed on drop.
pub struct Process {
    pub(crate) child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Process {
    /// Starts it with all three streams piped.
    ///
    /// # Panics
    /// Where the program cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Self::start_with_stderr(command, Stdio::piped())
    }

    /// The same, with its stderr elsewhere, where that is no pipe: [`Self::log`] is empty then.
    ///
    /// # Panics
    /// Where the program cannot be started.
    pub fn start_with_stderr(command: &mut Command, stderr: Stdio) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = keep(child.stdout.take().unwrap());
        // The command keeps its end of a pipe for as long as it lives, which nobody would find closed then.
        command.stderr(Stdio::null());
        let stderr = match child.stderr.take() {
            Some(stderr) => keep(stderr),
            None => keep(std::io::empty()),
        };
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// What it wrote to stderr so far.
    pub fn log(&self) -> String {
        text(&self.stderr)
    }

    /// What it wrote to stdout so far.
    pub fn output(&self) -> String {
        text(&self.stdout)
    }

    /// The `n`-th line of stdout, without its line end; `None` where the stream ended or the time ran out before it.
    pub fn output_line(&self, n: usize, within: Duration) -> Option<Vec<u8>> {
        wait(&self.stdout, within, |lines| lines.get(n).cloned())
    }

    /// Waits until a line of stderr satisfies `look`, and gives what it made of it.
    pub fn log_line<T>(&self, within: Duration, look: impl Fn(&str) -> Option<T>) -> Option<T> {
        wait(&self.stderr, within, |lines| {
            lines
                .iter()
                .find_map(|line| look(&String::from_utf8_lossy(line)))
        })
    }

    /// Waits for the end, and for the last of its output; `None` where the time ran out, and the process goes on.
    pub fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                for lines in [&self.stdout, &self.stderr] {
                    // A grandchild may hold the stream open: its owner is gone all the same.
                    wait::<()>(lines, Duration::from_secs(2), |_| None);
                }
                return Some(status);
            }
            if Instant::now() > until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal. One that has ended already hears nothing.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.id().cast_signed()) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks it to end (SIGTERM), and waits.
    pub fn stop(&mut self, within: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        self.wait(within)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(stream: impl Read + Send + 'static) -> Arc<Lines> {
    let lines = Arc::new(Lines::default());
    let kept = lines.clone();
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            let more = stream
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0);
            let mut state = kept.state.lock();
            if more {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                state.0.push(line);
            } else {
                state.1 = true;
            }
            kept.changed.notify_all();
            if !more {
                return;
            }
        }
    });
    lines
}

fn wait<T>(lines: &Lines, within: Duration, look: impl Fn(&[Vec<u8>]) -> Option<T>) -> Option<T> {
    let until = Instant::now() + within;
    let mut state = lines.state.lock();
    loop {
        let found = look(&state.0);
        if found.is_some() || state.1 || lines.changed.wait_until(&mut state, until).timed_out() {
            return found;
        }
    }
}

fn text(lines: &Lines) -> String {
    lines
        .state
        .lock()
        .0
        .iter()
        .map(|line| String::from_utf8_lossy(line).into_owned() + "\n")
        .collect()
}
