//! The stages of a verb that takes its time, on stderr: at a terminal one line that turns and goes again, elsewhere a line a
//! stage.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const FRAMES: [&str; 4] = ["◐", "◓", "◑", "◒"];
/// How long a frame stands.
const TURN: Duration = Duration::from_millis(120);
/// Returns to the line's start and clears the line; long lines are cut meanwhile, so that a line stays one.
const ANEW: &str = "\r\x1b[2K\x1b[?7l";
const GONE: &str = "\r\x1b[2K\x1b[?7h";

/// Where the stages of one verb are shown.
pub struct Stages {
    shown: Shown,
    turning: Mutex<Option<Turning>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nowhere,
    Lines,
    Turning,
}

/// The line that turns. Dropping it clears the line.
struct Turning {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stages {
    /// Shows nothing.
    pub fn silent() -> Self {
        Self::new(Shown::Nowhere)
    }

    /// Shows the stages on stderr.
    pub fn stderr() -> Self {
        Self::new(match io::stderr().is_terminal() {
            true => Shown::Turning,
            false => Shown::Lines,
        })
    }

    fn new(shown: Shown) -> Self {
        Self {
            shown,
            turning: Mutex::new(None),
        }
    }

    /// Begins a stage; the one before has ended.
    pub(crate) fn begin(&self, what: &str) {
        self.end();
        match self.shown {
            Shown::Nowhere => {}
            Shown::Lines => {
                // Where stderr is closed nobody looks.
                let _ = writeln!(io::stderr(), "{what}");
            }
            Shown::Turning => self.set(Some(Turning::start(what.to_owned()))),
        }
    }

    /// Ends the stage: something else is about to write on the terminal.
    pub(crate) fn end(&self) {
        self.set(None);
    }

    fn set(&self, turning: Option<Turning>) {
        // A thread that turned and panicked leaves a value that can be replaced.
        let mut held = self.turning.lock().unwrap_or_else(|held| held.into_inner());
        *held = turning;
    }
}

impl Turning {
    fn start(what: String) -> Self {
        let (stop, told) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            for frame in FRAMES.iter().cycle() {
                let seconds = started.elapsed().as_secs_f32();
                let mut to = io::stderr().lock();
                let _ = write!(to, "{ANEW}{frame} {what}  {seconds:.1} s");
                let _ = to.flush();
                drop(to);
                if told.recv_timeout(TURN) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            let mut to = io::stderr().lock();
            let _ = write!(to, "{GONE}");
            let _ = to.flush();
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Turning {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
