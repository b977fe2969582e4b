//! Does with its state what the params say (`{op, key, value, ttl-ms}`), and answers with what came of it.
//!
//! ```toml
//! [asks]
//! state = "counts what it is told to count"
//! ```

use std::time::Duration;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export, state,
};

struct Counter;

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Order {
    op: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
    expected: Option<String>,
    ttl_ms: Option<u64>,
}

impl Interceptor for Counter {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        let Ok(order) = serde_json::from_str::<Order>(&params.json()) else {
            return Ok(PreDecision::Proceed);
        };
        let (key, value, ttl) = (
            &order.key,
            order.value.as_bytes(),
            order.ttl_ms.map(Duration::from_millis),
        );
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let done = match order.op.as_str() {
            "get" => state::get(key).map(|found| found.map(text).into()),
            "set" => state::set(key, value, ttl).map(|()| true.into()),
            "delete" => state::delete(key).map(|()| true.into()),
            "increment" => state::increment(key, 1, ttl).map(serde_json::Value::from),
            "compare-and-set" => state::compare_and_set(
                key,
                order.expected.as_deref().map(str::as_bytes),
                value,
                ttl,
            )
            .map(Into::into),
            "fill" => (0..1_000_000)
                .try_for_each(|n| state::set(&format!("{n}"), &[0; 1 << 10], None))
                .map(|()| true.into()),
            other => return Err(Error::new(format!("no such operation: {other}"))),
        };
        let answer = done.unwrap_or_else(|failure| format!("{failure:?}").into());
        Ok(PreDecision::Answer(answer.to_string()))
    }
}

export!(Counter: pre_call);
