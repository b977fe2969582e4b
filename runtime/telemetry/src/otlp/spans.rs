//! The signal of spans.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::Signal;
use crate::attribute::scope;

/// Spans.
pub(crate) struct Spans;

impl Signal for Spans {
    type Record = Span;
    const PATH: &'static str = "/v1/traces";
    const RECORDS: &'static str = "spans";

    fn request(spans: Vec<Span>, resource: Resource) -> Vec<u8> {
        let of_scope = ScopeSpans {
            scope: scope(),
            spans,
            ..ScopeSpans::default()
        };
        let of_resource = ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![of_scope],
            ..ResourceSpans::default()
        };
        let resource_spans = vec![of_resource];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }

    fn rejected(response: &[u8]) -> u64 {
        let response = ExportTraceServiceResponse::decode(response).ok();
        let partly = response.and_then(|response| response.partial_success);
        partly.map_or(0, |part| u64::try_from(part.rejected_spans).unwrap_or(0))
    }
}
