//! `sandgate plugin dev` in a terminal: one status line, written over in place, and Ctrl-C.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use crate::plugin_kit::author::Author;
use crate::plugin_kit::dev::{PATIENCE, edit};

/// Gives a program a terminal, whose keys are its own stdin and whose screen is its stdout.
const TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";

struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn open(author: &Author, arguments: &[&str]) -> Self {
        let mut command = Command::new("python3");
        command
            .args(["-c", TERMINAL])
            .arg(harness::sandgate())
            .args(arguments)
            .env("XDG_CACHE_HOME", harness::cache())
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = author
            .at_home(&mut command)
            .env_remove("NO_COLOR")
            .spawn()
            .unwrap();
        let mut shown = child.stdout.take().unwrap();
        let (tell, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = shown.read(&mut bytes) {
                if tell.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            keys: child.stdin.take(),
            child,
            screen,
            seen: String::new(),
        }
    }

    /// Waits until this is on the screen, after what was waited for before; gives what came until then.
    fn shows(&mut self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(wanted) {
                return self.seen.drain(..at + wanted.len()).collect();
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.screen.recv_timeout(left) else {
                panic!("{wanted:?} was not shown:\n{}", self.seen);
            };
            self.seen += &String::from_utf8_lossy(&bytes);
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.keys.as_mut().unwrap().write_all(keys).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Its terminal ends with it, and what runs there with the terminal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_state_is_one_line_that_is_written_over_and_ctrl_c_ends_it() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "mask-email", "--lang", "c"]);
    let mut terminal = Terminal::open(&author, &["plugin", "dev", "mask-email"]);
    let shown = terminal.shows("after the start");
    let building = shown.find("building").unwrap();
    let version = shown.find("version 1").unwrap();
    let between = &shown[building..version];
    assert!(
        between.contains("\r\u{1b}[2K") && !between.contains('\n'),
        "the second stands in the first one's place: {shown:?}"
    );

    edit(&author, "src/plugin.c", "\"[email]\", 7", "\"[mail]\", 6");
    let shown = terminal.shows("version 1 is kept");
    assert!(
        shown.contains("\u{1b}[31m-") && shown.contains("\u{1b}[32m+"),
        "the difference has its colours: {shown:?}"
    );

    terminal.types(b"\x03");
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = terminal.child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < until, "Ctrl-C does not end it");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert!(status.success(), "{status}");
    let rest: Vec<u8> = terminal.screen.iter().flatten().collect();
    let rest = terminal.seen.clone() + &String::from_utf8_lossy(&rest);
    assert!(
        rest.contains("\u{1b}[?7h") && rest.ends_with("\r\n"),
        "the cursor stands on a line of its own, and long lines wrap again: {rest:?}"
    );
}

#[test]
fn a_build_says_what_it_does_in_a_line_that_goes_again() {
    let author = Author::new();
    let new = ["plugin", "new", "mine", "--lang", "c", "--hook", "pre"];
    assert_eq!(author.sandgate(&new).code, Some(0));
    let mut terminal = Terminal::open(&author, &["plugin", "build", "mine"]);
    let shown = terminal.shows("running each hook once");
    assert!(
        shown.contains("\r\u{1b}[2K\u{1b}[?7l◐ compiling mine (C)"),
        "{shown:?}"
    );
    let shown = terminal.shows("\r\u{1b}[2K\u{1b}[?7h");
    assert!(!shown.contains('\n'), "{shown:?}");
    terminal.shows("built     mine/target/mine.wasm");

    // Elsewhere it is a line a stage.
    let said = author.sandgate(&["plugin", "build", "mine"]);
    assert_eq!(said.err, "compiling mine (C)\nrunning each hook once\n");
}
