//! The page of `dev` at a terminal: the state of the build, the fixtures, the last calls; and its keys. The terminal is given
//! back as it was, however `dev` ends.

mod calls;
mod clean;
mod keys;
mod view;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anstream::{AutoStream, ColorChoice};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{execute, queue};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;

use self::view::{FixtureRow, View};
use super::decisions;
use crate::test::Tested;

pub(super) use self::view::CALLS;

/// Whether the terminal shows a page. There is one terminal.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// What a key asks `dev` to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Builds and tests once more.
    Rerun,
    /// Writes into the fixtures what came of them.
    Bless,
}

/// The page. Dropping it gives the terminal back.
pub(super) struct Page {
    shared: Arc<Shared>,
    keys: Option<JoinHandle<()>>,
}

/// What was drawn last.
#[derive(PartialEq, Eq)]
struct Drawn {
    /// The terminal's columns and rows.
    size: (u16, u16),
    rows: Vec<String>,
}

/// What the page shares with its keys.
struct Shared {
    view: Mutex<View>,
    /// The configuration of the gateway that knows the calls.
    config: Option<PathBuf>,
    colours: bool,
    drawn: Mutex<Option<Drawn>>,
    closed: AtomicBool,
}

impl Page {
    /// Whether there is a person who can see and type.
    pub(super) fn has_room() -> bool {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb
    }

    /// Takes the terminal. The key `q` cancels `stop`.
    ///
    /// # Errors
    ///
    /// The terminal cannot be set up.
    pub(super) fn open(
        title: &str,
        config: Option<&Path>,
        stop: CancellationToken,
    ) -> io::Result<(Self, Receiver<Command>)> {
        let (ask, asked) = channel(1);
        let shared = Arc::new(Shared {
            view: Mutex::new(View {
                title: clean::lines(title).concat(),
                ..View::default()
            }),
            config: config.map(Path::to_owned),
            colours: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            drawn: Mutex::new(None),
            closed: AtomicBool::new(false),
        });
        give_back_on_panic();
        SHOWN.store(true, Ordering::SeqCst);
        let mut page = Self {
            shared: Arc::clone(&shared),
            keys: None,
        };
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide, DisableLineWrap)?;
        page.keys = Some(std::thread::spawn(move || {
            keys::listen(&shared, &ask, &stop)
        }));
        page.shared.draw()?;
        Ok((page, asked))
    }

    /// Shows what is going on.
    pub(super) fn doing(&self, what: &str) -> io::Result<()> {
        self.shared
            .change(|view| view.doing = Some(what.to_owned()))
    }

    /// Shows the state, as one line.
    pub(super) fn status(&self, text: &str) -> io::Result<()> {
        let state = clean::lines(text).join(" ");
        self.shared.change(|view| {
            view.state = state;
            view.doing = None;
        })
    }

    /// Begins a version: what was to be read of the one before goes.
    pub(super) fn anew(&self) {
        let mut view = self.shared.view.lock();
        view.said.clear();
        view.fixtures.clear();
        view.notice = None;
    }

    /// Adds a text to read.
    pub(super) fn above(&self, text: &str) -> io::Result<()> {
        let lines = clean::lines(text);
        self.shared.change(|view| view.said.extend(lines))
    }

    /// Shows what to do as long as no call has come.
    pub(super) fn hint(&self, text: &str) -> io::Result<()> {
        let lines = clean::lines(text);
        self.shared.change(|view| view.hint = lines)
    }

    /// Shows what came of a key.
    pub(super) fn notice(&self, text: &str) -> io::Result<()> {
        let notice = clean::lines(text).join(" ");
        self.shared.change(|view| view.notice = Some(notice))
    }

    /// Shows the fixtures.
    pub(super) fn tested(&self, tested: &Tested) -> io::Result<()> {
        let rows = tested.results().map(|(result, decision)| FixtureRow {
            name: clean::lines(&result.name).concat(),
            decision: decision.map(decisions::short).unwrap_or_default(),
            us: result.took.as_micros(),
            wrong: clean::lines(result.wrong.as_deref().unwrap_or_default()),
        });
        let rows = rows.collect();
        self.shared.change(|view| view.fixtures = rows)
    }

    /// Shows these records of calls, the last first. The interceptors are those that have this plugin.
    pub(super) fn calls(
        &self,
        records: &[Box<RawValue>],
        interceptors: &[String],
    ) -> io::Result<()> {
        let rows = calls::rows(records, interceptors);
        self.shared.change(|view| {
            // The chosen call stays chosen when others come.
            let chosen = view.calls.iter().flatten().nth(view.chosen);
            let same = chosen.and_then(|chosen| rows.iter().position(|row| row.id == chosen.id));
            // The last call stays the last one, as long as nobody has chosen another.
            view.chosen = if view.chosen == 0 {
                0
            } else {
                same.unwrap_or_default()
            };
            view.calls = Some(rows);
        })
    }

    /// Gives the terminal back, with the last state on a line of its own.
    pub(super) fn close(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        if let Some(keys) = self.keys.take() {
            let _ = keys.join();
            give_back();
            let state = self.shared.view.lock().state.clone();
            if !state.is_empty() {
                let _ = writeln!(io::stdout(), "{state}");
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.close();
        give_back();
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut View)) -> io::Result<()> {
        change(&mut self.view.lock());
        self.draw()
    }

    /// Draws the page, in one write, unless it stands there already.
    fn draw(&self) -> io::Result<()> {
        let view = self.view.lock();
        if !SHOWN.load(Ordering::SeqCst) {
            return Ok(());
        }
        let size = size().unwrap_or_default();
        // A terminal that does not know its size says 0.
        let height = if size.1 == 0 { 24 } else { size.1 };
        let rows = view.rows(usize::from(height));
        let shown = Some(Drawn { size, rows });
        let mut drawn = self.drawn.lock();
        if *drawn == shown {
            return Ok(());
        }
        *drawn = shown;
        let rows = drawn.iter().flat_map(|drawn| &drawn.rows);
        let mut out = Vec::new();
        queue!(out, BeginSynchronizedUpdate)?;
        for (row, number) in rows.take(usize::from(height)).zip(0..) {
            queue!(out, MoveTo(0, number))?;
            match self.colours {
                true => write!(out, "{row}{}", clean::PLAIN)?,
                false => write!(out, "{}", anstream::adapter::strip_str(row))?,
            }
            queue!(out, Clear(ClearType::UntilNewLine))?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        let mut to = io::stdout().lock();
        to.write_all(&out)?;
        to.flush()
    }
}

/// Gives the terminal back, once.
fn give_back() {
    if SHOWN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), EnableLineWrap, Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// What a panic says is to be read on the terminal as it was.
fn give_back_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs in a terminal, by the test below.
    #[test]
    #[ignore = "needs a terminal"]
    fn panics_on_a_page() {
        let (_page, _keys) = Page::open("mine", None, CancellationToken::new()).unwrap();
        panic!("somebody forgot something");
    }

    #[test]
    fn a_panic_is_read_on_the_terminal_as_it_was() {
        let inner = format!("{}::panics_on_a_page", module_path!());
        let (_, inner) = inner.split_once("::").unwrap();
        let run = Command::new("python3")
            .args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])"])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", inner])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&run.stdout);
        let page = shown
            .find("\x1b[?1049h")
            .unwrap_or_else(|| panic!("no page: {shown}"));
        let given_back = shown.find("\x1b[?1049l").unwrap();
        let said = shown.find("somebody forgot something").unwrap();
        assert!(page < given_back && given_back < said, "{shown:?}");
        assert!(shown[page..said].contains("\x1b[?25h"), "{shown:?}");
    }
}
