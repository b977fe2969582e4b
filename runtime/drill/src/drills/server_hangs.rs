//! `server-hangs`: a server takes calls and does not answer them.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::stop::{by, verdict};
use crate::copy::SILENCE;
use crate::error::DrillError;
use crate::rehearsal::Rehearsal;
use crate::seen::micros;
use crate::step::{Guard, Step};

/// By when an answer has to be there: the silence, and what a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// The calls that hang.
const CALLS: usize = 8;
/// What the server says once it answers again.
const SERVED: &str = "The shop opens at eight.";
/// The tool that does not hang is called with this.
const HARMLESS: &str = "The shop opens at nine.";

pub(crate) async fn steps(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let tool = format!("{}/{}", rehearsal.cast.server, rehearsal.cast.read);
    rehearsal.stand_in.replies(SERVED);
    rehearsal.stand_in.hold(true);
    let before = rehearsal.stand_in.heard();
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for n in 0..CALLS {
        let (client, tool) = (rehearsal.client.clone(), rehearsal.cast.read.clone());
        calls.spawn(async move {
            let answer = client
                .call(&tool, &json!({ "id": format!("hangs-{n}") }))
                .await;
            answer.map(|answer| (answer.text, answer.took))
        });
    }
    while rehearsal.stand_in.heard() - before < CALLS {
        if began.elapsed() > PATIENCE {
            rehearsal.stand_in.hold(false);
            return Err(DrillError::Unexplained(format!(
                "{CALLS} calls of {tool}: {} reached the server",
                rehearsal.stand_in.heard() - before
            )));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    // Of the same server: whoever calls another tool need not wait for those that hang.
    let beside = rehearsal.send("team@example.com", HARMLESS).await?;
    let passed = rehearsal.stand_in.heard_text(beside.heard_before, HARMLESS);
    let is_quick = beside.answer.took < SILENCE;
    let second = Step {
        done: format!("Another tool is called while {CALLS} calls of {tool} hang"),
        expected: "served before those that hang end",
        seen: match passed {
            true => format!("served after {} ms", beside.answer.took.as_millis()),
            false => "the server did not get it".to_owned(),
        },
        verdict: verdict(passed && is_quick),
        by: by(passed && is_quick, "the gateway held it up by none of them"),
        alerts: beside.alerts.clone(),
        us: micros(beside.answer.took),
        call: beside.record.map(|record| record.id),
        guard: Guard::Hangs,
    };

    let (mut ended, mut longest) = (0, Duration::ZERO);
    while let Some(call) = calls.join_next().await {
        let call = call.map_err(std::io::Error::other)?;
        let Ok((text, took)) = call else { continue };
        longest = longest.max(took);
        // An error of JSON-RPC for this request, and not what the server would have said.
        let error: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let told = error["error"]["code"].is_i64() && !text.contains(SERVED);
        ended += usize::from(told && took < PATIENCE);
    }
    let first = Step {
        done: format!("{CALLS} calls of {tool} reach the server, which does not answer"),
        expected: "each client has an error once the server was silent for `request-timeout`, which is 2 s in this drill",
        seen: format!(
            "{ended} of {CALLS} had one, the last after {} ms",
            longest.as_millis()
        ),
        verdict: verdict(ended == CALLS),
        by: by(ended == CALLS, "the gateway ended them: request-timeout"),
        alerts: rehearsal.records.alerts_on("latency")?,
        us: micros(longest),
        call: None,
        guard: Guard::Hangs,
    };

    rehearsal.stand_in.hold(false);
    let again = rehearsal.read(&json!({ "id": "7" })).await?;
    let served = again.answer.text.contains(SERVED);
    let third = Step {
        done: format!("The server answers again, and {tool} is called"),
        expected: "served at once",
        seen: match served {
            true => format!("served after {} ms", again.answer.took.as_millis()),
            false => format!("the gateway answers {}", again.answer.status),
        },
        verdict: verdict(served),
        by: by(served, "the gateway asked the server again"),
        alerts: again.alerts.clone(),
        us: micros(again.answer.took),
        call: again.record.map(|record| record.id),
        guard: Guard::Hangs,
    };
    Ok(vec![first, second, third])
}
