//! `log-full`: the call log cannot be written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use sandgate_daemon::admin::Ask;
use sandgate_daemon::status::Status;
use serde_json::{Value, json};

use super::stop::{by, verdict};
use crate::error::DrillError;
use crate::rehearsal::Rehearsal;
use crate::seen::micros;
use crate::step::{Guard, Step, Verdict};

/// The most time until the gateway says that its log cannot be written, and until it is written again.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the server is asked while the log is full.
const ASKED: &str = "while-the-log-is-full";

pub(crate) async fn steps(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let full = Full::begin(rehearsal.log())?;
    // The log is opened anew, as after a rotation. That the drill's file is no file of its own does not matter here.
    let _: Result<Value, _> = rehearsal.ask(Ask::Reload).await;
    let began = Instant::now();
    let before = rehearsal.stand_in.heard();
    let answer = rehearsal
        .client
        .call(&rehearsal.cast.read, &json!({ "id": ASKED }))
        .await?;
    let reached = rehearsal.stand_in.heard_text(before, ASKED);
    let error = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    if !reached && !error["error"]["code"].is_i64() {
        let why = format!(
            "the server did not get the call, and the gateway answers {} without an error",
            answer.status
        );
        return Err(DrillError::Unexplained(why));
    }
    let refuses = rehearsal.refuses_unwritten;
    let mut said = None;
    while said.is_none() && began.elapsed() < PATIENCE {
        let status: Status = rehearsal.ask(Ask::Status).await?;
        let mut all = status.conditions.into_iter();
        said = all.find(|one| one.condition == "call-log");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let said_after = began.elapsed();
    full.end()?;
    let _: Result<Value, _> = rehearsal.ask(Ask::Reload).await;
    let again_began = Instant::now();
    let gap = loop {
        // Each harmless call tries the log again.
        rehearsal
            .client
            .call(&rehearsal.cast.read, &json!({ "id": "7" }))
            .await?;
        let gap = rehearsal.records.gap()?;
        if gap.is_some() || again_began.elapsed() > PATIENCE {
            break gap;
        }
    };
    let again_after = again_began.elapsed();
    let alerts = rehearsal.records.alerts_on("audit")?;

    let first = Step {
        done: "The log takes no more lines, and a tool is called".to_owned(),
        expected: match refuses {
            true => "refused, since its record cannot be written (`on-failure` is `refuse`)",
            false => "served, and told (`on-failure` is `continue`)",
        },
        seen: match reached {
            true => "the server got it, without a record".to_owned(),
            false => "the server did not get it, and the client has an error".to_owned(),
        },
        verdict: match (reached, said.is_some()) {
            (false, _) => Verdict::Stopped,
            (true, true) => Verdict::Noticed,
            (true, false) => Verdict::PassedUnseen,
        },
        by: by(!reached, "the gateway refused it: no record can be written"),
        alerts: alerts.clone(),
        us: micros(answer.took),
        call: None,
        guard: Guard::Log,
    };
    let second = Step {
        done: "Somebody looks whether the gateway is well".to_owned(),
        expected: "`status`, `/readyz` and metrics say that the log cannot be written",
        seen: match &said {
            Some(said) => {
                let detail = said.detail.split(';').next().unwrap_or_default();
                let unready = match said.unready {
                    true => ", and the gateway is not ready",
                    false => "",
                };
                format!("call-log {detail}{unready}")
            }
            None => "nothing is said".to_owned(),
        },
        verdict: verdict(said.is_some()),
        by: by(said.is_some(), "the condition call-log"),
        alerts: alerts.clone(),
        us: micros(said_after),
        call: None,
        guard: Guard::Log,
    };
    let third = Step {
        done: "The log takes lines again, and a tool is called".to_owned(),
        expected: "served, and the log says how many records are missing",
        seen: match gap {
            Some(unwritten) => format!("the log says: {unwritten} records are missing"),
            None => "the log says nothing of what is missing".to_owned(),
        },
        verdict: verdict(gap.is_some()),
        by: by(gap.is_some(), "the log's record `gap`"),
        alerts,
        us: micros(again_after),
        call: None,
        guard: Guard::Log,
    };
    Ok(vec![first, second, third])
}

/// A log that takes no more lines: a pipe that is full stands in its place.
struct Full<'a> {
    log: &'a Path,
    aside: PathBuf,
    _pipe: File,
    ended: bool,
}

impl<'a> Full<'a> {
    fn begin(log: &'a Path) -> io::Result<Self> {
        let aside = log.with_extension("aside");
        std::fs::rename(log, &aside)?;
        mknodat(CWD, log, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let no_wait = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        // With a reader, or nobody could open it to write.
        let mut pipe = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(no_wait)
            .open(log)?;
        let page = [b'\n'; 4096];
        loop {
            match pipe.write(&page) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            log,
            aside,
            _pipe: pipe,
            ended: false,
        })
    }

    /// The file stands in its place again, with what it had.
    fn end(mut self) -> io::Result<()> {
        self.ended = true;
        std::fs::rename(&self.aside, self.log)
    }
}

impl Drop for Full<'_> {
    /// Also where the drill breaks off: whoever keeps the log reads it, and would wait for the pipe.
    fn drop(&mut self) {
        if !self.ended {
            let _ = std::fs::rename(&self.aside, self.log);
        }
    }
}
