//! `key-out`: a client's key is in wrong hands, and the client is locked out.

use std::time::{Duration, Instant};

use http::StatusCode;
use sandgate_daemon::admin::Ask;
use sandgate_daemon::stops::StopReport;
use sandgate_gateway::StopKind;
use serde_json::json;

use super::stop::{by, flood, stop, verdict};
use crate::error::DrillError;
use crate::rehearsal::Rehearsal;
use crate::seen::micros;
use crate::step::{Guard, Step};

/// The code of a stopped client.
const CODE: &str = "stop.client";
/// How long it is tried until a stopped client is turned away.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn steps(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let tool = &rehearsal.cast.read;
    rehearsal.stand_in.replies("The shop opens at nine.");
    let stranger = rehearsal.client.with_key("a-key-that-nobody-has");
    let heard = rehearsal.stand_in.heard();
    let answer = stranger.call(tool, &json!({ "id": "7" })).await?;
    let reached = rehearsal.stand_in.heard() > heard;
    let turned_away = answer.status == StatusCode::UNAUTHORIZED && !reached;
    if !turned_away && !reached {
        return Err(DrillError::Unexplained(format!(
            "a call with a key that nobody has is answered {}",
            answer.status.as_u16()
        )));
    }
    let first = Step {
        done: "A call comes with a key that nobody has".to_owned(),
        expected: "401",
        seen: format!("{}", answer.status.as_u16()),
        verdict: verdict(turned_away),
        by: by(turned_away, "the gateway refused: 401"),
        alerts: Vec::new(),
        us: micros(answer.took),
        call: None,
        guard: Guard::Keys,
    };
    let Some(client) = rehearsal.cast.client.clone() else {
        return Ok(vec![first]);
    };

    let calls = flood(rehearsal).await?;
    let under_way = calls.under_way;
    let began = Instant::now();
    let _: StopReport = rehearsal
        .ask(stop(StopKind::Client, client.clone()))
        .await?;
    let until = began + PATIENCE;
    let answer = loop {
        let answer = rehearsal
            .client
            .call(tool, &json!({ "id": "late" }))
            .await?;
        if answer.status == StatusCode::FORBIDDEN || Instant::now() > until {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let took = began.elapsed();
    let locked_out = answer.status == StatusCode::FORBIDDEN;
    let rule = rehearsal.records.rule_of(&answer.text)?;
    if locked_out && rule.as_deref() != Some(CODE) {
        return Err(DrillError::Unexplained(format!(
            "client {client} is answered 403, and not by {CODE}"
        )));
    }
    let second = Step {
        done: format!(
            "Client {client} is stopped while {under_way} of its calls are at the server"
        ),
        expected: "403",
        seen: format!("{} after {} ms", answer.status.as_u16(), took.as_millis()),
        verdict: verdict(locked_out),
        by: by(locked_out, "the gateway refused: stop.client"),
        alerts: rehearsal.records.alerts_on("stop")?,
        us: micros(took),
        call: None,
        guard: Guard::Stops,
    };

    let since = Instant::now();
    let ended = calls.ended(rehearsal, CODE).await?;
    let held = ended.are_stopped();
    let third = Step {
        done: "The calls that were under way".to_owned(),
        expected: "each ended by the stop",
        seen: ended.to_string(),
        verdict: verdict(held),
        by: by(held, "the gateway ended them: stop.client"),
        alerts: Vec::new(),
        us: micros(since.elapsed()),
        call: None,
        guard: Guard::Stops,
    };
    rehearsal.stand_in.hold(false);
    let ask = Ask::Resume {
        kind: StopKind::Client,
        name: client,
        why: None,
    };
    let _: StopReport = rehearsal.ask(ask).await?;
    Ok(vec![first, second, third])
}
