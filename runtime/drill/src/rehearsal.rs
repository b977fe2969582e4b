//! A second gateway between a client and a stand-in server, and what comes of each call.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sandgate_config::{Loaded, OnFailure};
use sandgate_daemon::admin::{self, Ask, SocketPath};
use sandgate_daemon::{Transport, start};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cast::Cast;
use crate::client::Client;
use crate::copy;
use crate::done::Control;
use crate::error::DrillError;
use crate::keep::Keep;
use crate::plan::Drill;
use crate::records::{Detection, Record, Records};
use crate::seen::{Seen, micros};
use crate::stand_in::{StandIn, listen};
use crate::step::{Guard, Step};
use crate::sweep::Folder;

/// What the reading tool says where nothing is planted.
const HARMLESS: &str = "The shop opens at nine.";
/// How long the second gateway may take to end.
const END: Duration = Duration::from_secs(20);

pub(crate) struct Rehearsal {
    pub(crate) cast: Cast,
    pub(crate) stand_in: Arc<StandIn>,
    pub(crate) client: Client,
    pub(crate) records: Records,
    /// Whether a call is refused whose record cannot be written.
    pub(crate) refuses_unwritten: bool,
    log: PathBuf,
    admin: PathBuf,
    folder: Folder,
    stop: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
    standing_in: JoinHandle<io::Result<()>>,
}

impl Rehearsal {
    /// Starts it all on free ports of loopback.
    pub(crate) async fn set(
        drill: Drill,
        loaded: &Loaded,
        cast: &Cast,
    ) -> Result<Self, DrillError> {
        let folder = Folder::new()?;
        let stand_in = StandIn::new(&cast.read, &cast.send);
        let (stand_in_at, listener) = listen().await?;
        let urls = stand_in.urls(stand_in_at);
        let standing_in = tokio::spawn(stand_in.clone().serve(listener));
        let loaded = copy::copy(drill, loaded, cast, folder.path(), &urls)?;
        let (gateway, listener) = listen().await?;
        let running = start(&folder.path().join("drill.toml"), &loaded, false, None).await?;
        let stop = CancellationToken::new();
        let told = stop.clone();
        let serving = tokio::spawn(Box::pin(running.serve(Transport::Http(listener), told)));
        let key = cast.client.as_ref().map(|_| cast.key.clone());
        Ok(Self {
            client: Client::new(gateway, &cast.server, key),
            records: Records::of(folder.path().join("calls.jsonl")),
            refuses_unwritten: loaded.config.call_log.on_failure == OnFailure::Refuse,
            log: folder.path().join("calls.jsonl"),
            admin: folder.path().join("admin.sock"),
            cast: cast.clone(),
            stand_in,
            folder,
            stop,
            serving,
            standing_in,
        })
    }

    /// Ends it all; the folder goes, and the call log into `keep`. Returns where the log is then.
    pub(crate) async fn strike(self, keep: Option<Keep>) -> Result<Option<PathBuf>, DrillError> {
        self.stand_in.hold(false);
        self.stop.cancel();
        let served = tokio::time::timeout(END, self.serving).await;
        self.standing_in.abort();
        let log = self.folder.path().join("calls.jsonl");
        let kept = keep.map(|keep| keep.keep(&log)).transpose();
        self.folder.remove()?;
        let late = |_| io::Error::other("the second gateway does not end");
        served.map_err(late)?.map_err(io::Error::other)??;
        Ok(kept?)
    }

    /// The call log.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Makes sure that a harmless call of each tool passes: otherwise nothing shows anything.
    pub(crate) async fn control(&self) -> Result<Control, DrillError> {
        self.list().await?;
        self.stand_in.replies(HARMLESS);
        let read = self.read(&json!({ "id": "7" })).await?;
        let passed = read.answer.text.contains(HARMLESS);
        self.passes(passed, &self.cast.read, &read)?;
        let send = self
            .send("team@example.com", "The shop opens at nine.")
            .await?;
        let passed = self.stand_in.heard() > send.heard_before;
        self.passes(passed, &self.cast.send, &send)?;
        Ok(Control {
            us: micros(read.answer.took),
        })
    }

    /// A step that is one call of the tool that reads, or a list. `harmed`: it had its effect. Where it was refused, a
    /// harmless call has to pass again: a refusal of whatever comes shows nothing of the step.
    ///
    /// # Errors
    ///
    /// It had no effect and no decision in force says why, or what refused it refuses a harmless call too.
    pub(crate) async fn step(
        &self,
        done: impl Into<String>,
        guard: Guard,
        seen: &Seen,
        harmed: bool,
        words: [&str; 2],
    ) -> Result<Step, DrillError> {
        let step = Step::of_call(done, guard, seen, harmed, words)?;
        let mut refusals = seen.detections.iter().filter(|one| one.is_refusal());
        if harmed || refusals.next().is_none() {
            return Ok(step);
        }
        // The other tool, where the one that reads is what the step is about.
        let (again, tool) = match guard {
            Guard::Plugin("tool-pins") => {
                let again = self.send("team@example.com", HARMLESS).await?;
                (again, &self.cast.send)
            }
            _ => {
                self.stand_in.replies(HARMLESS);
                (self.read(&json!({ "id": "7" })).await?, &self.cast.read)
            }
        };
        let is_same = |one: &Detection| one.is_refusal() && seen.detections.contains(one);
        let refused = again.detections.iter().any(is_same);
        self.passes(!refused, tool, &again)?;
        Ok(step)
    }

    fn passes(&self, passed: bool, tool: &str, seen: &Seen) -> Result<(), DrillError> {
        if passed {
            return Ok(());
        }
        let by = seen.by();
        let why = match by.is_empty() {
            true => format!("the gateway answers {}", seen.answer.status),
            false => by.join(", "),
        };
        let tool = format!("{}/{tool}", self.cast.server);
        Err(DrillError::Control { tool, why })
    }

    /// Asks for the tools.
    pub(crate) async fn list(&self) -> Result<Seen, DrillError> {
        self.seen("tools/list", json!({})).await
    }

    /// Calls the tool that reads.
    pub(crate) async fn read(&self, arguments: &Value) -> Result<Seen, DrillError> {
        let params = json!({ "name": self.cast.read, "arguments": arguments });
        self.seen("tools/call", params).await
    }

    /// Calls the tool that sends.
    pub(crate) async fn send(&self, to: &str, body: &str) -> Result<Seen, DrillError> {
        let arguments = json!({ "to": to, "body": body });
        let params = json!({ "name": self.cast.send, "arguments": arguments });
        self.seen("tools/call", params).await
    }

    async fn seen(&self, method: &str, params: Value) -> Result<Seen, DrillError> {
        let (records, heard_before) = (self.records.count()?, self.stand_in.heard());
        let answer = self.client.ask(method, params).await?;
        let record = self.records.ended(records, method)?;
        let alerts = match &record {
            Some(record) => self.records.alerts_of(&record.id)?,
            None => Vec::new(),
        };
        let detections = record.as_ref().map(Record::detections);
        Ok(Seen {
            answer,
            heard_before,
            detections: detections.unwrap_or_default(),
            record,
            alerts,
        })
    }

    /// Asks the second gateway, as an operator does.
    pub(crate) async fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        ask: Ask,
    ) -> Result<T, DrillError> {
        let path = self.admin.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let place = SocketPath {
                path,
                configured: true,
            };
            admin::ask(&place, ask).map_err(io::Error::other)
        });
        Ok(asked.await.map_err(io::Error::other)??)
    }
}
