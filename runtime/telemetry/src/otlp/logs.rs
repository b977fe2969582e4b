//! The signal of log records.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::Signal;
use crate::attribute::scope;

/// The gateway's own log.
pub(crate) struct LogRecords;

impl Signal for LogRecords {
    type Record = LogRecord;
    const PATH: &'static str = "/v1/logs";
    const RECORDS: &'static str = "log records";

    fn request(log_records: Vec<LogRecord>, resource: Resource) -> Vec<u8> {
        let of_scope = ScopeLogs {
            scope: scope(),
            log_records,
            ..ScopeLogs::default()
        };
        let of_resource = ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![of_scope],
            ..ResourceLogs::default()
        };
        let resource_logs = vec![of_resource];
        ExportLogsServiceRequest { resource_logs }.encode_to_vec()
    }

    fn rejected(response: &[u8]) -> u64 {
        let response = ExportLogsServiceResponse::decode(response).ok();
        let partly = response.and_then(|response| response.partial_success);
        partly.map_or(0, |part| {
            u64::try_from(part.rejected_log_records).unwrap_or(0)
        })
    }
}
