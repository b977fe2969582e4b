//! What `/healthz` and `/readyz` say.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use parking_lot::RwLock;
use serde::Serialize;

use crate::delivery::{Content, Delivery};
use crate::registry::Edition;

/// How the gateway is, beyond what it knows itself. Set by whoever loads configurations.
#[derive(Default)]
pub struct Status {
    reload_error: RwLock<Option<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Readiness<'a> {
    ready: bool,
    version: u64,
    servers: Vec<&'a str>,
    last_reload_error: Option<&'a str>,
}

impl Status {
    /// Why the last change of configuration is not in force; none when it is. Shown on `/readyz`.
    pub fn set_reload_error(&self, error: Option<String>) {
        *self.reload_error.write() = error;
    }
    /// As it was set.
    pub fn reload_error(&self) -> Option<String> {
        self.reload_error.read().clone()
    }

    /// A gateway that keeps its old edition because a new one is bad is ready all the same.
    pub(crate) fn readiness(&self, edition: &Edition, draining: bool) -> Delivery {
        let error = self.reload_error.read();
        let servers = edition
            .servers()
            .iter()
            .map(|server| &**server.name())
            .collect();
        let readiness = Readiness {
            ready: !draining,
            version: edition.version(),
            servers,
            last_reload_error: error.as_deref(),
        };
        let status = if draining {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        };
        let text = serde_json::to_vec(&readiness).unwrap_or_default();
        let mut delivery = Delivery::new(status, Content::Raw(Bytes::from(text)));
        delivery.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        delivery
    }
}
