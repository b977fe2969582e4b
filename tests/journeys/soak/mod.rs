//! A day in the life: nine real servers, four kinds of clients, three policies, and all that goes wrong in a day, at
//! random. Every call is answered once, none wrongly; what troubles one server is not felt at another; nothing is left
//! over.
//!
//! `SOAK_MINUTES` says how long (2), `SOAK_SEED` which day.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and this one prints its figures"
)]

mod callers;
mod dice;
mod outages;
mod servers;
mod troubles;

use std::collections::BTreeMap;
use std::io::{PipeReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::{Figures, Gateway, Process};
use parking_lot::Mutex;

use callers::Tally;
use dice::Dice;
use outages::Outages;
use servers::Nine;
use troubles::{Trouble, start_remote};

/// Traffic before the first measure: whatever is made once is made then.
const WARM_UP: Duration = Duration::from_secs(8);
/// A shift: one gateway process, from its start to SIGTERM. A short day has two.
const LONGEST_SHIFT: Duration = Duration::from_secs(15 * 60);
/// Of a shift, what is no time for troubles.
const AROUND: Duration = Duration::from_secs(40);
/// From the last call to when nothing is left of abandoned sessions: `idle-timeout` and some.
const SETTLED: Duration = Duration::from_secs(90);
/// What memory may differ by at the same load: what allocators keep.
const SPREAD: u64 = 96 << 20;

/// How much of the gateway's log is kept.
const LAST_WORDS: usize = 1 << 20;

/// What a client of one kind does until it asks again whether the day is over.
type Call = fn(&Day, &mut Dice);

/// What everybody needs who takes part.
pub(crate) struct Day {
    nine: Nine,
    url: String,
    gateway: Mutex<Option<Gateway>>,
    /// Of the gateway's process; 0 where there is none.
    pid: AtomicU32,
    remote: Mutex<Process>,
    remote_port: u16,
    /// Holds the call log.
    folder: tempfile::TempDir,
    /// The last of what the gateway wrote to stderr. Who holds it keeps the reader waiting.
    stderr: Arc<Mutex<Vec<u8>>>,
    outages: Outages,
    tally: Tally,
    troubles: Mutex<BTreeMap<Trouble, usize>>,
    over: AtomicBool,
    began: Instant,
}

#[test]
fn a_day_in_the_life() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().unwrap())
    };
    let minutes = number("SOAK_MINUTES").unwrap_or(2);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("SOAK_SEED").unwrap_or(now.as_secs());
    println!("SOAK_MINUTES={minutes} SOAK_SEED={seed}");
    let whole = Duration::from_secs(minutes * 60);
    let shifts = (whole.as_secs().div_ceil(LONGEST_SHIFT.as_secs()) as u32).max(2);
    let mut dice = Dice::new(seed);
    let day = Day::begin();
    for shift in 1..=shifts {
        day.shift(shift, whole / shifts, &mut dice);
        day.assert_none_wrong();
    }
    day.assert_records_are_whole();
    let troubles = day.troubles.lock();
    assert_eq!(troubles.len(), Trouble::ALL.len(), "{troubles:?}");
    assert!(
        !day.nine.file("forbidden.txt").exists(),
        "a forbidden call was carried out"
    );
    println!(
        "troubles: {troubles:?}; a server was away for {:?} at the most",
        day.outages.longest()
    );
}

impl Day {
    fn begin() -> Self {
        // Ports that were free a moment ago: both are bound again and again.
        let free = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        };
        let (nine, remote_port, port) = (Nine::new(), free(), free());
        Self {
            url: format!("http://127.0.0.1:{port}"),
            gateway: Mutex::new(None),
            pid: AtomicU32::new(0),
            remote: Mutex::new(start_remote(&nine.remote(), remote_port)),
            remote_port,
            folder: tempfile::tempdir().unwrap(),
            stderr: Arc::default(),
            outages: Outages::default(),
            tally: Tally::default(),
            troubles: Mutex::default(),
            over: AtomicBool::new(false),
            began: Instant::now(),
            nine,
        }
    }

    /// One gateway process: warm, measured, troubled, measured again, ended under load.
    fn shift(&self, number: u32, length: Duration, dice: &mut Dice) {
        self.with_callers(dice, |day, _| {
            day.open_gateway();
            sleep(WARM_UP);
        });
        let before = Figures::settled_within(self.pid(), SETTLED, |now| now.children.len() <= 4);
        self.with_callers(dice, |day, dice| {
            let until = Instant::now() + length.saturating_sub(AROUND);
            std::thread::scope(|scope| {
                while Instant::now() < until {
                    println!("{:.0?} {}", day.began.elapsed(), Figures::of(day.pid()));
                    for trouble in dice.shuffled(Trouble::ALL) {
                        day.trouble(scope, trouble, dice);
                        sleep(Duration::from_millis(500 + dice.below(2500)));
                    }
                }
            });
        });
        let right = |now: &Figures| {
            now.files <= before.files + 8
                && now.children.len() <= before.children.len().max(4)
                && now.zombies == 0
        };
        let after = Figures::settled_within(self.pid(), SETTLED, right);
        println!(
            "shift {number}: before {before}; after {after}; {}",
            self.tally
        );
        assert!(right(&after), "before {before:?}, after {after:?}");
        assert!(
            after.resident <= before.resident + SPREAD,
            "before {before}, after {after}"
        );
        self.with_callers(dice, |day, _| {
            sleep(Duration::from_secs(2));
            day.close_gateway();
        });
    }

    /// Runs `work` while clients of all kinds call.
    fn with_callers(&self, dice: &mut Dice, work: impl FnOnce(&Self, &mut Dice)) {
        self.over.store(false, Ordering::SeqCst);
        let kinds: [(Call, usize); 5] = [
            (Self::call_modern, 3),
            (Self::call_in_session, 3),
            (Self::call_merged, 1),
            (Self::call_by_sdk, 1),
            (Self::cut, 1),
        ];
        std::thread::scope(|scope| {
            for (call, count) in kinds {
                for _ in 0..count {
                    let mut dice = Dice::new(dice.below(u64::MAX));
                    scope.spawn(move || {
                        while !self.is_over() {
                            match self.is_up() {
                                true => call(self, &mut dice),
                                false => sleep(Duration::from_millis(50)),
                            }
                        }
                    });
                }
            }
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(self, dice)));
            self.over.store(true, Ordering::SeqCst);
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    fn open_gateway(&self) {
        let log = self.call_log();
        let config = format!(
            r#"
[gateway]
listen = {:?}
[gateway.limits]
idle-timeout = "15s"
[call-log]
to = {log:?}
on-failure = "continue"
{}
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
settings = {{ rules = [{{ who = ["*"], allow = [
  "time/*", "git/*", "fetch/*", "everything/*", "memory/*", "thinking/*", "sqlite/*", "remote/*", "files/read_*"] }}] }}
[[interceptors]]
name = "arguments"
plugin = "builtin:argument-validator"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
"#,
            self.url.trim_start_matches("http://"),
            self.nine.config(self.remote_port)
        );
        let (reader, writer) = std::io::pipe().unwrap();
        let last = self.stderr.clone();
        std::thread::spawn(move || read_to_the_end(reader, &last));
        let gateway = Gateway::start_with_stderr(&config, writer.into(), |_| {});
        self.pid.store(gateway.process.id(), Ordering::SeqCst);
        *self.gateway.lock() = Some(gateway);
    }

    fn close_gateway(&self) {
        let outage = self.outages.begin(None).unwrap();
        let ended = self
            .gateway
            .lock()
            .as_mut()
            .unwrap()
            .stop(Duration::from_secs(60));
        self.pid.store(0, Ordering::SeqCst);
        assert!(
            ended.is_some_and(|status| status.success()),
            "SIGTERM: {ended:?}"
        );
        *self.gateway.lock() = None;
        // Whoever called meanwhile has had the answer.
        self.over.store(true, Ordering::SeqCst);
        sleep(Duration::from_millis(200));
        self.outages.end(outage);
    }

    fn call_log(&self) -> PathBuf {
        self.folder.path().join("calls.jsonl")
    }

    fn mcp(&self, server: &str) -> String {
        format!("{}/mcp/{server}", self.url)
            .trim_end_matches('/')
            .to_owned()
    }

    fn pid(&self) -> u32 {
        self.pid.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn is_up(&self) -> bool {
        self.pid() != 0
    }

    fn assert_none_wrong(&self) {
        let wrong = self.tally.wrong.lock();
        let first: Vec<_> = wrong.iter().take(20).collect();
        assert!(
            wrong.is_empty(),
            "{} wrong, the first of them: {first:#?}",
            wrong.len()
        );
        assert!(
            self.tally.right.load(Ordering::Relaxed) > 0,
            "nothing was done"
        );
        assert!(
            self.tally.by_sdks.load(Ordering::Relaxed) > 0,
            "no SDK did anything"
        );
    }

    fn assert_records_are_whole(&self) {
        let log = std::fs::read_to_string(self.call_log()).unwrap();
        assert!(log.lines().count() > 0);
        for line in log.lines() {
            let record = serde_json::from_str::<serde_json::Value>(line);
            assert!(record.is_ok(), "no whole record: {line}");
        }
    }
}

impl Drop for Day {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = String::from_utf8_lossy(&self.stderr.lock()).into_owned();
            let own = log
                .lines()
                .filter(|line| !line.contains("sandgate::server: "));
            own.for_each(|line| println!("{line}"));
        }
    }
}

fn read_to_the_end(mut reader: PipeReader, last: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1 << 14];
    while let Ok(read @ 1..) = reader.read(&mut buffer) {
        let mut last = last.lock();
        last.extend_from_slice(&buffer[..read]);
        let over = last.len().saturating_sub(LAST_WORDS);
        last.drain(..over);
    }
}
