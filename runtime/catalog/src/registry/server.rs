//! A server as `server.json` writes it.

use serde::Deserialize;
use serde_json::Value;

use crate::entry::Refusal;
use crate::rules;

#[derive(Deserialize)]
pub(crate) struct Server {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) version_detail: Option<VersionDetail>,
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(crate) packages: Option<Vec<Value>>,
    #[serde(default)]
    pub(crate) remotes: Option<Vec<Value>>,
}

#[derive(Deserialize)]
pub(crate) struct VersionDetail {
    pub(crate) version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Package {
    #[serde(alias = "registry_type", alias = "registry_name")]
    pub(crate) registry_type: String,
    #[serde(default, alias = "registry_base_url")]
    pub(crate) registry_base_url: Option<String>,
    #[serde(alias = "name")]
    pub(crate) identifier: String,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default, alias = "runtime_hint")]
    pub(crate) runtime_hint: Option<String>,
    #[serde(default, alias = "runtime_arguments")]
    pub(crate) runtime_arguments: Option<Vec<Argument>>,
    #[serde(default, alias = "package_arguments")]
    pub(crate) package_arguments: Option<Vec<Argument>>,
    #[serde(default, alias = "environment_variables")]
    pub(crate) environment_variables: Option<Vec<Argument>>,
    #[serde(default)]
    pub(crate) transport: Option<Transport>,
}

#[derive(Deserialize)]
pub(crate) struct Transport {
    #[serde(rename = "type", alias = "transport_type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) headers: Option<Vec<Argument>>,
    #[serde(default)]
    pub(crate) variables: Option<serde_json::Map<String, Value>>,
}

/// An argument, a variable or a header: what the schema calls an input.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Argument {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) default: Option<String>,
    #[serde(alias = "value_hint")]
    pub(crate) value_hint: Option<String>,
    #[serde(alias = "is_required")]
    pub(crate) is_required: bool,
    #[serde(alias = "is_secret")]
    pub(crate) is_secret: bool,
    pub(crate) choices: Option<Vec<String>>,
    pub(crate) variables: Option<serde_json::Map<String, Value>>,
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::of(rules::shown(&error.to_string())))
}
