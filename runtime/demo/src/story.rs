//! How a scene is told: a call is made, its traces are gathered from the call log and from what the desk heard, and every
//! claim is checked before it is printed.

use std::io::Write;
use std::time::Duration;

use sandgate_message::Era;
use serde_json::Value;
use support_desk::Seen;

use super::DemoError;
use super::client::{Client, LEGACY, MODERN, Question, Reply};
use super::page::{Page, spaced};
use super::records::{Record, Records, Run};
use super::stage::Stage;

/// How long a saved file may take to be in force, plugins being compiled.
const PATIENCE: Duration = Duration::from_secs(60);

/// The story so far.
pub(super) struct Story<'a, W> {
    pub(super) stage: &'a Stage,
    pub(super) page: &'a mut Page<W>,
    pub(super) legacy: Client,
    pub(super) modern: Client,
    /// A legacy client of the desk itself, for what the server says when nothing stands in front of it.
    direct: Client,
    records: Records,
    scene: usize,
    calls: usize,
    run_times: Vec<u64>,
}

/// A call that was made, and its traces.
pub(super) struct ShownCall {
    pub(super) reply: Reply,
    pub(super) record: Record,
    /// The call as it reached the desk.
    pub(super) seen: Option<Seen>,
}

impl<'a, W: Write> Story<'a, W> {
    pub(super) async fn begin(stage: &'a Stage, page: &'a mut Page<W>) -> Result<Self, DemoError> {
        Ok(Self {
            legacy: Client::legacy(stage.endpoint()?).await?,
            modern: Client::modern(stage.endpoint()?),
            direct: Client::legacy(stage.desk_endpoint()?).await?,
            records: Records::of(stage.call_log()),
            stage,
            page,
            scene: 0,
            calls: 0,
            run_times: Vec::new(),
        })
    }

    pub(super) fn scene(&mut self, title: &str, era: Option<Era>) -> Result<(), DemoError> {
        self.scene += 1;
        let aside = match era {
            Some(Era::Legacy) => format!("MCP {LEGACY}, in a session"),
            Some(Era::Modern) => format!("MCP {MODERN}, no session"),
            None => String::new(),
        };
        Ok(self.page.scene(self.scene, title, &aside)?)
    }

    /// Prints the claim; one that does not hold ends the story.
    pub(super) fn claim(&mut self, holds: bool, claim: &str) -> Result<(), DemoError> {
        if holds {
            return Ok(self.page.holds(claim)?);
        }
        self.page.fails(claim)?;
        Err(DemoError::Scene {
            scene: self.scene,
            claim: claim.to_owned(),
        })
    }

    /// Makes the call and shows all of its way.
    pub(super) async fn call(
        &mut self,
        era: Era,
        method: &str,
        params: Value,
    ) -> Result<ShownCall, DemoError> {
        let client = match era {
            Era::Legacy => &mut self.legacy,
            Era::Modern => &mut self.modern,
        };
        let question = client.question(method, params);
        self.stage.desk.take_seen();
        let reply = client.ask(&question).await?;
        let record = self.records.ended(method)?;
        let heard = self.stage.desk.take_seen();
        self.calls += 1;
        self.run_times
            .extend(record.trail.entries.iter().map(|run| run.us));
        let told = ShownCall {
            seen: heard.iter().find(|seen| seen.method == method).cloned(),
            reply,
            record,
        };
        self.show(&question, &told, &heard)?;
        Ok(told)
    }

    fn show(
        &mut self,
        question: &Question,
        told: &ShownCall,
        heard: &[Seen],
    ) -> Result<(), DemoError> {
        self.page.row("client sent", &in_short(question))?;
        self.runs("way in", &told.record.trail.entries, Run::is_way_in)?;
        let saw = match &told.seen {
            None => "nothing: it was not called".to_owned(),
            Some(seen) if seen.body == question.body => {
                format!(
                    "the same message, byte for byte ({} bytes)",
                    seen.body.len()
                )
            }
            Some(seen) => seen.body.clone(),
        };
        self.page.row("server saw", &saw)?;
        for other in heard.iter().filter(|seen| seen.method != question.method) {
            let asked = format!("before that, asked by the gateway itself: {}", other.method);
            self.page.row("", &asked)?;
        }
        self.runs("way out", &told.record.trail.entries, |run| {
            !run.is_way_in()
        })?;
        let mut label = "came back";
        for line in outcome(&told.reply.message) {
            self.page.row(label, &line)?;
            label = "";
        }
        let took = format!("{} µs in all, the server's work included", told.record.us);
        Ok(self.page.row("took", &took)?)
    }

    fn runs(
        &mut self,
        label: &str,
        runs: &[Run],
        which: impl Fn(&Run) -> bool,
    ) -> Result<(), DemoError> {
        let mut label = label;
        for run in runs.iter().filter(|run| which(run)) {
            self.page.run(label, run)?;
            label = "";
        }
        Ok(())
    }

    /// What the server answers when nothing stands in front of it.
    pub(super) async fn directly(
        &mut self,
        method: &str,
        params: Value,
    ) -> Result<Reply, DemoError> {
        let question = self.direct.question(method, params);
        Ok(self.direct.ask(&question).await?)
    }

    /// Looks at `/readyz` until it is as wanted.
    pub(super) async fn ready(
        &mut self,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, DemoError> {
        let look = async {
            loop {
                let readiness = self.modern.look("/readyz").await?;
                if wanted(&readiness) {
                    return Ok(readiness);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(ready) => ready,
            Err(_) => Err(DemoError::Scene {
                scene: self.scene,
                claim: format!("/readyz takes notice of the saved file within {PATIENCE:?}"),
            }),
        }
    }

    /// The totals, and where to go next.
    pub(super) fn end(&mut self) -> Result<(), DemoError> {
        self.run_times.sort_unstable();
        let runs = self.run_times.len();
        let median = self.run_times.get(runs / 2).copied().unwrap_or_default();
        self.page.paragraph(&format!(
            "All {} scenes came out as told: {} calls, {runs} sandboxed policy runs of {median} µs in the median.",
            self.scene, self.calls
        ))?;
        Ok(self.page.paragraph(
            "Next: `sandgate demo --serve` keeps this up for your own client; `sandgate run` puts your own policies in \
             front of your own servers. README.md says how.",
        )?)
    }
}

impl ShownCall {
    /// The run of that interceptor on that way.
    pub(super) fn run(&self, interceptor: &str, way_in: bool) -> Option<&Run> {
        let mut runs = self.record.trail.entries.iter();
        runs.find(|run| run.interceptor == interceptor && run.is_way_in() == way_in)
    }

    /// Whether that interceptor refused the call before the server heard of it.
    pub(super) fn was_refused_by(&self, interceptor: &str) -> bool {
        self.record.decision == "refused"
            && self
                .run(interceptor, true)
                .is_some_and(|run| run.decision == "refuse" && run.applied)
    }

    /// What a tool's result says.
    pub(super) fn text(&self) -> &str {
        text(&self.reply.message)
    }

    pub(super) fn structured(&self) -> &Value {
        &self.reply.message["result"]["structuredContent"]
    }

    /// The client reads that the call failed, as a tool's result.
    pub(super) fn is_tool_error(&self) -> bool {
        self.reply.message["result"]["isError"] == true
    }
}

fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
}

/// `tools/call read_file {"path": "hours.md"}`.
fn in_short(question: &Question) -> String {
    let Question { method, params, .. } = question;
    match params["name"].as_str() {
        Some(name) => format!("{method} {name} {}", spaced(&params["arguments"])),
        None => method.clone(),
    }
}

/// What a client makes of a reply, a line each.
fn outcome(message: &Value) -> Vec<String> {
    if let Some(error) = message.get("error") {
        return vec![format!("error {}", spaced(error))];
    }
    let result = &message["result"];
    if let Some(tools) = result["tools"].as_array() {
        let names: Vec<_> = tools
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        return vec![names.join(", ")];
    }
    let kind = match result["isError"] == true {
        true => "a tool's error",
        false => "text",
    };
    let text = text(message).split('\n').filter(|line| !line.is_empty());
    let mut lines = vec![format!("{kind}: {}", text.collect::<Vec<_>>().join(", "))];
    if let Some(structured) = result.get("structuredContent") {
        lines.push(format!("structuredContent: {}", spaced(structured)));
    }
    lines
}
