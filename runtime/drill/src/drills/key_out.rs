//! `key-out`: a client's key is in wrong hands, and the client is locked out.

use std::time::{Duration, Instant};

use http::StatusCode;
use sandgate_daemon::admin::Ask;
use sandgate_daemon::stops::StopReport;
use sandgate_gateway::StopKind;
use serde_json::json;

use super::stop::{Answered, by, flood, stop, verdict};
use crate::error::DrillError;
use crate::rehearsal::{Rehearsal, micros};
use crate::report::{Guard, Step};

/// How long it is tried until a stopped client is turned away.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn steps(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let tool = &rehearsal.cast.read;
    rehearsal.stand_in.replies("The shop opens at nine.");
    let stranger = rehearsal.client.with_key("a-key-that-nobody-has");
    let heard = rehearsal.stand_in.heard();
    let answer = stranger.call(tool, &json!({ "id": "7" })).await?;
    let turned_away =
        answer.status == StatusCode::UNAUTHORIZED && rehearsal.stand_in.heard() == heard;
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

    let mut calls = flood(rehearsal).await?;
    let under_way = rehearsal.stand_in.heard() - calls.before;
    let began = Instant::now();
    let _: StopReport = rehearsal
        .ask(stop(StopKind::Client, client.clone()))
        .await?;
    let until = began + PATIENCE;
    let mut status;
    loop {
        status = rehearsal
            .client
            .call(tool, &json!({ "id": "7" }))
            .await?
            .status;
        if status == StatusCode::FORBIDDEN || Instant::now() > until {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    let second = Step {
        done: format!(
            "Client {client} is stopped while {under_way} of its calls are at the server"
        ),
        expected: "403",
        seen: format!("{} after {} ms", status.as_u16(), took.as_millis()),
        verdict: verdict(status == StatusCode::FORBIDDEN),
        by: by(
            status == StatusCode::FORBIDDEN,
            "the gateway refused: stop.client",
        ),
        alerts: rehearsal.records.alerts_on("stop")?,
        us: micros(took),
        call: None,
        guard: Guard::Stops,
    };

    let since = Instant::now();
    let Answered { calls, served } = calls.answered().await;
    let held = calls >= under_way && served == 0;
    let third = Step {
        done: "The calls that were under way".to_owned(),
        expected: "each ends, none by the server",
        seen: format!("{calls} were answered, {served} of them by the server"),
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
