//! From a plugin's file and settings to machine code that is linked and ready to run.

use std::collections::VecDeque;
use std::sync::Arc;

use sandgate_message::Failure;
use tokio::sync::Mutex;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::{self, post_call, pre_call, settings};
use crate::cache::{Cache, CacheKey};
use crate::capabilities::Capabilities;
use crate::configure::{self, ConfigureError};
use crate::dev_source::DevSource;
use crate::engine::{EngineConfig, EpochEngine};
use crate::file::UNDER_DEVELOPMENT;
use crate::plugin::{LinkedComponent, PerRunConfigure};
use crate::sandbox::Sandbox;
use crate::snapshot::{self, Snapshot};
use crate::spec::{PrepareError, Spec};

/// Interpreters whose machine code stays in memory.
const MAX_INTERPRETERS: usize = 2;

/// Compiles plugins. All plugins share its engine.
pub(crate) struct Compiler {
    pub(crate) epoch_engine: Arc<EpochEngine>,
    linker: Linker<Sandbox>,
    /// Compiles quickly: for the one run of `configure` whose memory is snapshotted.
    snapshot_engine: EpochEngine,
    snapshot_linker: Linker<Sandbox>,
    cache: Option<Cache>,
    /// Digest and machine code of the interpreters used last: each save of a plugin's source needs its interpreter
    /// again.
    interpreters: Mutex<VecDeque<(String, Component)>>,
}

impl Compiler {
    /// `cache`: where machine code is kept. `None`: plugins are compiled at every start.
    pub(crate) fn new(config: EngineConfig, cache: Option<Cache>) -> wasmtime::Result<Self> {
        let epoch_engine = Arc::new(EpochEngine::new(config)?);
        let snapshot_engine = EpochEngine::without_pool(config)?;
        let linker = linker(&epoch_engine.engine)?;
        let snapshot_linker = self::linker(&snapshot_engine.engine)?;
        Ok(Self {
            epoch_engine,
            linker,
            snapshot_engine,
            snapshot_linker,
            cache,
            interpreters: Mutex::default(),
        })
    }

    /// The linked component of a plugin: loaded from the cache, or configured, snapshotted and compiled. `configure`
    /// runs with `capabilities`.
    pub(crate) async fn linked_component(
        &self,
        spec: &Spec,
        settings: &Arc<str>,
        capabilities: &Arc<Capabilities>,
    ) -> Result<LinkedComponent, PrepareError> {
        if let Some(dev_source) = spec.file.dev_source() {
            return self
                .linked_interpreter(spec, dev_source, settings, capabilities)
                .await;
        }
        let engine = &self.epoch_engine.engine;
        let key = CacheKey::new(spec.file.digest(), settings, engine_hash(engine));
        let cache = self.cache.as_ref().filter(|_| !spec.settings_private);
        if let Some(entry) = cache.and_then(|cache| cache.get(&key))
            && let Some(component) = entry.load(engine)
        {
            return self.link(
                spec,
                &component,
                settings,
                (!entry.snapshotted).then(|| "see plugin inspect".into()),
            );
        }
        let bytes = spec.file.bytes();
        let taken = snapshot::take(
            &self.snapshot_engine,
            &self.snapshot_linker,
            bytes,
            settings,
            capabilities,
        )
        .await;
        let compile = |bytes: &[u8]| {
            Component::new(engine, bytes).map_err(|e| PrepareError::Compile(format!("{e:#}")))
        };
        let (component, per_run) = match taken {
            Snapshot::Refused(error) => return Err(prepare_error(error, spec)),
            Snapshot::Taken(snapshot) => (compile(&snapshot)?, None),
            Snapshot::Impossible(why) => {
                let component = compile(bytes)?;
                match configure::run(
                    &self.epoch_engine,
                    &self.linker,
                    &component,
                    settings,
                    capabilities,
                )
                .await
                {
                    Ok(_) => (component, Some(why)),
                    Err(error) => return Err(prepare_error(error, spec)),
                }
            }
        };
        if let (Some(cache), Ok(code)) = (cache, component.serialize()) {
            cache.put(&key, per_run.is_none(), &code);
        }
        self.link(spec, &component, settings, per_run)
    }

    /// The linked component of a plugin under development: an interpreter that gets the source with its settings before
    /// each run.
    async fn linked_interpreter(
        &self,
        spec: &Spec,
        dev_source: &DevSource,
        settings: &str,
        capabilities: &Arc<Capabilities>,
    ) -> Result<LinkedComponent, PrepareError> {
        let component = self.interpreter(dev_source).await?;
        let wrapped = dev_source.wrap_settings(settings);
        match configure::run(
            &self.epoch_engine,
            &self.linker,
            &component,
            &wrapped,
            capabilities,
        )
        .await
        {
            Ok(_) => self.link(spec, &component, &wrapped, Some(UNDER_DEVELOPMENT.into())),
            Err(error) => Err(prepare_error(error, spec)),
        }
    }

    /// The machine code of an interpreter. It depends on neither source nor settings, so all sources share it.
    async fn interpreter(&self, dev_source: &DevSource) -> Result<Component, PrepareError> {
        // The lock is held while the interpreter is compiled, so a second caller waits instead of compiling it too.
        let mut kept = self.interpreters.lock().await;
        if let Some((_, component)) = kept.iter().find(|(digest, _)| *digest == dev_source.digest) {
            return Ok(component.clone());
        }
        let engine = &self.epoch_engine.engine;
        // Settings are JSON and never empty, so no plugin's machine code has this key.
        let key = CacheKey::new(&dev_source.digest, "", engine_hash(engine));
        let cached = self.cache.as_ref().and_then(|cache| cache.get(&key));
        let cached = cached.and_then(|entry| entry.load(engine));
        let component = match cached {
            Some(component) => component,
            None => {
                let component = Component::new(engine, &dev_source.code)
                    .map_err(|error| PrepareError::Compile(format!("{error:#}")))?;
                if let (Some(cache), Ok(code)) = (&self.cache, component.serialize()) {
                    cache.put(&key, false, &code);
                }
                component
            }
        };
        kept.truncate(MAX_INTERPRETERS - 1);
        kept.push_front((dev_source.digest.clone(), component.clone()));
        Ok(component)
    }

    /// Links a component and looks up its exports. `per_run` says why the component is configured before every run;
    /// `None`: it is a snapshot.
    fn link(
        &self,
        spec: &Spec,
        component: &Component,
        settings: &Arc<str>,
        per_run: Option<String>,
    ) -> Result<LinkedComponent, PrepareError> {
        let link = |error: wasmtime::Error| PrepareError::Link(format!("{error:#}"));
        let pre = self.linker.instantiate_pre(component).map_err(link)?;
        let hooks = &spec.file.manifest().hooks;
        let pre_call = hooks
            .pre_call
            .as_ref()
            .map(|_| pre_call::GuestIndices::new(&pre))
            .transpose()
            .map_err(link)?;
        let post_call = hooks
            .post_call
            .as_ref()
            .map(|_| post_call::GuestIndices::new(&pre))
            .transpose()
            .map_err(link)?;
        let per_run = match per_run {
            None => None,
            Some(why) => {
                let configure = settings::GuestIndices::new(&pre).map_err(link)?;
                Some(PerRunConfigure {
                    configure,
                    settings: settings.clone(),
                    why,
                    apart: spec.file.is_development(),
                })
            }
        };
        Ok(LinkedComponent {
            pre,
            pre_call,
            post_call,
            per_run,
        })
    }
}

/// A linker with everything that a guest may import: WASI, WASI HTTP and the interfaces of `wit/`.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<Sandbox>> {
    struct SandboxData;
    impl wasmtime::component::HasData for SandboxData {
        type Data<'a> = &'a mut Sandbox;
    }
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::Interceptor::add_to_linker::<_, SandboxData>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

/// A hash of what machine code depends on in the engine: the version and configuration of wasmtime, and the features of
/// the processor.
fn engine_hash(engine: &Engine) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Turns a failed `configure` into the error of preparing. A guest may repeat its settings in anything it says, so its
/// own words are withheld where the settings are private.
fn prepare_error(error: ConfigureError, spec: &Spec) -> PrepareError {
    match error {
        ConfigureError::Unlinked(why) => PrepareError::Link(why),
        ConfigureError::Issues(mut issues) => {
            if spec.settings_private {
                for issue in &mut issues {
                    issue.message =
                        "not accepted (what the plugin says of it is withheld: it may repeat a secret)".into();
                }
            }
            PrepareError::Settings(issues)
        }
        ConfigureError::Failed(failure) => PrepareError::Configure(match failure {
            Failure::Trap { frames, .. } if spec.settings_private => Failure::Trap {
                reason: "what it says of it is withheld: it may repeat a secret".into(),
                frames,
                detail: String::new(),
            },
            failure => failure,
        }),
    }
}
