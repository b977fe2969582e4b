//! Remembers in its memory what it was last given and how often it was asked, and says so when it can.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export,
};

static ASKED: AtomicU64 = AtomicU64::new(0);
static LAST: Mutex<Option<String>> = Mutex::new(None);

struct KeepsState;

impl Interceptor for KeepsState {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed) + 1;
        let last = LAST.lock()?.replace(params.json());
        Ok(PreDecision::Answer(
            serde_json::json!({ "asked": asked, "last": last }).to_string(),
        ))
    }
}

export!(KeepsState: pre_call);
