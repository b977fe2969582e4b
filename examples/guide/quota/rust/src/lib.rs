//! Lets each caller make so many calls in so many seconds.

use std::time::Duration;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PreDecision, export, refuse, state,
};
use schemars::JsonSchema;
use serde::Deserialize;

// ANCHOR: settings
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Calls of one caller.
    #[schemars(range(min = 1))]
    calls: i64,
    /// Seconds in which they count.
    #[schemars(range(min = 1))]
    seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { calls: 10, seconds: 60 }
    }
}
// ANCHOR_END: settings

struct Quota(Settings);

impl Interceptor for Quota {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        Ok(Self(settings))
    }

    // ANCHOR: state
    fn pre_call(&self, call: &Context, _: &Document) -> Result<PreDecision, Error> {
        let Settings { calls, seconds } = self.0;
        let key = format!("calls:{}", call.principal().as_deref().unwrap_or("anybody"));
        let made = state::increment(&key, 1, Some(Duration::from_secs(seconds)))?;
        if made > calls {
            let message = format!("At most {calls} calls in {seconds} seconds.");
            return Ok(refuse("quota.exceeded", message).into());
        }
        Ok(PreDecision::Proceed)
    }
    // ANCHOR_END: state
}

export!(Quota: pre_call);

#[cfg(test)]
mod tests {
    use super::*;

    // ANCHOR: schema
    #[test]
    fn the_schema_is_that_of_the_settings() {
        sandgate_sdk::testing::settings_schema::<Quota>(env!("CARGO_MANIFEST_DIR"));
    }
    // ANCHOR_END: schema
}
