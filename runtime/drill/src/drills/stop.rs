//! `stop`: a tool is stopped while it is called.

use std::time::{Duration, Instant};

use sandgate_daemon::admin::Ask;
use sandgate_daemon::stops::StopReport;
use sandgate_gateway::StopKind;
use serde_json::json;
use tokio::task::JoinSet;

use crate::error::DrillError;
use crate::rehearsal::Rehearsal;
use crate::seen::{Seen, micros};
use crate::step::{Guard, Step, Verdict};

/// The calls that are sent at once.
const CALLS: usize = 50;
/// The calls that are tried after the stop.
const AFTER: usize = 5;
/// The stop ends by itself after so long, whatever becomes of the drill.
const LEASE_MS: u64 = 60_000;
/// What the server says to a call that nobody stops.
const SERVED: &str = "The shop closes at six.";
/// How long calls may take to arrive: until none came for so long.
const QUIET: Duration = Duration::from_millis(300);
/// Answers of calls that were under way are waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The code of a stopped tool.
const CODE: &str = "stop.tool";

pub(crate) async fn steps(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let tool = format!("{}/{}", rehearsal.cast.server, rehearsal.cast.read);
    let calls = flood(rehearsal).await?;

    let began = Instant::now();
    let report: StopReport = rehearsal.ask(stop(StopKind::Tool, tool.clone())).await?;
    let in_force = began.elapsed();
    let heard = rehearsal.stand_in.heard();
    let ended = calls.ended(rehearsal, CODE).await?;
    let alerts = rehearsal.records.alerts_on("stop")?;
    let whole = report.doubts.is_empty() && ended.are_stopped();
    let first = Step {
        done: format!(
            "{tool} is stopped; of {CALLS} calls {} were at the server",
            ended.heard
        ),
        expected: "in force, and each call at the server ended by the stop",
        seen: format!("in force after {} ms; {ended}", in_force.as_millis()),
        verdict: verdict(whole),
        by: by(whole, "the gateway stopped it: stop.tool"),
        alerts: alerts.clone(),
        us: micros(in_force),
        call: None,
        guard: Guard::Stops,
    };

    let (mut last, mut refused) = (None, 0);
    for n in 0..AFTER {
        let seen = rehearsal
            .read(&json!({ "id": format!("after-{n}") }))
            .await?;
        let rule = rehearsal.records.rule_of(&seen.answer.text)?;
        refused += usize::from(rule.as_deref() == Some(CODE));
        last = Some(seen);
    }
    let began_after = rehearsal.stand_in.heard() - heard;
    rehearsal.stand_in.hold(false);
    if began_after == 0 && refused < AFTER {
        return Err(DrillError::Unexplained(format!(
            "{AFTER} more calls of {tool}: none reached the server, and {refused} were refused by {CODE}"
        )));
    }
    let second = Step {
        done: format!("{AFTER} more calls of {tool}"),
        expected: "none begins",
        seen: format!("{began_after} reached the server, also of those that waited"),
        verdict: verdict(began_after == 0),
        by: last.iter().flat_map(Seen::by).collect(),
        alerts,
        us: last.as_ref().map_or(0, |seen| micros(seen.answer.took)),
        call: last.and_then(|seen| seen.record).map(|record| record.id),
        guard: Guard::Stops,
    };
    let ask = Ask::Resume {
        kind: StopKind::Tool,
        name: tool,
        why: None,
    };
    let _: StopReport = rehearsal.ask(ask).await?;
    Ok(vec![first, second])
}

/// A stop that ends by itself.
pub(super) fn stop(kind: StopKind, name: String) -> Ask {
    Ask::Stop {
        kind,
        name,
        for_ms: Some(LEASE_MS),
        why: "a drill".to_owned(),
        unknown: false,
    }
}

pub(super) fn verdict(held: bool) -> Verdict {
    match held {
        true => Verdict::Stopped,
        false => Verdict::PassedUnseen,
    }
}

/// Who saw to it, where it held.
pub(super) fn by(held: bool, who: &str) -> Vec<String> {
    match held {
        true => vec![who.to_owned()],
        false => Vec::new(),
    }
}

/// Calls under way at the stand-in, which holds them.
pub(super) struct Calls {
    /// Each with its number and its answer's body.
    tasks: JoinSet<(usize, String)>,
    /// What the stand-in had heard before.
    before: usize,
    /// How many were at the stand-in when no more arrived.
    pub(super) under_way: usize,
}

/// Sends calls at once, and waits until no more of them arrive.
///
/// # Errors
///
/// None arrives: a stop would show nothing.
pub(super) async fn flood(rehearsal: &Rehearsal) -> Result<Calls, DrillError> {
    let before = rehearsal.stand_in.heard();
    rehearsal.stand_in.replies(SERVED);
    rehearsal.stand_in.hold(true);
    let mut tasks = JoinSet::new();
    for n in 0..CALLS {
        let (client, tool) = (rehearsal.client.clone(), rehearsal.cast.read.clone());
        tasks.spawn(async move {
            let answer = client.call(&tool, &json!({ "id": n.to_string() })).await;
            (n, answer.map(|answer| answer.text).unwrap_or_default())
        });
    }
    let until = Instant::now() + PATIENCE;
    let (mut under_way, mut last) = (0, Instant::now());
    while last.elapsed() < QUIET || (under_way == 0 && Instant::now() < until) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = rehearsal.stand_in.heard() - before;
        if now != under_way {
            (under_way, last) = (now, Instant::now());
        }
    }
    if under_way == 0 {
        rehearsal.stand_in.hold(false);
        return Err(DrillError::Unexplained("no call was under way".to_owned()));
    }
    Ok(Calls {
        tasks,
        before,
        under_way,
    })
}

/// What became of the calls that the stand-in heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) heard: usize,
    /// How many the stop ended, by the call log.
    stopped: usize,
    /// How many the server answered.
    served: usize,
    /// How many something else answered.
    otherwise: usize,
}

impl Ends {
    /// Whether each was ended by the stop.
    pub(super) fn are_stopped(self) -> bool {
        self.heard > 0 && self.stopped == self.heard
    }

    /// # Errors
    ///
    /// Something else than the stop or the server answered some of them.
    fn explained(self) -> Result<Self, DrillError> {
        match self.otherwise {
            0 => Ok(self),
            n => Err(DrillError::Unexplained(format!(
                "{n} of {} calls at the server were answered by something else than the stop",
                self.heard
            ))),
        }
    }
}

impl std::fmt::Display for Ends {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            to,
            "{} of {} calls at the server were ended by the stop, {} were answered by the server",
            self.stopped, self.heard, self.served
        )
    }
}

impl Calls {
    /// What becomes of those that the stand-in heard, within the time that they may take; `code` is the stop's. Those that
    /// are late have no answer.
    ///
    /// # Errors
    ///
    /// Something else than the stop or the server answered some of them, or the call log cannot be read.
    pub(super) async fn ended(
        mut self,
        rehearsal: &Rehearsal,
        code: &str,
    ) -> Result<Ends, DrillError> {
        let mut answers = vec![String::new(); CALLS];
        let all = async {
            while let Some(one) = self.tasks.join_next().await {
                if let Ok((n, text)) = one {
                    answers[n] = text;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, all).await;
        let mut ends = Ends {
            heard: 0,
            stopped: 0,
            served: 0,
            otherwise: 0,
        };
        for (n, answer) in answers.iter().enumerate() {
            let id = format!("\"{n}\"");
            if !rehearsal.stand_in.heard_text(self.before, &id) {
                continue;
            }
            ends.heard += 1;
            if answer.contains(SERVED) {
                ends.served += 1;
            } else if rehearsal.records.rule_of(answer)?.as_deref() == Some(code) {
                ends.stopped += 1;
            } else if !answer.is_empty() {
                ends.otherwise += 1;
            }
        }
        ends.explained()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_stopped_where_the_stop_ended_each_and_there_were_any() {
        let ends = |heard, stopped, served, otherwise| Ends {
            heard,
            stopped,
            served,
            otherwise,
        };
        assert!(ends(50, 50, 0, 0).are_stopped());
        assert!(!ends(0, 0, 0, 0).are_stopped());
        assert!(!ends(50, 49, 1, 0).are_stopped());
        // One has no answer.
        assert!(!ends(50, 49, 0, 0).are_stopped());
        assert!(ends(50, 49, 0, 0).explained().is_ok());
        assert!(ends(50, 30, 0, 20).explained().is_err());
    }
}
