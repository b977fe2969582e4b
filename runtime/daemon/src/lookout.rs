//! Everything that watches calls: the counters and the spans, where the configuration asks for them.

use std::sync::Arc;

use sandgate_config::{Config, Loaded};
use sandgate_gateway::{CallTimings, CapturedCall, Ended, Gateway, Observer};
use sandgate_message::Call;
use sandgate_recording::Recording;
use sandgate_telemetry::conditions::GatewayConditions;
use sandgate_telemetry::metrics::Metrics;
use sandgate_telemetry::traces::Traces;

/// What watches the calls of one gateway.
#[derive(Clone, Default)]
pub(crate) struct Lookout {
    /// None: nothing is counted.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// None: nothing is traced.
    pub(crate) traces: Option<Arc<Traces>>,
    /// None: nothing is recorded.
    pub(crate) recording: Option<Arc<Recording>>,
    /// What is wrong with the gateway; none before there is one.
    pub(crate) conditions: Option<Arc<GatewayConditions>>,
}

impl Lookout {
    /// As `[telemetry]` asks. `stdio`: clients are spoken to over pipes.
    pub(crate) fn of(loaded: &Loaded, stdio: bool) -> Self {
        let telemetry = &loaded.config.telemetry;
        let lookout = Self {
            metrics: telemetry.metrics.map(|_| Arc::default()),
            traces: telemetry
                .otlp
                .as_ref()
                .map(|collector| Traces::start(collector, stdio)),
            recording: None,
            conditions: None,
        };
        if let (Some(metrics), Some(traces)) = (&lookout.metrics, &lookout.traces) {
            metrics.count_spans(traces.told().clone());
        }
        lookout.adopt(&loaded.config);
        lookout
    }

    /// What the gateway is to call; none where nobody watches, which then costs nothing.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let watched = self.metrics.is_some() || self.traces.is_some() || self.recording.is_some();
        watched.then(|| Arc::new(self.clone()) as Arc<dyn Observer>)
    }

    /// The gateway that is watched, and what is wrong with it.
    pub(crate) fn watch(&mut self, gateway: &Arc<Gateway>, conditions: Arc<GatewayConditions>) {
        if let Some(metrics) = &self.metrics {
            metrics.ask(gateway);
            metrics.watch_conditions(conditions.clone());
        }
        gateway.status().ask(conditions.clone());
        self.conditions = Some(conditions);
    }

    /// Knows what a configuration names. To be called before any call can meet it.
    pub(crate) fn adopt(&self, config: &Config) {
        if let Some(metrics) = &self.metrics {
            metrics.adopt(config);
        }
        if let Some(traces) = &self.traces {
            traces.adopt(config);
        }
        if let Some(conditions) = &self.conditions {
            conditions.adopt(config);
        }
    }

    /// A change of configuration is in force, or was refused.
    pub(crate) fn reloaded(&self, applied: bool) {
        if let Some(metrics) = &self.metrics {
            metrics.reloaded(applied);
        }
    }

    /// Sends what still waits to be sent, for two seconds at most, and writes what still waits to be recorded.
    pub(crate) async fn finish(&self) {
        if let Some(traces) = &self.traces {
            traces.finish().await;
        }
        if let Some(recording) = &self.recording {
            recording.finish().await;
        }
    }
}

impl Observer for Lookout {
    fn traces(&self) -> bool {
        self.traces.is_some()
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
