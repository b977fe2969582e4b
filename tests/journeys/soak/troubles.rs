//! What goes wrong in a day, at random.

use std::process::Command;
use std::thread::{Scope, sleep};
use std::time::{Duration, Instant};

use harness::{Figures, Process, Save};
use rustix::process::{Pid, Signal, kill_process};

use crate::soak::Day;
use crate::soak::dice::Dice;
use crate::soak::servers::{REMOTE, SERVERS, Server};

/// How long the disk is full, and nobody reads the log.
const WHILE: Duration = Duration::from_secs(6);
/// How long a server hangs: longer than `request-timeout`.
const HANGS: Duration = Duration::from_secs(12);
/// How long a server may take to be well again once its trouble is over.
const RECOVERY: Duration = Duration::from_secs(60);

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Every process of a server stands still, then goes on.
    Hangs,
    /// Every process of a server is killed.
    Dies,
    /// A server writes on stdout what is no message.
    Garbage,
    /// A server writes a flood of stderr and of notifications.
    Floods,
    /// The disk with the call log is full, then has room again.
    DiskFull,
    /// Nobody reads the gateway's stderr for a while.
    LogStalls,
    /// The configuration is saved with an error, then without.
    BadReload,
    /// The configuration is saved with other settings and one server more or less.
    GoodReload,
}

impl Trouble {
    pub(crate) const ALL: [Self; 8] = [
        Self::Hangs,
        Self::Dies,
        Self::Garbage,
        Self::Floods,
        Self::DiskFull,
        Self::LogStalls,
        Self::BadReload,
        Self::GoodReload,
    ];
}

impl Day {
    /// Begins one trouble, which ends on a thread of its own. Each kind comes up once before any comes up again.
    pub(crate) fn trouble<'a>(
        &'a self,
        scope: &'a Scope<'a, '_>,
        trouble: Trouble,
        dice: &mut Dice,
    ) {
        let server = dice.one_of(&SERVERS);
        let on_stdio = dice.one_of(&SERVERS[..8]);
        *self.troubles.lock().entry(trouble).or_default() += 1;
        scope.spawn(move || match trouble {
            Trouble::Hangs => self.outage(server, || {
                self.signal(server, Signal::STOP);
                sleep(HANGS);
                self.signal(server, Signal::CONT);
            }),
            Trouble::Dies => self.outage(server, || {
                self.signal(server, Signal::KILL);
                if server == REMOTE {
                    *self.remote.lock() = start_remote(&self.nine.remote(), self.remote_port);
                }
            }),
            Trouble::Garbage => self.signal(on_stdio, Signal::USR1),
            Trouble::Floods => self.signal(on_stdio, Signal::USR2),
            Trouble::DiskFull => self.disk_full(),
            Trouble::LogStalls => self.log_stalls(),
            Trouble::BadReload => self.bad_reload(),
            Trouble::GoodReload => self.good_reload(),
        });
    }

    /// Errors of the server are excused from the beginning of `work` until the server is well again.
    fn outage(&self, server: Server, work: impl FnOnce()) {
        let Some(outage) = self.outages.begin(Some(server)) else {
            return;
        };
        work();
        let until = Instant::now() + RECOVERY;
        while let Some(ailment) = self.ails(server) {
            if Instant::now() > until {
                let what = format!(
                    "{}: not well {RECOVERY:?} after its trouble: {ailment}",
                    server.name
                );
                self.tally.wrong.lock().push(what);
                break;
            }
            sleep(Duration::from_millis(200));
        }
        self.outages.end(outage);
    }

    fn signal(&self, server: Server, signal: Signal) {
        if server == REMOTE {
            return self.remote.lock().signal(signal);
        }
        let marks = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|&byte| byte == 0).skip(1);
            words
                .next()
                .is_some_and(|script| script.ends_with(b"troubled.py"))
                && words.next() == Some(server.name.as_bytes())
        };
        for child in Figures::of(self.pid())
            .children
            .iter()
            .filter(|pid| marks(pid))
        {
            let _ = kill_process(Pid::from_raw(*child).unwrap(), signal);
        }
    }

    fn disk_full(&self) {
        let log = format!("{:?}", self.call_log());
        self.save(|text| text.replace(&log, FULL));
        sleep(WHILE);
        self.save(|text| text.replace(FULL, &log));
    }

    fn log_stalls(&self) {
        let _reader_waits = self.stderr.lock();
        sleep(WHILE);
    }

    fn bad_reload(&self) {
        let gateway = self.gateway.lock();
        let gateway = gateway.as_ref().unwrap();
        let version = gateway.version();
        let good = std::fs::read(gateway.config_file()).unwrap();
        let bad = [&good[..], b"\n[servers.bad]\nnonsense = 1\n"].concat();
        Save::RenameOver.write(&gateway.config_file(), &bad);
        gateway.await_reload_error();
        Save::RenameOver.write(&gateway.config_file(), &good);
        gateway.await_version(version + 1);
    }

    fn good_reload(&self) {
        self.save(|text| match text.contains(EXTRA) {
            true => text.replace(EXTRA, ""),
            false => text + EXTRA,
        });
    }

    /// Saves the configuration, and waits until it is in force.
    fn save(&self, change: impl FnOnce(String) -> String) {
        let gateway = self.gateway.lock();
        let gateway = gateway.as_ref().unwrap();
        let version = gateway.version();
        let text = change(std::fs::read_to_string(gateway.config_file()).unwrap());
        Save::RenameOver.write(&gateway.config_file(), text.as_bytes());
        gateway.await_version(version + 1);
    }
}

/// A disk without room.
const FULL: &str = "\"/dev/full\"";
/// One policy and one server more.
const EXTRA: &str = "
[servers.extra]
url = \"http://127.0.0.1:9/mcp\"
[[interceptors]]
name = \"scrub-extra\"
plugin = \"builtin:pii-scrubber\"
servers = [\"extra\"]
settings = { entities = [\"iban\"] }
";

/// Starts the server over HTTP on its port, and waits until it listens.
pub(crate) fn start_remote(line: &[String], port: u16) -> Process {
    let mut command = Command::new(&line[0]);
    let process = Process::start(command.args(&line[1..]).env("PORT", port.to_string()));
    for _ in 0..600 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return process;
        }
        sleep(Duration::from_millis(50));
    }
    panic!(
        "server-everything did not come up on port {port}: {}",
        process.log()
    );
}
