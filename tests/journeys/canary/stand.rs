//! Where a gateway writes everything that it can write, and what is looked through afterwards.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use harness::{Canary, Gateway, Pipe, Process};

/// How long a gateway may take to end; its calls are over by then.
const END: Duration = Duration::from_secs(20);

/// How the gateway's own log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// A folder for the state, the cache of compiled plugins, the call log and the plugins.
pub(crate) struct Stand {
    folder: tempfile::TempDir,
    plugins: tempfile::TempDir,
}

/// What a gateway left behind.
pub(crate) struct Left {
    /// Its own log.
    pub(crate) log: String,
    /// The call log.
    pub(crate) calls: String,
    pub(crate) state: Vec<u8>,
    written: PathBuf,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            plugins: tempfile::tempdir().unwrap(),
        }
    }

    /// A `[gateway]` and a `[call-log]` that write all they can.
    pub(crate) fn config(&self, payloads: bool) -> String {
        let at = |name: &str| self.folder.path().join(name);
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nstate = {:?}\ncache = {:?}\n\n[call-log]\nto = {:?}\npayloads = {payloads}\n\n",
            at("state.redb"),
            at("cache"),
            at("calls.jsonl")
        )
    }

    /// An interceptor that is a guest of the zoo; `more` are further keys, its settings last.
    pub(crate) fn guest(&self, name: &str, guest: &str, more: &str) -> String {
        let file = self.plugins.path().join(format!("{guest}.wasm"));
        std::fs::write(&file, sandgate_guests::find(guest).unwrap().bytes).unwrap();
        format!(
            "[[interceptors]]\nname = {name:?}\nplugin = {file:?}\ntimeout = \"5s\"\n{more}\n\n"
        )
    }

    /// Ends a gateway over HTTP and gives what it left.
    pub(crate) fn end(&self, mut gateway: Gateway) -> Left {
        self.left(&mut gateway.process)
    }

    /// The same of one on stdio.
    pub(crate) fn end_pipe(&self, mut pipe: Pipe) -> Left {
        self.left(&mut pipe.process)
    }

    fn left(&self, process: &mut Process) -> Left {
        let ended = process.stop(END);
        let log = process.log();
        assert!(
            ended.is_some_and(|status| status.success()),
            "{ended:?}\n{log}"
        );
        let folder = self.folder.path();
        let cached = std::fs::read_dir(folder.join("cache")).unwrap().count();
        assert!(cached > 1, "nothing was cached: {cached}\n{log}");
        Left {
            log,
            calls: std::fs::read_to_string(folder.join("calls.jsonl")).unwrap(),
            state: std::fs::read(folder.join("state.redb")).unwrap(),
            written: folder.to_owned(),
        }
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }
}

impl Left {
    /// Where a canary is, among all that was written.
    pub(crate) fn find(&self, canary: &Canary) -> Vec<String> {
        let mut found = canary.find("the log", self.log.as_bytes());
        found.extend(canary.find_below(&self.written));
        found
    }

    #[track_caller]
    pub(crate) fn assert_without(&self, canary: &Canary, what: &str) {
        let found = self.find(canary);
        assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
    }
}

/// Everything that can be logged, in one way of writing it.
pub(crate) fn loud(format: Format) -> impl Fn(&mut Command) {
    move |command| {
        let format = match format {
            Format::Text => "text",
            Format::Json => "json",
        };
        command.args(["--log-level", "trace", "--log-format", format]);
    }
}
