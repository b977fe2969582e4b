//! A server as Docker's catalog and `server.yaml` write it.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Server {
    pub(crate) name: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) about: Option<About>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) remote: Option<Remote>,
    pub(crate) secrets: Option<Vec<Wanted>>,
    pub(crate) env: Option<Vec<Set>>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) volumes: Option<Vec<String>>,
    pub(crate) allow_hosts: Option<Vec<String>>,
    pub(crate) user: Option<Value>,
    pub(crate) extra_hosts: Option<Vec<String>>,
    pub(crate) oauth: Option<Value>,
    pub(crate) requirement: Option<String>,
    /// A list of parameters in the catalog, a table in `server.yaml`.
    pub(crate) config: Option<Value>,
    pub(crate) run: Option<Run>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Remote {
    pub(crate) url: Option<String>,
    pub(crate) transport_type: Option<String>,
    pub(crate) headers: Option<Map<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) env: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) value: Option<Value>,
    pub(crate) description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Run {
    pub(crate) command: Option<Vec<String>>,
    pub(crate) volumes: Option<Vec<String>>,
    pub(crate) env: Option<Map<String, Value>>,
    pub(crate) allow_hosts: Option<Vec<String>>,
    pub(crate) user: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Configured {
    pub(crate) secrets: Option<Vec<Wanted>>,
    pub(crate) env: Option<Vec<Set>>,
    pub(crate) parameters: Option<Value>,
    pub(crate) properties: Option<Value>,
    pub(crate) volumes: Option<Vec<String>>,
}
