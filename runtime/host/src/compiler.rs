//! From a plugin's file and settings to machine code that is linked and ready to run.

use std::collections::VecDeque;
use std::sync::Arc;

use sandgate_message::Failure;
use tokio::sync::Mutex;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::{self, post_call, pre_call, settings};
use crate::cache::{Cache, CacheKey, Entry};
use crate::capabilities::Capabilities;
use crate::configure::{self, ConfigureError};
use crate::dev_source::DevSource;
use crate::engine::{EngineConfig, EpochEngine};
use crate::file::UNDER_DEVELOPMENT;
use crate::functions::CodeDigest;
use crate::known_functions::KnownFunctions;
use crate::machine_code::MachineCode;
use crate::packaged::Packaged;
use crate::plugin::{LinkedComponent, PerRunConfigure};
use crate::sandbox::Sandbox;
use crate::snapshot::{self, Snapshot};
use crate::spec::{PrepareError, Spec};
use crate::turns::Turns;

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
    /// With the hash of the engine that it was made by.
    packaged: Option<(Packaged, u64)>,
    turns: Turns,
    /// Digest and machine code of the interpreters used last: each save of a plugin's source needs its interpreter
    /// again.
    interpreters: Mutex<VecDeque<(String, Component)>>,
}

impl Compiler {
    /// `cache`: where machine code is kept. `None`: plugins are compiled at every start, but for those in `packaged`.
    pub(crate) fn new(
        config: EngineConfig,
        cache: Option<Cache>,
        packaged: Option<Packaged>,
    ) -> wasmtime::Result<Self> {
        let epoch_engine = Arc::new(EpochEngine::new(config)?);
        let snapshot_engine = EpochEngine::without_pool(config)?;
        let linker = linker(&epoch_engine.engine)?;
        let snapshot_linker = self::linker(&snapshot_engine.engine)?;
        let packaged = packaged.zip(epoch_engine.portable_hash().ok());
        Ok(Self {
            epoch_engine,
            linker,
            snapshot_engine,
            snapshot_linker,
            cache,
            packaged,
            turns: Turns::new(),
            interpreters: Mutex::default(),
        })
    }

    /// The linked component of a plugin: loaded from the cache or the package, or configured, snapshotted and compiled.
    /// `configure` runs with `capabilities`.
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
        let key = CacheKey::component(spec.file.digest(), settings, self.epoch_engine.hash());
        let cache = self.cache.as_ref().filter(|_| !spec.settings_private);
        let kept = || self.linked_entry(spec, settings, cache?.get(&key)?);
        // Code of this machine's own cache is made for its processor, so it goes before the package's.
        if let Some(linked) = kept().or_else(|| self.linked_packaged(spec, settings)) {
            return linked;
        }
        let bytes = spec.file.bytes();
        let digest = CodeDigest::of(bytes);
        let _turn = self.turns.take(digest).await;
        // Another interceptor may be the same plugin with the same settings.
        if let Some(linked) = kept() {
            return linked;
        }
        tracing::debug!(
            plugin = spec.file.manifest().name,
            interceptor = &*spec.interceptor,
            "compiling"
        );
        let taken = snapshot::take(
            &self.snapshot_engine,
            &self.snapshot_linker,
            |instrumented| self.instrumented(spec, digest, instrumented),
            bytes,
            settings,
            capabilities,
        )
        .await;
        let known = || self.known_functions(&self.epoch_engine, digest);
        let (code, component, per_run) = match taken {
            Snapshot::Refused(error) => return Err(prepare_error(error, spec)),
            Snapshot::Taken(snapshot) => {
                let (code, component) = self.load(match spec.settings_private {
                    true => known().compile_private(bytes, &snapshot),
                    false => known().compile(&snapshot),
                })?;
                (code, component, None)
            }
            Snapshot::Impossible(why) => {
                let (code, component) = self.load(known().compile(bytes))?;
                match configure::run(
                    &self.epoch_engine,
                    &self.linker,
                    &component,
                    settings,
                    capabilities,
                )
                .await
                {
                    Ok(_) => (code, component, Some(why)),
                    Err(error) => return Err(prepare_error(error, spec)),
                }
            }
        };
        if let Some(cache) = cache {
            cache.put(&key, per_run.is_none(), &code);
        }
        self.link(spec, &component, settings, per_run)
    }

    /// The linked component of machine code that was kept. `None`: it is not for this engine.
    fn linked_entry(
        &self,
        spec: &Spec,
        settings: &Arc<str>,
        entry: Entry,
    ) -> Option<Result<LinkedComponent, PrepareError>> {
        let component = match entry.code.load(&self.epoch_engine.engine) {
            Ok(component) => component,
            Err(error) => {
                tracing::debug!("machine code that is kept does not fit: {error:#}");
                return None;
            }
        };
        let per_run = (!entry.snapshotted).then(|| "see plugin inspect".into());
        Some(self.link(spec, &component, settings, per_run))
    }

    /// The linked component that was packaged for these settings. `None`: there is none that fits this machine.
    fn linked_packaged(
        &self,
        spec: &Spec,
        settings: &Arc<str>,
    ) -> Option<Result<LinkedComponent, PrepareError>> {
        let (packaged, engine) = self.packaged.as_ref()?;
        if spec.settings_private {
            return None;
        }
        let key = CacheKey::component(spec.file.digest(), settings, *engine);
        self.linked_entry(spec, settings, packaged.get(&key)?)
    }

    /// A plugin that is instrumented for its snapshot. It has seen no settings, so all settings share it.
    fn instrumented(
        &self,
        spec: &Spec,
        code: Option<CodeDigest>,
        instrumented: &[u8],
    ) -> wasmtime::Result<Component> {
        let engine = &self.snapshot_engine;
        let key = CacheKey::instrumented(spec.file.digest(), engine.hash());
        let entry = self.cache.as_ref().and_then(|cache| cache.get(&key));
        if let Some(component) = entry.and_then(|entry| entry.code.load(&engine.engine).ok()) {
            return Ok(component);
        }
        let compiled = self.known_functions(engine, code).compile(instrumented)?;
        if let Some(cache) = &self.cache {
            cache.put(&key, false, &compiled);
        }
        compiled.load(&engine.engine)
    }

    fn known_functions<'a>(
        &'a self,
        engine: &'a EpochEngine,
        code: Option<CodeDigest>,
    ) -> KnownFunctions<'a> {
        KnownFunctions::read(engine, self.cache.as_ref(), code)
    }

    /// Loads what was compiled for hook runs.
    fn load(
        &self,
        compiled: wasmtime::Result<MachineCode>,
    ) -> Result<(MachineCode, Component), PrepareError> {
        let loaded = compiled.and_then(|code| {
            let component = code.load(&self.epoch_engine.engine)?;
            Ok((code, component))
        });
        loaded.map_err(|error| PrepareError::Compile(format!("{error:#}")))
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
        let key = CacheKey::component(&dev_source.digest, "", self.epoch_engine.hash());
        let cached = self.cache.as_ref().and_then(|cache| cache.get(&key));
        let cached = cached.and_then(|entry| entry.code.load(engine).ok());
        let component = match cached {
            Some(component) => component,
            None => {
                let digest = CodeDigest::of(&dev_source.code);
                let known = self.known_functions(&self.epoch_engine, digest);
                let (code, component) = self.load(known.compile(&dev_source.code))?;
                if let Some(cache) = &self.cache {
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
