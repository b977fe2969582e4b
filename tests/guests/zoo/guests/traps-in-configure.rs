//! Panics in `configure`, its settings in the message.
//!
//! ```toml
//! [settings]
//! type = "object"
//! ```

use sandgate_sdk::{Interceptor, Issues, export};

struct TrapsInConfigure;

impl Interceptor for TrapsInConfigure {
    type Settings = serde_json::Value;

    fn configure(settings: serde_json::Value) -> Result<Self, Issues> {
        panic!("I cannot stand {settings}")
    }
}

export!(TrapsInConfigure: pre_call);
