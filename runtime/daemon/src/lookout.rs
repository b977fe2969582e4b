//! The observer of calls: metrics, traces and the recording, as far as they are asked for.

use std::sync::Arc;

use sandgate_alerts::Alerts;
use sandgate_config::{Config, Loaded, OnFailure, Secret, Signal, Telemetry};
use sandgate_gateway::{CallTimings, CapturedCall, Ended, Gateway, Observer, TraceId};
use sandgate_message::Call;
use sandgate_recording::Recording;
use sandgate_telemetry::conditions::GatewayConditions;
use sandgate_telemetry::metrics::Metrics;
use sandgate_telemetry::otlp::Otlp;
use sandgate_telemetry::traces::Traces;

use crate::connections::Connections;

/// What observes the calls of one gateway.
#[derive(Clone, Default)]
pub(crate) struct Lookout {
    /// The metrics. `None`: nothing is counted.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// The traces. `None`: nothing is traced.
    pub(crate) traces: Option<Arc<Traces>>,
    /// The collector. `None`: nothing is sent.
    otlp: Option<Arc<Otlp>>,
    /// The recording. `None`: nothing is recorded.
    pub(crate) recording: Option<Arc<Recording>>,
    /// What wakes somebody.
    pub(crate) alerts: Arc<Alerts>,
    /// The gateway's conditions. `None` before there is a gateway.
    pub(crate) conditions: Option<Arc<GatewayConditions>>,
    /// Where contained servers' connections are told.
    pub(crate) connections: Arc<Connections>,
}

impl Lookout {
    /// The observers that `[telemetry]` asks for. `headers`: the values of its `otlp-headers`. `stdio`: clients are
    /// connected over pipes.
    pub(crate) fn of(
        loaded: &Loaded,
        headers: &[(String, Secret)],
        stdio: bool,
        connections: Arc<Connections>,
    ) -> Self {
        let telemetry = &loaded.config.telemetry;
        let counted = telemetry.metrics.is_some() || telemetry.sends(Signal::Metrics);
        let mut lookout = Self {
            metrics: counted.then(Arc::default),
            connections,
            ..Self::default()
        };
        if let Some(otlp) = Otlp::of(telemetry, headers) {
            lookout.send_to(&otlp, telemetry, stdio);
            lookout.otlp = Some(otlp);
        }
        lookout.adopt(&loaded.config);
        lookout
    }

    /// Starts to send what the collector is to get.
    fn send_to(&mut self, otlp: &Otlp, telemetry: &Telemetry, stdio: bool) {
        if telemetry.sends(Signal::Traces) {
            let traces = Traces::start(otlp, telemetry, stdio);
            if let Some(metrics) = &self.metrics {
                traces.count_in(metrics);
            }
            self.traces = Some(traces);
        }
        if telemetry.sends(Signal::Logs) {
            otlp.send_logs(self.metrics.as_deref());
        }
        if let (true, Some(metrics)) = (telemetry.sends(Signal::Metrics), &self.metrics) {
            otlp.send_metrics(metrics, telemetry.otlp_interval.0);
        }
    }

    /// The observer for the gateway. `None` if nothing observes calls, which then costs nothing.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let watched = self.metrics.is_some() || self.traces.is_some() || self.recording.is_some();
        watched.then(|| Arc::new(self.clone()) as Arc<dyn Observer>)
    }

    /// Sets the gateway that is observed, and its conditions.
    pub(crate) fn watch(&mut self, gateway: &Arc<Gateway>, conditions: Arc<GatewayConditions>) {
        if let Some(metrics) = &self.metrics {
            metrics.ask(gateway);
            metrics.watch_conditions(conditions.clone());
            metrics.watch_alerts(self.alerts.clone());
        }
        gateway.status().ask(conditions.clone());
        self.conditions = Some(conditions);
    }

    /// Takes over what a configuration names. Call it before any call can use the configuration.
    pub(crate) fn adopt(&self, config: &Config) {
        if let Some(metrics) = &self.metrics {
            metrics.adopt(config);
        }
        if let Some(traces) = &self.traces {
            traces.adopt(config);
        }
        let goes_on = config.call_log.on_failure == OnFailure::Continue;
        self.connections.go_on_unwritten(goes_on);
        if let Some(conditions) = &self.conditions {
            conditions.adopt(config);
        }
    }

    /// Counts a reload: `applied`, or refused.
    pub(crate) fn reloaded(&self, applied: bool) {
        if let Some(metrics) = &self.metrics {
            metrics.reloaded(applied);
        }
    }

    /// Sends what still waits for the collector and for receivers of alerts, for two seconds at most each, and writes what
    /// still waits to be recorded.
    pub(crate) async fn finish(&self) {
        if let Some(otlp) = &self.otlp {
            otlp.finish().await;
        }
        if let Some(recording) = &self.recording {
            recording.finish().await;
        }
        self.alerts.finish().await;
    }
}

impl Observer for Lookout {
    fn traces(&self) -> bool {
        self.traces.is_some()
    }

    fn samples(&self, trace: TraceId) -> bool {
        self.traces.as_ref().is_some_and(|it| it.samples(trace))
    }

    fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.ended(record, timings);
        }
        if let Some(traces) = &self.traces {
            traces.ended(record, timings);
        }
    }

    fn wants(&self, call: &Call) -> bool {
        self.recording.as_ref().is_some_and(|it| it.wants(call))
    }

    fn take(&self, taken: Box<CapturedCall>) {
        if let Some(recording) = &self.recording {
            recording.take(taken);
        }
    }
}
