//! Prepares plugins: from a [`Spec`] to a [`Plugin`] that is ready, or to the reason why not. Nothing here runs during
//! a call.

use std::sync::Arc;

use sandgate_message::InterceptorInfo;
use tokio::sync::Semaphore;

use crate::cache::Cache;
use crate::capabilities::Capabilities;
use crate::compiler::Compiler;
use crate::concurrency::ConcurrencyLimit;
use crate::contains::Contains;
use crate::engine::{DEFAULT_MEMORY, EngineConfig, IdleSlots, MAX_MEMORY};
use crate::grants::{ResolvedGrants, resolve};
use crate::manifest::HookManifest;
use crate::packaged::Packaged;
use crate::plugin::Plugin;
use crate::schema;
use crate::smoke::smoke;
use crate::spec::{DEFAULT_CONCURRENCY, PrepareError, Spec};
use crate::state::State;

/// Instances that only candidates use, so that a candidate never takes an instance from a live run.
const CANDIDATE_INSTANCES: u32 = 16;

/// Plugins that are prepared at once. Each takes a thread, and memory for its machine code as it is read.
const PREPARED_AT_ONCE: usize = 8;

/// Prepares plugins and owns what they run on.
pub struct Host {
    compiler: Compiler,
    state: State,
    /// A permit for each instance of live plugins.
    pool: Arc<Semaphore>,
    /// A permit for each instance of candidates.
    candidate_pool: Arc<Semaphore>,
    /// A permit for each plugin that is prepared.
    preparing: Arc<Semaphore>,
}

impl Host {
    /// `cache`: where machine code is kept. `None`: plugins are compiled at every start, but for those in `packaged`.
    ///
    /// # Errors
    /// The engine cannot be made as `config` says, for example with `pagemap_scan` on a kernel that has none.
    pub fn new(
        config: EngineConfig,
        cache: Option<Cache>,
        packaged: Option<Packaged>,
        state: State,
    ) -> Result<Arc<Self>, PrepareError> {
        let config = EngineConfig {
            instances: config.on_demand().unwrap_or(config.instances),
            ..config
        };
        let pool = Arc::new(Semaphore::new(config.instances as usize));
        let config = EngineConfig {
            instances: config.instances.saturating_add(CANDIDATE_INSTANCES),
            ..config
        };
        let compiler = Compiler::new(config, cache, packaged)
            .map_err(|error| PrepareError::Compile(format!("the engine: {error:#}")))?;
        Ok(Arc::new(Self {
            compiler,
            state,
            pool,
            candidate_pool: Arc::new(Semaphore::new(CANDIDATE_INSTANCES as usize)),
            preparing: Arc::new(Semaphore::new(PREPARED_AT_ONCE)),
        }))
    }

    /// The state of the host's interceptors.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the pool keeps in memory for later runs. `None`: there is no pool, see [`EngineConfig::on_demand`].
    pub fn idle_slots(&self) -> Option<IdleSlots> {
        self.compiler.epoch_engine.idle_slots()
    }

    /// Prepares a plugin. Takes milliseconds where its machine code is cached, tens of milliseconds for a small new
    /// plugin, seconds for an interpreter.
    ///
    /// # Errors
    /// The plugin cannot be used as `spec` says; the [`PrepareError`] tells why.
    pub async fn prepare(self: &Arc<Self>, spec: Spec) -> Result<Plugin, PrepareError> {
        self.prepare_as(spec, false).await
    }

    /// Prepares a candidate: a plugin that is tried beside the live plugin of the same name. Settings and grants are
    /// checked as for a live plugin. The candidate has no HTTP, its directories are read-only, its state is a copy of
    /// the live plugin's state as it is now, and its runs take no instance from those of live plugins.
    ///
    /// # Errors
    /// The plugin cannot be used as `spec` says; the [`PrepareError`] tells why.
    pub async fn prepare_candidate(self: &Arc<Self>, spec: Spec) -> Result<Plugin, PrepareError> {
        self.prepare_as(spec, true).await
    }

    async fn prepare_as(
        self: &Arc<Self>,
        spec: Spec,
        candidate: bool,
    ) -> Result<Plugin, PrepareError> {
        let this = self.clone();
        let runtime = tokio::runtime::Handle::current();
        // The semaphore is never closed.
        let permit = self.preparing.clone().acquire_owned().await.ok();
        // Compiling blocks its thread for up to seconds, so it gets one that serves no traffic.
        let prepared = tokio::task::spawn_blocking(move || {
            // The thread goes on where nobody waits for it any more.
            let _permit = permit;
            runtime.block_on(this.prepare_blocking(spec, candidate))
        })
        .await;
        prepared.unwrap_or_else(|_| Err(PrepareError::Compile("the compiler gave up on it".into())))
    }

    async fn prepare_blocking(&self, spec: Spec, candidate: bool) -> Result<Plugin, PrepareError> {
        let manifest = spec.file.manifest();
        let issues = schema::issues(&manifest.settings, &spec.settings, spec.settings_private)
            .map_err(PrepareError::Schema)?;
        if !issues.is_empty() {
            return Err(PrepareError::Settings(issues));
        }
        let (mut grants, mut withheld) =
            resolve(&manifest.asks, &spec.grants).map_err(PrepareError::Grants)?;
        if candidate {
            grants = grants.for_candidate(&manifest.asks, &mut withheld);
        }
        let memory = spec.memory.or(manifest.memory()).unwrap_or(DEFAULT_MEMORY);
        if memory > MAX_MEMORY {
            return Err(PrepareError::Memory);
        }
        // The limit is the plugin's, and not that of an interpreter with every usual module in it.
        let memory = match spec.file.is_development() {
            true => (memory + DEFAULT_MEMORY).min(MAX_MEMORY),
            false => memory,
        };
        // The name in log lines. No interceptor's name has a slash, so a candidate cannot be mistaken for a live
        // plugin.
        let interceptor: Arc<str> = match candidate {
            true => format!("{}/candidate", spec.interceptor).into(),
            false => spec.interceptor.clone(),
        };
        let key = self.state.interceptor_key(&spec.interceptor);
        let capabilities = |grants, state, shadow, quiet| {
            Arc::new(Capabilities {
                interceptor: interceptor.clone(),
                grants,
                key: key.clone(),
                state,
                shadow,
                quiet,
                memory,
                document: spec.document,
                simulation: None,
            })
        };
        let empty = || self.state.shadow();
        let no_capabilities = capabilities(ResolvedGrants::default(), empty(), empty(), true);
        let settings: Arc<str> = spec.settings.to_string().into();
        let component = self
            .compiler
            .linked_component(&spec, &settings, &no_capabilities)
            .await?;
        let info = InterceptorInfo {
            name: manifest.name.clone(),
            version: spec.file.version(),
            digest: spec.file.digest().to_owned(),
            hooks: manifest.hooks(),
        };
        let concurrency = spec.concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let needs = |hook: &Option<HookManifest>| {
            let said = hook.as_ref().map(|hook| Contains::new(&hook.contains));
            said.unwrap_or_default()
        };
        let mut plugin = Plugin {
            info,
            contains: [&manifest.hooks.pre_call, &manifest.hooks.post_call].map(needs),
            component,
            capabilities: no_capabilities,
            concurrency: ConcurrencyLimit::new(
                concurrency,
                match candidate {
                    true => self.candidate_pool.clone(),
                    false => self.pool.clone(),
                },
            ),
            withheld,
            fault_detail: spec.fault_detail,
            epoch_engine: self.compiler.epoch_engine.clone(),
        };
        // The smoke call runs without any capabilities: it shows that the plugin runs, and must not touch anything.
        smoke(&plugin).await?;
        plugin.capabilities = match candidate {
            // A candidate gets the copy as its shadow state too, so that the live state is out of its reach in any run.
            true => {
                let copy = self.state.copy(&spec.interceptor);
                capabilities(grants, copy.clone(), copy, true)
            }
            false => capabilities(grants, self.state.table(&spec.interceptor), empty(), false),
        };
        Ok(plugin)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;
    use futures_util::FutureExt;
    use sandgate_message::Limits;
    use tokio::time::{Duration, timeout};

    use super::*;
    use crate::file::PluginFile;
    use crate::grants::Grants;
    use crate::state::StateQuota;

    #[tokio::test]
    async fn no_more_plugins_are_prepared_at_once_than_there_are_permits() {
        let state = State::in_memory(StateQuota::default());
        let host = Host::new(EngineConfig::default(), None, None, state).unwrap();
        let guest = sandgate_guests::find("loops").unwrap().bytes;
        // What is wrong with it is found at once, without compiling.
        let spec = Spec {
            interceptor: "tried".into(),
            file: Arc::new(PluginFile::read(Bytes::from_static(guest)).unwrap()),
            settings: serde_json::json!({}),
            settings_private: false,
            grants: Grants::default(),
            memory: Some(MAX_MEMORY + 1),
            concurrency: None,
            document: Limits::default(),
            fault_detail: false,
        };
        let permits = u32::try_from(PREPARED_AT_ONCE).unwrap();
        let busy = host.preparing.clone().acquire_many_owned(permits).await;
        let mut busy = busy.unwrap();
        let mut waiting = Box::pin(host.prepare(spec.clone()));
        assert!((&mut waiting).now_or_never().is_none());
        // Whoever gives up waiting keeps no permit from the next one.
        drop(waiting);
        drop(busy.split(1));
        let prepared = timeout(Duration::from_secs(60), host.prepare(spec)).await;
        assert!(matches!(prepared.unwrap(), Err(PrepareError::Memory)));
        drop(busy);
        assert_eq!(host.preparing.available_permits(), PREPARED_AT_ONCE);
    }
}
