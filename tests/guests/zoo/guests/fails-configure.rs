//! Does not like its settings, and repeats them.
//!
//! ```toml
//! [settings]
//! type = "object"
//! properties.limit = { type = "integer", maximum = 10 }
//! properties.token = { type = "string" }
//! additionalProperties = false
//! ```

use sandgate_sdk::{Interceptor, Issues, export};

struct FailsConfigure;

#[derive(serde::Deserialize)]
struct Settings {
    #[serde(default)]
    limit: u64,
    #[serde(default)]
    token: String,
}

impl Interceptor for FailsConfigure {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        let mut issues = Issues::new();
        if settings.limit % 2 == 1 {
            issues.add("/limit", format!("{} is odd", settings.limit));
        }
        if !settings.token.is_empty() {
            issues.add("/token", format!("I do not believe in {}", settings.token));
        }
        issues.or(Self)
    }
}

export!(FailsConfigure: pre_call);
