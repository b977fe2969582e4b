//! Answers the questions of operators.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use sandgate_alerts::Alerts;
use sandgate_gateway::Gateway;
use sandgate_message::CallId;
use sandgate_recording::Recording;
use sandgate_telemetry::call_log::CallLogWriter;
use sandgate_telemetry::conditions::GatewayConditions;
use sandgate_text::time;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{mpsc, oneshot};

use super::protocol::{Ask, MOST_CALLS};
use super::server_status::{issuers, server};
use crate::actor::Actor;
use crate::call_span::CallSpan;
use crate::candidate::{CandidateResult, CandidateStatus};
use crate::drills::{DrillLease, Drills};
use crate::invitation::Invite;
use crate::reload::History;
use crate::reload_report::ReloadReport;
use crate::status::{EditionStatus, FailedReload, InterceptorStatus, LogStatus, Status};
use crate::stops::{StopKeeper, StopRequest, StopStatus};

/// The sources of the answers to operators.
pub(crate) struct Handler {
    gateway: Arc<Gateway>,
    call_log: Arc<CallLogWriter>,
    context: RunContext,
    started: (SystemTime, Instant),
    alerts: Arc<Alerts>,
    recording: Option<Arc<Recording>>,
    conditions: Option<Arc<GatewayConditions>>,
    /// Makes links into the console, if there is one.
    console: Option<Arc<Invite>>,
    drills: Arc<Drills>,
}

/// What the runner of the gateway knows of it.
pub(crate) struct RunContext {
    /// The configuration's file.
    pub config_file: PathBuf,
    /// The addresses on which clients connect.
    pub listeners: Vec<String>,
    /// The outcome of reloads.
    pub history: Arc<Mutex<History>>,
    /// Sends a request for a reload.
    pub reload: mpsc::Sender<ReloadRequest>,
    /// Who keeps the stops.
    pub stops: Arc<StopKeeper>,
}

/// An operator's request for a reload.
pub(crate) struct ReloadRequest {
    /// Who asks.
    pub by: Actor,
    /// Where the report goes.
    pub answer: oneshot::Sender<ReloadReport>,
}

impl Handler {
    /// The handler of a gateway that starts to serve now.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        call_log: Arc<CallLogWriter>,
        context: RunContext,
    ) -> Self {
        Self {
            gateway,
            call_log,
            context,
            started: (SystemTime::now(), Instant::now()),
            alerts: Arc::default(),
            recording: None,
            conditions: None,
            console: None,
            drills: Arc::default(),
        }
    }

    /// Adds the alerts.
    #[must_use]
    pub(crate) fn alerting(self, alerts: Arc<Alerts>) -> Self {
        Self { alerts, ..self }
    }

    /// Adds the recording, if calls are recorded.
    #[must_use]
    pub(crate) fn recording(self, recording: Option<Arc<Recording>>) -> Self {
        Self { recording, ..self }
    }

    /// Adds the gateway's conditions.
    #[must_use]
    pub(crate) fn conditions(self, conditions: Option<Arc<GatewayConditions>>) -> Self {
        Self { conditions, ..self }
    }

    /// Adds the console, if there is one.
    #[must_use]
    pub(crate) fn console(self, console: Option<Arc<Invite>>) -> Self {
        Self { console, ..self }
    }

    pub(crate) fn call_log(&self) -> &Arc<CallLogWriter> {
        &self.call_log
    }

    pub(super) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.context.config_file.clone()
    }

    pub(crate) fn stops(&self) -> Vec<StopStatus> {
        self.context.stops.all()
    }

    /// The names of the configured clients, and whether others may come.
    pub(crate) fn clients(&self) -> (Vec<String>, bool) {
        let edition = self.gateway.current();
        let clients = edition.clients();
        let names = clients.names().map(ToOwned::to_owned).collect();
        let others = clients.is_open() || edition.authorization().is_some();
        (names, others)
    }

    /// Reloads the configuration.
    pub(super) async fn reload(&self, actor: &Actor) -> Result<ReloadReport, String> {
        let (answer, answered) = oneshot::channel();
        let ending = || "the gateway is about to end".to_owned();
        let request = ReloadRequest {
            by: actor.clone(),
            answer,
        };
        let sent = self.context.reload.send(request).await;
        sent.map_err(|_| ending())?;
        answered.await.map_err(|_| ending())
    }

    /// Answers a question.
    pub(crate) async fn answer(&self, ask: Ask, actor: &Actor) -> Result<Box<RawValue>, String> {
        match ask {
            Ask::Status => raw(&self.status()),
            Ask::Reload => raw(&self.reload(actor).await?),
            Ask::Rotate { kind, name, hash } => raw(&self.rotate(kind, &name, hash.as_deref(), actor).await?),
            Ask::Stop {
                kind,
                name,
                for_ms,
                why,
                unknown,
            } => {
                let asked = StopRequest {
                    kind,
                    name,
                    period: for_ms.map(Duration::from_millis),
                    why,
                    unknown,
                    by: actor.clone(),
                };
                raw(&self.context.stops.stop(asked).await?)
            }
            Ask::Resume { kind, name, why } => {
                let resumed = self.context.stops.resume(kind, &name, why.as_deref(), actor);
                raw(&resumed.await?)
            }
            Ask::Console { read_only } => match &self.console {
                Some(console) => raw(&console(read_only, actor.uid)?),
                None => Err(
                    "this gateway has no console: add `[console]` with `listen = \"127.0.0.1:9809\"` to its \
                     configuration and start it again"
                        .to_owned(),
                ),
            },
            Ask::Stops => raw(&self.context.stops.all()),
            Ask::Alerts => raw(&self.alerts.status()),
            Ask::AlertTest { name } => {
                let report = self.alerts.test(&name).await?;
                let detail = serde_json::json!({ "alert": report.name, "ok": report.delivery.ok });
                self.call_log.operator("alert-test", actor.sign(detail));
                raw(&report)
            }
            Ask::DrillBegin { name, for_ms } => {
                let period = Duration::from_millis(for_ms);
                raw(&self.drills.begin(&self.call_log, &name, period, actor)?)
            }
            Ask::DrillEnd { id, outcome } => {
                self.drills.end(&self.call_log, id, &outcome, actor)?;
                raw(&DrillLease { id })
            }
            Ask::MatchedValues { call } => {
                let words = self.call_log.matched_values().of(&call);
                if let Some(words) = &words {
                    let count = words.len();
                    tracing::warn!(call, count, "matched words were read by `sandgate why`");
                    let detail = serde_json::json!({ "call": call, "words": count });
                    self.call_log
                        .operator("read-matched-words", actor.sign(detail));
                }
                raw(&words.unwrap_or_default())
            }
            Ask::Why { call } => {
                let recent = self.call_log.recent();
                let lines = recent.map(|recent| recent.lines(call.as_deref()));
                let lines = lines.transpose().map_err(|error| error.to_string())?;
                // The lines are JSON already, one object each.
                let mut records: Vec<Box<RawValue>> = lines
                    .into_iter()
                    .flatten()
                    .filter_map(|line| RawValue::from_string(line.trim_end().to_owned()).ok())
                    .collect();
                let tried = records.first().map(|record| self.tried(record));
                let meanwhile = self.meanwhile(&records);
                for one in tried.into_iter().flatten() {
                    records.push(raw(&one)?);
                }
                records.extend(meanwhile);
                raw(&records)
            }
            Ask::Calls { most } => {
                let recent = self.call_log.recent();
                let lines = recent.map(|recent| recent.last_ended(most.min(MOST_CALLS)));
                let records = lines
                    .into_iter()
                    .flatten()
                    .filter_map(|line| RawValue::from_string(line.trim_end().to_owned()).ok());
                raw(&records.collect::<Vec<_>>())
            }
            Ask::Egress { server } => {
                let always = (SystemTime::UNIX_EPOCH, SystemTime::now());
                raw(&self.connections(&server, always))
            }
        }
    }

    /// The connections of the call's server that were open during the call.
    fn meanwhile(&self, records: &[Box<RawValue>]) -> Vec<Box<RawValue>> {
        let spans = records
            .iter()
            .filter_map(|record| CallSpan::of(record.get()))
            .collect::<Vec<_>>();
        match CallSpan::whole(&spans) {
            Some((server, period)) => self.connections(server, period),
            None => Vec::new(),
        }
    }

    fn connections(
        &self,
        server: &str,
        (from, to): (SystemTime, SystemTime),
    ) -> Vec<Box<RawValue>> {
        let recent = self.call_log.recent();
        let lines = recent.map(|recent| recent.connections().lines(server, from, to));
        let lines = lines.unwrap_or_default().into_iter();
        lines
            .filter_map(|line| RawValue::from_string(line.into()).ok())
            .collect()
    }

    /// What candidates made of the call of this record.
    fn tried(&self, record: &RawValue) -> Vec<CandidateResult> {
        #[derive(serde::Deserialize)]
        struct Named {
            id: String,
        }
        let named: Result<Named, _> = serde_json::from_str(record.get());
        named.map_or_else(
            |_| Vec::new(),
            |Named { id }| {
                let edition = self.gateway.current();
                CandidateResult::of_call(edition.chain().steps(), &CallId(id.into()))
            },
        )
    }

    pub(crate) fn status(&self) -> Status {
        let edition = self.gateway.current();
        let history = self.context.history.lock().clone();
        let recent = self.call_log.recent();
        let interceptors = edition.chain().steps().iter().map(|step| {
            let plugin = step.interceptor().plugin();
            let origin = step.place().origin.as_ref();
            InterceptorStatus {
                name: step.name().to_string(),
                plugin: plugin.name.clone(),
                plugin_version: plugin.version.clone(),
                digest: step.digest().to_string(),
                reference: origin.map(|origin| origin.reference.clone()),
                signed_by: origin.and_then(|origin| origin.signer.clone()),
                memory: step.interceptor().memory(),
                mode: step.place().mode,
                fail_open: step.place().fail_open,
                tally: recent
                    .map(|recent| recent.tally(step.name()))
                    .unwrap_or_default(),
                candidate: step.candidate().map(|one| CandidateStatus::of(one)),
            }
        });
        let figures = self.gateway.figures();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            config: self.context.config_file.clone(),
            started: time(self.started.0),
            uptime_s: self.started.1.elapsed().as_secs(),
            edition: EditionStatus {
                number: edition.version(),
                since: time(history.since),
            },
            failed_reload: history.failed.map(|failed| FailedReload {
                at: time(failed.at),
                error: failed.why,
                mended: failed.mended,
            }),
            needs_restart: history.needs_restart,
            listeners: self.context.listeners.clone(),
            calls: recent.map(|recent| recent.calls()).unwrap_or_default(),
            connections: figures.connections,
            sessions: figures.sessions,
            under_way: figures.in_flight,
            waiting: figures.waiting,
            recording: self.recording.as_ref().map(|recording| recording.status()),
            stops: self.context.stops.all(),
            alerts: self.alerts.status(),
            conditions: self
                .conditions
                .as_ref()
                .map(|conditions| conditions.status())
                .unwrap_or_default(),
            issuers: edition.authorization().map(issuers).unwrap_or_default(),
            certificate_until: self.gateway.certificate_until().map(time),
            unwritten_records: self.call_log.unwritten(),
            call_log_sinks: self.call_log.sink_status(),
            log: LogStatus::of_process(),
            interceptors: interceptors.collect(),
            servers: edition
                .servers()
                .iter()
                .map(|one| server(one, self.gateway.merged_era(), recent))
                .collect(),
        }
    }
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>, String> {
    to_raw_value(value).map_err(|error| error.to_string())
}
