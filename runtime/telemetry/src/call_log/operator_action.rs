//! What an operator did, as the call log has it.

use std::time::SystemTime;

use sandgate_text::escape;
use serde::Serialize;

use super::CallLogWriter;

/// The record of what an operator did.
#[derive(Serialize)]
struct OperatorAction<'a, T> {
    record: &'static str,
    time: String,
    action: &'a str,
    #[serde(flatten)]
    detail: T,
}

impl CallLogWriter {
    /// Records what an operator did, where the call log is to prove what happened.
    pub fn operator(&self, action: &str, detail: impl Serialize) {
        if self.auditor.is_some() {
            self.operator_always(action, detail);
        }
    }

    /// Records what an operator did, also where the call log proves nothing.
    pub fn operator_always(&self, action: &str, detail: impl Serialize) {
        let line = OperatorAction {
            record: "operator",
            time: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            action,
            detail,
        };
        if let Ok(mut text) = serde_json::to_string(&line) {
            text.push('\n');
            // A failure is counted and told like that of a call's record.
            let _ = self.put(&escape::json(&text));
        }
    }
}
