//! `[console]`: the gateway in a browser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gateway::Listen;

/// The gateway in a browser, for people with a link that `sandgate console` prints.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Console {
    /// Address and port, of this machine's loopback alone. Port 0 takes a free one.
    pub listen: Listen,
}
