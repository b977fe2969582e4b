//! A host of an author's own: plugins prepared as the gateway prepares them, without a gateway.

use std::sync::Arc;

use sandgate_host::{
    EngineConfig, Grants, Host, Plugin, PluginFile, PrepareError, Spec, State, StateQuota,
};
use sandgate_message::Limits;
use serde_json::Value;

/// At most so many runs at once; an author makes one.
const INSTANCES: u32 = 16;

/// Prepares plugins for an author.
pub(super) struct Trial {
    host: Arc<Host>,
}

impl Trial {
    /// With a memory of its own, gone with it.
    pub(super) fn new() -> Result<Self, PrepareError> {
        let config = EngineConfig {
            instances: INSTANCES,
            ..EngineConfig::default()
        };
        let host = Host::new(config, None, State::in_memory(StateQuota::default()))?;
        Ok(Self { host })
    }

    /// Makes a plugin ready, smoke call included.
    pub(super) async fn prepare(
        &self,
        file: PluginFile,
        settings: Value,
        grants: Grants,
    ) -> Result<Plugin, PrepareError> {
        let spec = Spec {
            interceptor: file.manifest().name.as_str().into(),
            file: Arc::new(file),
            settings,
            settings_private: false,
            grants,
            memory: None,
            concurrency: None,
            document: Limits::default(),
            fault_detail: true,
        };
        self.host.prepare(spec).await
    }
}
