//! What an operator may ask of a running gateway from within its process: the questions of the admin socket, and lists of
//! calls. A console stands on it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use sandgate_gateway::StopKind;
use sandgate_telemetry::traffic::TrafficReport;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::actor::Actor;
use crate::admin::{Ask, Handler};
use crate::calls::{CallFilter, CallPage, Calls, Deed};
use crate::invitation::Invitation;
use crate::status::Status;

/// An operator's hand on a running gateway.
#[derive(Clone)]
pub struct Operator(pub(crate) Arc<Handler>);

impl Operator {
    /// Asks what the admin socket answers, in the name of `actor`.
    ///
    /// # Errors
    ///
    /// The gateway refuses, in words for people.
    pub async fn ask<T: DeserializeOwned>(&self, ask: Ask, actor: &Actor) -> Result<T, String> {
        let answer = self.0.answer(ask, actor).await?;
        serde_json::from_str(answer.get()).map_err(|error| error.to_string())
    }

    /// The status, as `sandgate status` shows it.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// The names of the servers that are stopped.
    pub fn stopped_servers(&self) -> Vec<String> {
        let stops = self.0.stops().into_iter();
        let of_servers = stops.filter(|stop| stop.kind == StopKind::Server);
        of_servers.map(|stop| stop.name).collect()
    }

    /// The traffic of the last quarter of an hour.
    pub fn traffic(&self) -> TrafficReport {
        let recent = self.0.call_log().recent();
        recent.map(|recent| recent.traffic()).unwrap_or_default()
    }

    /// Calls that ended, the last first. It reads a file: call it where that may take a moment.
    ///
    /// # Errors
    ///
    /// The call log's file cannot be read.
    pub fn calls(
        &self,
        filter: &CallFilter,
        after: Option<&str>,
        most: usize,
    ) -> Result<CallPage, String> {
        Calls::of(self.0.call_log()).page(filter, after, most)
    }

    /// The records of the last call whose id has this beginning and that the gateway does not remember, from the end of the call log's file. It reads a file.
    ///
    /// # Errors
    ///
    /// The call log's file cannot be read.
    pub fn records_in_file(
        &self,
        call: &str,
    ) -> Result<Vec<Box<serde_json::value::RawValue>>, String> {
        Calls::of(self.0.call_log()).records(call)
    }

    /// What operators did, the last first. It reads a file.
    pub fn deeds(&self, most: usize) -> Vec<Deed> {
        Calls::of(self.0.call_log()).deeds(most)
    }

    /// The names of the configured clients, and whether others may come: with tokens, or without any key.
    pub fn clients(&self) -> (Vec<String>, bool) {
        self.0.clients()
    }

    /// The configuration's file.
    pub fn config_file(&self) -> PathBuf {
        self.0.config_file()
    }

    /// The file of the call log, and whether it is part of a chain.
    pub fn call_log_file(&self) -> (Option<PathBuf>, bool) {
        let log = self.0.call_log();
        (log.file(), log.auditor().is_some())
    }

    /// Records what an operator did.
    pub fn record(&self, action: &str, detail: impl Serialize, actor: &Actor) {
        let detail = serde_json::to_value(detail).unwrap_or_default();
        self.0
            .call_log()
            .operator_always(action, actor.sign(detail));
    }
}

/// What shows a running gateway to people with a browser.
pub trait Console: Send + Sync {
    /// Makes a link that lets whoever has it in, once and soon. `uid` is the user who asks.
    ///
    /// # Errors
    ///
    /// There can be no link, and why.
    fn invite(&self, read_only: bool, uid: u32) -> Result<Invitation, String>;

    /// Serves until `end` is cancelled.
    fn serve(
        self: Arc<Self>,
        operator: Operator,
        end: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}
