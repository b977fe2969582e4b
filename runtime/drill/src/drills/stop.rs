//! `stop`: a tool is stopped while it is called.

use std::time::{Duration, Instant};

use sandgate_daemon::admin::Ask;
use sandgate_daemon::stops::StopReport;
use sandgate_gateway::StopKind;
use serde_json::json;
use tokio::task::JoinSet;

use crate::error::DrillError;
use crate::rehearsal::{Rehearsal, Seen, micros};
use crate::report::{Guard, Step, Verdict};

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
    let Answered {
        calls: answered,
        served,
    } = calls.answered().await;
    let alerts = rehearsal.records.alerts_on("stop")?;
    let whole = report.doubts.is_empty() && answered == CALLS && served == 0;
    let first = Step {
        done: format!("{tool} is stopped; of {CALLS} calls {under_way} were at the server"),
        expected: "in force, each call answered, none by the server",
        seen: format!(
            "in force after {} ms; {answered} of {CALLS} calls were answered, {served} of them by the server",
            in_force.as_millis()
        ),
        verdict: verdict(whole),
        by: by(whole, "the gateway stopped it: stop.tool"),
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
    /// Each with whether it was answered, and by the server.
    tasks: JoinSet<(bool, bool)>,
    /// What the stand-in had heard before.
    pub(super) before: usize,
}

/// Sends calls at once, and waits until no more of them arrive.
pub(super) async fn flood(rehearsal: &Rehearsal) -> Result<Calls, DrillError> {
    let before = rehearsal.stand_in.heard();
    rehearsal.stand_in.replies(SERVED);
    rehearsal.stand_in.hold(true);
    let mut tasks = JoinSet::new();
    for n in 0..CALLS {
        let (client, tool) = (rehearsal.client.clone(), rehearsal.cast.read.clone());
        tasks.spawn(async move {
            let answer = client.call(&tool, &json!({ "id": n.to_string() })).await;
            let text = answer.map(|answer| answer.text).unwrap_or_default();
            (!text.is_empty(), text.contains(SERVED))
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

/// What became of the calls that were under way.
pub(super) struct Answered {
    /// How many were answered.
    pub(super) calls: usize,
    /// How many of these by the server.
    pub(super) served: usize,
}

impl Calls {
    /// How many are answered, within the time that they may take.
    pub(super) async fn answered(&mut self) -> Answered {
        let (mut calls, mut served) = (0, 0);
        let all = async {
            while let Some(one) = self.tasks.join_next().await {
                let (answered, by_server) = one.unwrap_or_default();
                calls += usize::from(answered);
                served += usize::from(by_server);
            }
        };
        // Those that are late are not answered.
        let _ = tokio::time::timeout(PATIENCE, all).await;
        Answered { calls, served }
    }
}
