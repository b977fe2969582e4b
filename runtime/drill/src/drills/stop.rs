//! `stop`: a tool is stopped while it is called.

use std::time::{Duration, Instant};

use sandgate_daemon::admin::Ask;
use sandgate_daemon::stops::StopReport;
use sandgate_gateway::StopKind;
use serde_json::json;
use tokio::task::JoinSet;

use crate::error::DrillError;
use crate::rehearsal::{Rehearsal, micros};
use crate::report::{Guard, Step, Verdict};

/// The calls that are sent at once.
const CALLS: usize = 50;
/// The calls that are tried after the stop.
const AFTER: usize = 5;
/// The stop ends by itself after so long, whatever becomes of the drill.
const LEASE_MS: u64 = 60_000;
/// How long calls may take to arrive: until none came for so long.
const QUIET: Duration = Duration::from_millis(300);
/// Answers of calls that were under way are waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn steps(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let tool = format!("{}/{}", rehearsal.cast.server, rehearsal.cast.read);
    let mut calls = flood(rehearsal).await?;
    let under_way = rehearsal.stand_in.heard() - calls.before;
    if under_way == 0 {
        rehearsal.stand_in.hold(false);
        return Err(DrillError::Unexplained("no call was under way".to_owned()));
    }

    let began = Instant::now();
    let report: StopReport = rehearsal.ask(stop(StopKind::Tool, tool.clone())).await?;
    let in_force = began.elapsed();
    let heard = rehearsal.stand_in.heard();
    let answered = calls.answered().await;
    let alerts = rehearsal.records.alerts_on("stop")?;
    let whole = report.doubts.is_empty() && answered == CALLS;
    let first = Step {
        done: format!("{tool} is stopped; of {CALLS} calls {under_way} were at the server"),
        expected: "in force, each call answered",
        seen: format!(
            "in force after {} ms; {answered} of {CALLS} calls were answered",
            in_force.as_millis()
        ),
        verdict: verdict(whole),
        by: vec!["the gateway stopped it: stop.tool".to_owned()],
        alerts: alerts.clone(),
        us: micros(in_force),
        call: None,
        guard: Guard::Stops,
    };

    let mut last = None;
    for n in 0..AFTER {
        last = Some(
            rehearsal
                .read(&json!({ "id": format!("after-{n}") }))
                .await?,
        );
    }
    let began_after = rehearsal.stand_in.heard() - heard;
    rehearsal.stand_in.hold(false);
    let second = Step {
        done: format!("{AFTER} more calls of {tool}"),
        expected: "none begins",
        seen: format!("{began_after} reached the server, also of those that waited"),
        verdict: verdict(began_after == 0),
        by: match began_after {
            0 => vec!["the gateway refused: stop.tool".to_owned()],
            _ => Vec::new(),
        },
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

/// Calls under way at the stand-in, which holds them.
pub(super) struct Calls {
    tasks: JoinSet<bool>,
    /// What the stand-in had heard before.
    pub(super) before: usize,
}

/// Sends calls at once, and waits until no more of them arrive.
pub(super) async fn flood(rehearsal: &Rehearsal) -> Result<Calls, DrillError> {
    let before = rehearsal.stand_in.heard();
    rehearsal.stand_in.hold(true);
    let mut tasks = JoinSet::new();
    for n in 0..CALLS {
        let (client, tool) = (rehearsal.client.clone(), rehearsal.cast.read.clone());
        tasks.spawn(async move {
            let answer = client.call(&tool, &json!({ "id": n.to_string() })).await;
            answer.is_ok_and(|answer| !answer.text.is_empty())
        });
    }
    let until = Instant::now() + PATIENCE;
    let (mut arrived, mut last) = (0, Instant::now());
    while last.elapsed() < QUIET || (arrived == 0 && Instant::now() < until) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = rehearsal.stand_in.heard() - before;
        if now != arrived {
            (arrived, last) = (now, Instant::now());
        }
    }
    Ok(Calls { tasks, before })
}

impl Calls {
    /// How many are answered, within the time that they may take.
    pub(super) async fn answered(&mut self) -> usize {
        let mut answered = 0;
        let all = async {
            while let Some(one) = self.tasks.join_next().await {
                answered += usize::from(one.unwrap_or(false));
            }
        };
        // Those that are late are not answered.
        let _ = tokio::time::timeout(PATIENCE, all).await;
        answered
    }
}
