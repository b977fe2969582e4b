//! The keys of the page, on a thread of their own: a terminal is read by waiting for it.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::view::Story;
use super::{Command, Shared, clean};

/// How soon the thread sees that the page is closed.
const LOOK: Duration = Duration::from_millis(50);
/// The most bytes of a story.
const MOST: u64 = 256 << 10;
/// The longest time that a story is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What stands there until the story is told.
const ASKED: &str = "the call is asked for";

/// Listens until the page is closed, or the terminal is gone.
pub(super) fn listen(shared: &Arc<Shared>, ask: &Sender<Command>, stop: &CancellationToken) {
    let mut teller = None;
    hear(shared, ask, stop, &mut teller);
    // It sees that nobody waits any more, and leaves no process behind.
    if let Some(teller) = teller {
        let _ = teller.join();
    }
}

fn hear(
    shared: &Arc<Shared>,
    ask: &Sender<Command>,
    stop: &CancellationToken,
    teller: &mut Option<JoinHandle<()>>,
) {
    while !shared.closed.load(Ordering::SeqCst) {
        let event = match poll(LOOK) {
            Ok(true) => read(),
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        let drawn = match event {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                pressed(key, shared, ask, stop, teller);
                shared.draw()
            }
            Ok(_) => shared.draw(),
            Err(error) => Err(error),
        };
        if drawn.is_err() {
            stop.cancel();
            return;
        }
    }
}

fn pressed(
    key: KeyEvent,
    shared: &Arc<Shared>,
    ask: &Sender<Command>,
    stop: &CancellationToken,
    teller: &mut Option<JoinHandle<()>>,
) {
    let interrupt = key.modifiers.contains(KeyModifiers::CONTROL);
    let mut view = shared.view.lock();
    match key.code {
        KeyCode::Char('c' | 'd') if interrupt => stop.cancel(),
        _ if interrupt => {}
        KeyCode::Char('q') => stop.cancel(),
        KeyCode::Up | KeyCode::Char('k') => view.step(-1),
        KeyCode::Down | KeyCode::Char('j') => view.step(1),
        KeyCode::PageUp => view.step(-10),
        KeyCode::PageDown => view.step(10),
        KeyCode::Esc | KeyCode::Char('o') | KeyCode::Enter if view.story.is_some() => {
            view.story = None;
        }
        KeyCode::Char('o') | KeyCode::Enter => {
            let call = view.calls.iter().flatten().nth(view.chosen);
            match (call.map(|call| call.id.clone()), &shared.config) {
                (Some(_), Some(_)) if teller.as_ref().is_some_and(|one| !one.is_finished()) => {
                    view.notice = Some("another call is still being asked for".into());
                }
                (Some(id), Some(config)) => {
                    view.notice = Some(ASKED.into());
                    let (shared, stop, config) = (shared.clone(), stop.clone(), config.clone());
                    *teller = Some(std::thread::spawn(move || {
                        tell(&id, &config, &shared, &stop);
                    }));
                }
                _ => view.notice = Some("there is no call to open".into()),
            }
        }
        // Whoever presses a key twice while it works wants it once.
        KeyCode::Char('r') => {
            let _ = ask.try_send(Command::Rerun);
        }
        KeyCode::Char('b') => {
            let _ = ask.try_send(Command::Bless);
        }
        _ => {}
    }
}

/// Shows the story of a call.
fn tell(id: &str, config: &Path, shared: &Shared, stop: &CancellationToken) {
    let over = || shared.closed.load(Ordering::SeqCst) || stop.is_cancelled();
    let lines = story(id, config, over);
    let told = shared.change(|view| {
        view.notice = None;
        view.story = Some(Story { lines, from: 0 });
    });
    if told.is_err() {
        stop.cancel();
    }
}

/// The story of a call, as `why` tells it.
fn story(id: &str, config: &Path, over: impl Fn() -> bool) -> Vec<String> {
    let told = std::env::current_exe().and_then(|program| {
        let mut why = Process::new(program);
        why.args(["why", id, "--config"]).arg(config);
        why.env("CLICOLOR_FORCE", "1");
        said(why, PATIENCE, over)
    });
    match told {
        Ok(Some(said)) => clean::lines(&String::from_utf8_lossy(&said)),
        Ok(None) => vec![format!(
            "`sandgate why {id}` did not end within {} s",
            PATIENCE.as_secs()
        )],
        Err(error) => vec![format!("`sandgate why {id}` cannot be run: {error}")],
    }
}

/// What a program says until it ends, at most [`MOST`] bytes. `None`: it was killed, after `patience` or because all is over.
fn said(
    mut program: Process,
    patience: Duration,
    over: impl Fn() -> bool,
) -> io::Result<Option<Vec<u8>>> {
    let (reader, writer) = io::pipe()?;
    program
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut running = program.spawn()?;
    // Its own ends of the pipe: the reader sees the end when the program has closed the others.
    drop(program);
    let reading = std::thread::spawn(move || {
        let mut said = Vec::new();
        reader.take(MOST).read_to_end(&mut said).map(|_| said)
    });
    let until = Instant::now() + patience;
    while running.try_wait()?.is_none() && !reading.is_finished() {
        if over() || Instant::now() >= until {
            running.kill()?;
            running.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
    // It has ended, or has said all that is shown.
    let _ = running.kill();
    running.wait()?;
    let said = reading.join();
    said.unwrap_or_else(|_| Err(io::Error::other("what it said cannot be read")))
        .map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str) -> Process {
        let mut shell = Process::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn a_program_is_heard_within_bounds() {
        let whole = said(shell("echo one; echo two >&2"), PATIENCE, || false).unwrap();
        assert_eq!(whole.unwrap(), b"one\ntwo\n");
        let endless = said(shell("exec yes"), PATIENCE, || false).unwrap();
        assert_eq!(endless.unwrap().len() as u64, MOST);
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_in_time_and_with_the_page() {
        let began = Instant::now();
        for (patience, over) in [(Duration::from_millis(100), false), (PATIENCE, true)] {
            let silent = said(shell("exec sleep 60"), patience, || over).unwrap();
            assert_eq!(silent, None);
        }
        assert!(began.elapsed() < PATIENCE);
    }
}
