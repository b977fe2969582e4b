//! Checking a text, reading its strings, one edit; beside each check what serde_json takes for a `Value` of the same
//! text.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sandgate_message::{Edit, Json, Limits, Message, apply};

/// A reply of `tools/call` with that many records, some 160 bytes each.
fn reply(records: usize) -> String {
    let records: Vec<String> = (0..records)
        .map(|n| {
            format!(
                r#"{{"id":{n},"name":"Customer {n}","email":"person{n}@example.com","tags":["gold","eu"],"total":{n}.25,"note":"Called about the \"March\" invoice, wants a copy by mail."}}"#
            )
        })
        .collect();
    let records = records.join(",");
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[{{"type":"text","text":"Found these."}}],"structuredContent":{{"customers":[{records}]}}}}}}"#
    )
}

fn json(criterion: &mut Criterion) {
    let limits = Limits::default();
    for (name, records) in [("2KiB", 11), ("100KiB", 600)] {
        let text = reply(records);
        let bytes = Bytes::from(text.clone());
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("check", |b| {
            b.iter(|| Json::parse(black_box(bytes.clone()), &limits).unwrap())
        });
        group.bench_function("serde_json_value", |b| {
            b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&bytes)).unwrap());
        });
        group.bench_function("message", |b| {
            b.iter(|| Message::parse(black_box(bytes.clone()), &limits).unwrap())
        });
        let message = Message::parse(bytes.clone(), &limits).unwrap();
        let document = message.payload();
        group.bench_function("texts", |b| b.iter(|| black_box(document).texts()));
        let edits = [Edit::Text(3, "[redacted]".into())];
        group.bench_function("edit", |b| {
            b.iter(|| apply(black_box(document), &edits, &limits).unwrap())
        });
        let edited = apply(document, &edits, &limits).unwrap();
        group.bench_function("with_payload", |b| {
            b.iter(|| black_box(&message).with_payload(edited.clone()))
        });
        group.finish();
    }
}

criterion_group!(benches, json);
criterion_main!(benches);
