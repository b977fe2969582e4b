//! The keys of the page, on a thread of their own: a terminal is read by waiting for it.

use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::view::Story;
use super::{Command, Shared, clean};

/// How soon the thread sees that the page is closed.
const LOOK: Duration = Duration::from_millis(50);
/// The most bytes of a story.
const MOST: usize = 256 << 10;

/// Listens until the page is closed, or the terminal is gone.
pub(super) fn listen(shared: &Shared, ask: &Sender<Command>, stop: &CancellationToken) {
    while !shared.closed.load(Ordering::SeqCst) {
        let event = match poll(LOOK) {
            Ok(true) => read(),
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        let drawn = match event {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                pressed(key, shared, ask, stop);
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

fn pressed(key: KeyEvent, shared: &Shared, ask: &Sender<Command>, stop: &CancellationToken) {
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
                (Some(id), Some(config)) => {
                    drop(view);
                    let lines = story(&id, config);
                    shared.view.lock().story = Some(Story { lines, from: 0 });
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

/// The story of a call, as `why` tells it.
fn story(id: &str, config: &Path) -> Vec<String> {
    let told = std::env::current_exe().and_then(|program| {
        let mut why = Process::new(program);
        why.args(["why", id, "--config"]).arg(config);
        why.stdin(Stdio::null()).env("CLICOLOR_FORCE", "1").output()
    });
    match told {
        Ok(told) => {
            let mut said = told.stdout;
            said.extend(told.stderr);
            said.truncate(MOST);
            clean::lines(&String::from_utf8_lossy(&said))
        }
        Err(error) => vec![format!("`sandgate why {id}` cannot be run: {error}")],
    }
}
