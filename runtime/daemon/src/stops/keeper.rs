//! The one who changes stops: on the operator's word, and when the time of one is over.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sandgate_gateway::{Gateway, Stop, StopKind, StopOutcome, Stops};
use sandgate_telemetry::call_log::CallLogWriter;
use serde_json::json;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

use super::file::{LONGEST_NAME, LONGEST_WHY, MOST};
use super::{StopReport, StopStatus, StopsFile, known, left};
use crate::actor::Actor;

/// The longest stop that ends by itself.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Keeps the stops of one gateway.
pub(crate) struct StopKeeper {
    gateway: Arc<Gateway>,
    call_log: Arc<CallLogWriter>,
    file: StopsFile,
    /// All stops, each with the time at which it ends, by a clock that nobody sets.
    kept: Mutex<Vec<(Stop, Option<tokio::time::Instant>)>>,
    changed: Notify,
}

/// What an operator wants stopped.
pub(crate) struct StopRequest {
    pub(crate) kind: StopKind,
    pub(crate) name: String,
    /// How long. `None`: until it is resumed.
    pub(crate) period: Option<Duration>,
    pub(crate) why: String,
    /// Whether the configuration need not know the name.
    pub(crate) unknown: bool,
    /// Who asks.
    pub(crate) by: Actor,
}

impl StopKeeper {
    /// Puts kept stops in force, before the gateway serves.
    pub(crate) async fn begin(
        gateway: Arc<Gateway>,
        call_log: Arc<CallLogWriter>,
        file: StopsFile,
        stops: Vec<Stop>,
    ) -> Arc<Self> {
        let now = SystemTime::now();
        let deadline = |stop: &Stop| left(stop, now).map(|left| tokio::time::Instant::now() + left);
        let kept: Vec<_> = stops
            .into_iter()
            .map(|stop| {
                let deadline = deadline(&stop);
                (stop, deadline)
            })
            .collect();
        for (stop, _) in &kept {
            tracing::warn!(kind = stop.kind.as_str(), name = ?stop.name, why = ?stop.why, "stopped by the operator since {}", StopStatus::from(stop).since);
        }
        let keeper = Arc::new(Self {
            gateway,
            call_log,
            file,
            kept: Mutex::new(kept),
            changed: Notify::new(),
        });
        let kept = keeper.kept.lock().await;
        keeper.publish(&kept).await;
        drop(kept);
        keeper
    }

    /// All stops, oldest first.
    pub(crate) fn all(&self) -> Vec<StopStatus> {
        let edition = self.gateway.current();
        edition.stops().all().iter().map(StopStatus::from).collect()
    }

    /// Stops something. The stop is in force when this returns, also where it cannot be kept.
    ///
    /// # Errors
    ///
    /// The name is not known or cannot be stopped, or there are as many stops as there may be. Nothing has changed.
    pub(crate) async fn stop(&self, asked: StopRequest) -> Result<StopReport, String> {
        let StopRequest {
            kind,
            name,
            period,
            why,
            unknown,
            by,
        } = asked;
        text("name", &name, LONGEST_NAME)?;
        text("reason (--why)", &why, LONGEST_WHY)?;
        if period.is_some_and(|period| period.is_zero() || period > LONGEST) {
            return Err("a stop lasts at least one millisecond and at most 365 days".to_owned());
        }
        let began = Instant::now();
        let mut kept = self.kept.lock().await;
        let note = match unknown {
            true => None,
            false => known::check(&self.gateway.current(), kind, &name)?,
        };
        let since = SystemTime::now();
        let stop = Stop {
            kind,
            name: name.into(),
            why: why.into(),
            by: by.uid,
            since,
            until: period.map(|period| since + period),
        };
        Stops::new(vec![stop.clone()]).map_err(|error| error.to_string())?;
        let mut next = kept.clone();
        next.retain(|(one, _)| (one.kind, &one.name) != (kind, &stop.name));
        if next.len() >= MOST {
            return Err(format!(
                "there are {MOST} stops, as many as there may be: resume one first"
            ));
        }
        let deadline = period.map(|period| tokio::time::Instant::now() + period);
        next.push((stop.clone(), deadline));
        *kept = next;
        // Before anything is awaited: whoever asked may be gone by then.
        let unkept = self.write(&kept).err();
        let outcome = self.publish(&kept).await;
        let us = micros(began);
        drop(kept);
        let is_kept = unkept.is_none();
        let mut doubts: Vec<_> = unkept
            .into_iter()
            .map(|why| format!("it is not kept, and ends when the gateway does: {why}"))
            .collect();
        if !outcome.settled {
            doubts.push("calls that were under way may still reach a server: some have not noticed within 5 s".into());
        }
        tracing::warn!(kind = kind.as_str(), name = ?stop.name, why = ?stop.why, by = by.uid, us, "stopped");
        self.record("stop", &stop, &by, None, is_kept);
        let mut report = report(&stop, true, outcome, us, doubts);
        report.note = note;
        Ok(report)
    }

    /// Lifts a stop.
    ///
    /// # Errors
    ///
    /// There is no such stop, or the file cannot be written: a restart would bring the stop back. Nothing has changed.
    pub(crate) async fn resume(
        &self,
        kind: StopKind,
        name: &str,
        why: Option<&str>,
        by: &Actor,
    ) -> Result<StopReport, String> {
        if let Some(why) = why {
            text("reason (--why)", why, LONGEST_WHY)?;
        }
        let began = Instant::now();
        let mut kept = self.kept.lock().await;
        let mut next = kept.clone();
        let at = next
            .iter()
            .position(|(one, _)| one.kind == kind && *one.name == *name);
        let Some(at) = at else {
            let stopped = next.iter().filter(|(one, _)| one.kind == kind);
            let near = sandgate_text::nearest(name, stopped.map(|(one, _)| &*one.name));
            return Err(format!("no {} {name:?} is stopped: {near}", kind.as_str()));
        };
        let (stop, _) = next.remove(at);
        self.write(&next).map_err(|why| {
            format!("it stays stopped, since a restart would stop it again: {why}")
        })?;
        *kept = next;
        let outcome = self.publish(&kept).await;
        let us = micros(began);
        drop(kept);
        tracing::warn!(kind = kind.as_str(), name = ?stop.name, by = by.uid, "resumed");
        self.record("resume", &stop, by, why, true);
        Ok(report(&stop, false, outcome, us, Vec::new()))
    }

    /// Lifts stops whose time is over, until `end` is cancelled.
    pub(crate) async fn run(self: Arc<Self>, end: CancellationToken) {
        loop {
            let next = {
                let kept = self.kept.lock().await;
                kept.iter().filter_map(|(_, deadline)| *deadline).min()
            };
            let over = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = end.cancelled() => return,
                () = self.changed.notified() => continue,
                () = over => {}
            }
            self.lift_over().await;
        }
    }

    async fn lift_over(&self) {
        let now = tokio::time::Instant::now();
        let mut kept = self.kept.lock().await;
        let is_over = |(_, deadline): &(Stop, Option<tokio::time::Instant>)| {
            deadline.is_some_and(|deadline| deadline <= now)
        };
        let (over, stay): (Vec<_>, Vec<_>) = kept.drain(..).partition(is_over);
        *kept = stay;
        if let Err(why) = self.write(&kept) {
            // By their time in the file they are over after a restart, too.
            tracing::error!("stops that are over stay in their file: {why}");
        }
        self.publish(&kept).await;
        drop(kept);
        for (stop, _) in &over {
            tracing::warn!(kind = stop.kind.as_str(), name = ?stop.name, "resumed: its time is over");
            self.record("stop-over", stop, &Actor::at_socket(stop.by), None, true);
        }
    }

    async fn publish(&self, kept: &[(Stop, Option<tokio::time::Instant>)]) -> StopOutcome {
        self.changed.notify_one();
        // Each was checked when it came.
        let stops = Stops::new(kept.iter().map(|(stop, _)| stop.clone()).collect());
        match stops {
            Ok(stops) => self.gateway.stop(stops).await,
            Err(error) => {
                tracing::error!("the stops are not changed: {error}");
                StopOutcome {
                    sessions: 0,
                    settled: false,
                }
            }
        }
    }

    fn write(&self, kept: &[(Stop, Option<tokio::time::Instant>)]) -> Result<(), String> {
        let stops: Vec<_> = kept.iter().map(|(stop, _)| stop.clone()).collect();
        self.file.write(&stops).map_err(|error| error.to_string())
    }

    fn record(&self, action: &str, stop: &Stop, by: &Actor, why: Option<&str>, kept: bool) {
        let detail = json!({
            "kind": stop.kind, "name": stop.name, "why": why.unwrap_or(&stop.why), "uid": by.uid,
            "until": StopStatus::from(stop).until, "kept": kept,
        });
        self.call_log.operator_always(action, by.sign(detail));
        let why = Some(&*stop.why).filter(|_| action == "stop");
        self.call_log.stop_changed(stop.kind, &stop.name, why);
    }
}

fn report(
    stop: &Stop,
    stopped: bool,
    outcome: StopOutcome,
    us: u64,
    doubts: Vec<String>,
) -> StopReport {
    StopReport {
        stop: stop.into(),
        stopped,
        sessions: outcome.sessions,
        us,
        note: None,
        doubts,
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Checks a text of the operator's.
fn text(what: &str, text: &str, longest: usize) -> Result<(), String> {
    match text {
        _ if text.trim().is_empty() => Err(format!("the {what} is empty")),
        _ if text.len() > longest => Err(format!("the {what} is longer than {longest} bytes")),
        _ if text.chars().any(char::is_control) => {
            Err(format!("the {what} has a control character"))
        }
        _ => Ok(()),
    }
}
