//! `sandgate plugin dev` in a terminal: its page, its keys, and the terminal afterwards.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use rustix::process::{Pid, Signal};

use crate::plugin_kit::author::Author;
use crate::plugin_kit::dev::{PATIENCE, edit};

/// Gives a program a terminal, whose keys are its own stdin and whose screen is its stdout.
const TERMINAL: &str = r#"
import os, pty, sys
size = "stty rows 40 cols 120; echo process $$; exec \"$@\""
sys.exit(os.waitstatus_to_exitcode(pty.spawn(["sh", "-c", size, "sh", *sys.argv[1:]])))
"#;

struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// The program in the terminal.
    process: i32,
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
        let mut terminal = Self {
            keys: child.stdin.take(),
            child,
            screen,
            seen: String::new(),
            process: 0,
        };
        terminal.shows("process ");
        terminal.process = terminal.shows("\n").trim().parse().unwrap();
        terminal
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

    /// Sends a signal to the program in the terminal.
    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.process).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Waits for its end, which is a good one; gives what was not waited for.
    fn ends(&mut self) -> String {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
        let rest: Vec<u8> = self.screen.iter().flatten().collect();
        self.seen.clone() + &String::from_utf8_lossy(&rest)
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

/// What takes a terminal, and what gives it back: another screen, and the cursor.
const TAKEN: [&str; 2] = ["\u{1b}[?1049h", "\u{1b}[?25l"];
const GIVEN_BACK: [&str; 3] = ["\u{1b}[?1049l", "\u{1b}[?25h", "\u{1b}[?7h"];

#[test]
fn the_page_shows_the_state_and_its_keys_rerun_bless_and_quit() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "mask-email", "--lang", "c"]);
    let mut terminal = Terminal::open(&author, &["plugin", "dev", "mask-email"]);
    let shown = terminal.shows("after the start");
    for wanted in TAKEN {
        assert!(shown.contains(wanted), "{shown:?}");
    }
    let building = shown.find("building …").unwrap();
    let version = shown.find("mask-email version 1").unwrap();
    assert!(building < version, "{shown:?}");
    terminal.shows("masks-an-address");
    terminal.shows("q quit");

    edit(&author, "src/plugin.c", "\"[email]\", 7", "\"[mail]\", 6");
    terminal.shows("version 1 is kept");
    let shown = terminal.shows("q quit");
    assert!(
        shown.contains("FAIL") && shown.contains("\u{1b}[31m-") && shown.contains("\u{1b}[32m+"),
        "what differs stands below the fixture, in colours: {shown:?}"
    );
    terminal.types(b"b");
    terminal.shows("1 fixture is written anew");
    terminal.shows("4 fixtures pass");
    let fixture = author.path("mask-email/fixtures/masks-an-address.toml");
    let fixture = std::fs::read_to_string(fixture).unwrap();
    assert!(fixture.contains("[mail]"), "{fixture}");
    terminal.types(b"r");
    terminal.shows("after the key");
    terminal.types(b"o");
    terminal.shows("there is no call to open");

    terminal.types(b"q");
    let rest = terminal.ends();
    for wanted in GIVEN_BACK {
        assert!(rest.contains(wanted), "{rest:?}");
    }
    let (_, after) = rest.rsplit_once(GIVEN_BACK[0]).unwrap();
    assert!(
        after.contains("mask-email version") && after.ends_with("\r\n"),
        "the last state stays to be read: {after:?}"
    );
}

#[test]
fn the_page_has_the_last_calls_and_their_stories_and_nothing_steers_the_terminal() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "mine", "--lang", "c", "--hook", "pre"]);
    // What a guest prints and what a client calls a tool would set the title and clear the screen.
    let source = std::fs::read_to_string(author.path("mine/src/plugin.c")).unwrap();
    let printing = source.replacen(
        "(void)context;",
        "(void)context;\n    printf(\"\\033]0;owned\\007\\033[2Jprinted\\n\");",
        1,
    );
    author.write(
        "mine/src/plugin.c",
        &format!("#include <stdio.h>\n{printing}"),
    );
    author.write(
        "mine/fixtures/wrong.toml",
        "hook = \"pre-call\"\nevent = \"tools/call\"\nparams = { name = \"x\" }\n\n[expect]\ndecision = \"refuse\"\n",
    );
    let mut terminal = Terminal::open(&author, &["plugin", "dev", "mine", "--server", "demo"]);
    let mut all = terminal.shows("1 of 3 fixtures fails");
    all += &terminal.shows("q quit");
    std::fs::remove_file(author.path("mine/fixtures/wrong.toml")).unwrap();
    all += &terminal.shows("live");
    all += &terminal.shows("none yet");
    all += &terminal.shows("sandgate call");

    let call = |tool: &str| {
        let config = [
            "call",
            "--config",
            "mine/sandgate.toml",
            "demo",
            tool,
            r#"{"id":"C-1001"}"#,
        ];
        author.sandgate(&config)
    };
    assert_eq!(call("lookup_customer").code, Some(0));
    all += &terminal.shows("tools/call lookup_customer");
    let shown = terminal.shows("q quit");
    assert!(
        shown.contains("proceed") && shown.contains("µs"),
        "{shown:?}"
    );
    terminal.types(b"o");
    let story = terminal.shows("esc back");
    assert!(
        story.contains("lookup_customer") && story.contains("mine"),
        "{story:?}"
    );
    all += &story;
    terminal.types(b"\x1b");
    all += &terminal.shows("r rerun");
    call("\u{1b}]0;owned\u{7}\u{1b}[2J");
    // The gateway itself repeats no such name.
    all += &terminal.shows("tools/call    ");

    terminal.signal(Signal::TERM);
    let rest = terminal.ends();
    for wanted in GIVEN_BACK {
        assert!(rest.contains(wanted), "{rest:?}");
    }
    all += &rest;
    assert!(
        !all.contains("\u{1b}]") && !all.contains("\u{1b}[2J") && !all.contains('\u{7}'),
        "{all:?}"
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
    let source = std::fs::read_to_string(author.path("mine/src/plugin.c")).unwrap();
    author.write(
        "mine/src/plugin.c",
        &source.replace("\"rm -rf\"", "\"rm -r\""),
    );
    let said = author.sandgate(&["plugin", "build", "mine"]);
    assert_eq!(said.err, "compiling mine (C)\nrunning each hook once\n");
}
