//! Keeps a resource of the host's open in `configure`, so that its memory alone would mean nothing in another instance;
//! and counts its runs in memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export,
};
use wasip2::http::types::Fields;

static RUNS: AtomicU64 = AtomicU64::new(0);

struct HoldsOn(Mutex<Fields>);

impl Interceptor for HoldsOn {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        let fields = Fields::new();
        let _ = fields.append("held", b"since configure");
        Ok(Self(Mutex::new(fields)))
    }

    fn pre_call(&self, _: &Context, _: &Document) -> Result<PreDecision, Error> {
        let runs = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
        let held = String::from_utf8(self.0.lock()?.get("held").concat())?;
        Ok(PreDecision::Answer(
            serde_json::json!({ "runs": runs, "held": held }).to_string(),
        ))
    }
}

export!(HoldsOn: pre_call);
