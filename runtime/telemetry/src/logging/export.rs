//! The gateway's own log for a collector: the lines that stderr gets, as OpenTelemetry's log records.

use std::fmt::{Debug, Write};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::attribute::{cut, nanos, text};
use crate::export_counts::ExportCounts;

/// The longest message of a record, in bytes.
const LONGEST_MESSAGE: usize = 4 << 10;
/// The longest text of an attribute, in bytes.
const LONGEST_FIELD: usize = 512;
/// The most attributes of a record.
const MAX_FIELDS: usize = 16;
/// Whose events are left out: those who send. Otherwise each request to the collector would be a reason for the next.
const SENDERS: [&str; 4] = ["hyper", "h2", "rustls", "tokio"];

/// Where records go. Empty while nobody wants them.
static EXPORT: OnceLock<Export> = OnceLock::new();

struct Export {
    queue: mpsc::Sender<Vec<LogRecord>>,
    counts: Arc<ExportCounts>,
}

/// Sends each further event and line to this queue too. Only the first call counts.
pub(crate) fn export_to(queue: mpsc::Sender<Vec<LogRecord>>, counts: Arc<ExportCounts>) {
    let _ = EXPORT.set(Export { queue, counts });
}

/// Sends a line that is no event.
pub(super) fn line(level: Level, message: &str) {
    if let Some(export) = EXPORT.get() {
        let message = anstream::adapter::strip_str(message).to_string();
        export.push(record(level, message.trim_end(), Vec::new()));
    }
}

/// The layer that sends events.
pub(super) struct ExportLayer;

impl<S: Subscriber> Layer<S> for ExportLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(export) = EXPORT.get() else {
            return;
        };
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        if SENDERS.iter().any(|sender| target.starts_with(sender)) {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.attributes.push(text("code.namespace", target));
        export.push(record(level, &fields.message, fields.attributes));
    }
}

impl Export {
    fn push(&self, record: LogRecord) {
        if self.queue.try_send(vec![record]).is_err() {
            self.counts.drop_records(1);
        }
    }
}

fn record(level: Level, message: &str, attributes: Vec<KeyValue>) -> LogRecord {
    let severity = match level {
        Level::ERROR => SeverityNumber::Error,
        Level::WARN => SeverityNumber::Warn,
        Level::INFO => SeverityNumber::Info,
        Level::DEBUG => SeverityNumber::Debug,
        Level::TRACE => SeverityNumber::Trace,
    };
    let now = nanos(SystemTime::now());
    let body = Value::StringValue(cut(message, LONGEST_MESSAGE).to_owned());
    LogRecord {
        time_unix_nano: now,
        observed_time_unix_nano: now,
        severity_number: severity.into(),
        severity_text: level.as_str().to_owned(),
        body: Some(AnyValue { value: Some(body) }),
        attributes,
        ..LogRecord::default()
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    attributes: Vec<KeyValue>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else if self.attributes.len() < MAX_FIELDS {
            let value = cut(value, LONGEST_FIELD);
            self.attributes.push(text(field.name(), value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a text fails only where a value's own `Debug` does.
        let _ = write!(text, "{value:?}");
        self.add(field, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_between_characters() {
        let long = "é".repeat(LONGEST_MESSAGE);
        assert_eq!(cut(&long, 5).len(), 4);
        let Some(AnyValue {
            value: Some(Value::StringValue(body)),
        }) = record(Level::WARN, &long, Vec::new()).body
        else {
            panic!("no body");
        };
        assert_eq!(body.len(), LONGEST_MESSAGE);
    }
}
