//! From a file and an operator's wishes to a plugin that is ready, or a clear word why not. All of it happens away from
//! traffic; nothing here runs during a call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_message::{
    Call, CallId, Direction, Era, Failure, Hook, HookRequest, Interceptor, InterceptorInfo, Json,
    Limits,
};
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::{self, post_call, pre_call, settings};
use crate::cache::{Cache, Id};
use crate::capabilities::Capabilities;
use crate::concurrency::ConcurrencyLimit;
use crate::configure::{self, Configured};
use crate::dev_source::DevSource;
use crate::engine::{DEFAULT_MEMORY, EngineConfig, EpochEngine, MAX_MEMORY};
use crate::file::{DEVELOPMENT, PluginFile};
use crate::grants::{GrantError, Grants, ResolvedGrants, settle};
use crate::plugin::{Guest, PerRunConfigure, Plugin};
use crate::sandbox::Sandbox;
use crate::schema::{self, Issue};
use crate::snapshot::{self, Snapshot};
use crate::state::State;

/// Runs of one interceptor that one caller may have at once, unless the operator says otherwise.
pub const DEFAULT_CONCURRENCY: usize = 16;

/// Interpreters whose machine code is kept in memory.
const INTERPRETERS: usize = 2;
/// Instances for candidates alone: they never take one from a live run.
const RESERVE: u32 = 16;

/// How long the smoke call may take.
const SMOKE: Duration = Duration::from_secs(2);

/// What an operator wants of one plugin.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The interceptor's name: state and log lines belong to it.
    pub interceptor: Arc<str>,
    /// The plugin.
    pub file: Arc<PluginFile>,
    /// Its settings, secrets resolved.
    pub settings: Value,
    /// Some of them came from the environment or a file: nothing made of them may be kept on disk or shown.
    pub settings_private: bool,
    /// What it is given.
    pub grants: Grants,
    /// Bytes of memory; none: the manifest's, else [`DEFAULT_MEMORY`].
    pub memory: Option<u64>,
    /// Concurrent runs by one caller; none: [`DEFAULT_CONCURRENCY`].
    pub concurrency: Option<usize>,
    /// Bounds of the documents it returns.
    pub document: Limits,
    /// Log what a failing guest says of its failure, which may repeat the payload.
    pub fault_detail: bool,
}

/// Why a plugin cannot be used as the operator wants.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The settings are not what the plugin's schema or the plugin itself accepts.
    #[error("its settings are not accepted")]
    Settings(Vec<Issue>),
    /// The manifest's schema is no JSON Schema, or none that is used.
    #[error("the settings schema in its manifest cannot be used: {0}")]
    Schema(String),
    /// A grant it did not ask for.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// More memory than there is in a slot of the pool.
    #[error("memory: at most {MAX_MEMORY} bytes")]
    Memory,
    /// It imports what this host does not have.
    #[error("it needs something that this gateway does not have: {0}")]
    Link(String),
    /// It cannot be compiled.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// `configure` failed.
    #[error("its configure failed: it {0}")]
    Configure(Failure),
    /// A first call with an empty document failed.
    #[error("a smoke call of its {hook} failed: it {failure}", hook = .hook.as_str())]
    Smoke {
        /// Which hook.
        hook: Hook,
        /// How.
        failure: Failure,
    },
}

/// Prepares plugins and owns what they run on.
pub struct Host {
    epoch_engine: Arc<EpochEngine>,
    linker: Linker<Sandbox>,
    /// Compiles quickly: for the one run in which `configure` is snapshotted.
    scratch: EpochEngine,
    scratch_linker: Linker<Sandbox>,
    cache: Option<Cache>,
    /// The machine code of interpreters that got their sources apart: the last ones, since a save means the same again.
    interpreters: Mutex<VecDeque<(String, Component)>>,
    state: State,
    pool: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
}

impl Host {
    /// `cache`: where machine code is kept; none: compiled at every start.
    ///
    /// # Errors
    /// The engine cannot be made as asked, for example `pagemap_scan` where the kernel has none.
    pub fn new(
        config: EngineConfig,
        cache: Option<Cache>,
        state: State,
    ) -> Result<Arc<Self>, PrepareError> {
        let engine =
            |error: wasmtime::Error| PrepareError::Compile(format!("the engine: {error:#}"));
        let config = EngineConfig {
            instances: config.on_demand().unwrap_or(config.instances),
            ..config
        };
        let pool = Arc::new(Semaphore::new(config.instances as usize));
        let config = EngineConfig {
            instances: config.instances.saturating_add(RESERVE),
            ..config
        };
        let epoch_engine = Arc::new(EpochEngine::new(config).map_err(engine)?);
        let scratch = EpochEngine::quick(config).map_err(engine)?;
        let linker = linker(&epoch_engine.engine).map_err(engine)?;
        let scratch_linker = self::linker(&scratch.engine).map_err(engine)?;
        Ok(Arc::new(Self {
            epoch_engine,
            linker,
            scratch,
            scratch_linker,
            cache,
            interpreters: Mutex::default(),
            state,
            pool,
            reserve: Arc::new(Semaphore::new(RESERVE as usize)),
        }))
    }

    /// The memory of its interceptors.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes a plugin ready. Takes milliseconds where its machine code is cached, tens of milliseconds for a small new
    /// one; seconds for an interpreter.
    pub async fn prepare(self: &Arc<Self>, spec: Spec) -> Result<Plugin, PrepareError> {
        self.prepare_as(spec, false).await
    }

    /// Makes a plugin ready to be tried beside the live one of that name: its settings and grants are judged as if it
    /// were live, but it has no HTTP, directories are read-only, its state is a copy of what the live one remembers now,
    /// and its runs take no instance from those of live ones.
    ///
    /// # Errors
    /// As of [`Self::prepare`].
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
        // Compiling holds a thread for as long as it takes.
        let prepared = tokio::task::spawn_blocking(move || {
            runtime.block_on(this.prepare_here(spec, candidate))
        })
        .await;
        prepared.unwrap_or_else(|_| Err(PrepareError::Compile("the compiler gave up on it".into())))
    }

    async fn prepare_here(&self, spec: Spec, candidate: bool) -> Result<Plugin, PrepareError> {
        let manifest = spec.file.manifest();
        let issues = schema::issues(&manifest.settings, &spec.settings, spec.settings_private)
            .map_err(PrepareError::Schema)?;
        if !issues.is_empty() {
            return Err(PrepareError::Settings(issues));
        }
        let (mut grants, mut withheld) = settle(&manifest.asks, &spec.grants)?;
        if candidate {
            grants = grants.for_candidate(&manifest.asks, &mut withheld);
        }
        let memory = spec.memory.or(manifest.memory()).unwrap_or(DEFAULT_MEMORY);
        if memory > MAX_MEMORY {
            return Err(PrepareError::Memory);
        }
        // Whose log lines they are; no interceptor's name has a slash.
        let interceptor: Arc<str> = match candidate {
            true => format!("{}/candidate", spec.interceptor).into(),
            false => spec.interceptor.clone(),
        };
        let capabilities = |grants, state, shadow, quiet| {
            Arc::new(Capabilities {
                interceptor: interceptor.clone(),
                grants,
                state,
                shadow,
                quiet,
                memory,
                document: spec.document,
                simulation: None,
            })
        };
        let empty = || self.state.shadow();
        let nothing = capabilities(ResolvedGrants::default(), empty(), empty(), true);
        let settings: Arc<str> = spec.settings.to_string().into();
        let guest = self.guest(&spec, &settings, &nothing).await?;
        let description = InterceptorInfo {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: spec.file.digest().to_owned(),
            hooks: manifest.hooks(),
        };
        let concurrency = spec.concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let mut plugin = Plugin {
            description,
            guest,
            capabilities: nothing,
            concurrency: ConcurrencyLimit::new(
                concurrency,
                match candidate {
                    true => self.reserve.clone(),
                    false => self.pool.clone(),
                },
            ),
            withheld,
            fault_detail: spec.fault_detail,
            epoch_engine: self.epoch_engine.clone(),
        };
        // Without any capabilities: it shows that the plugin runs, and must not touch anything.
        smoke(&plugin).await?;
        plugin.capabilities = match candidate {
            // The live state is out of its reach, whatever a run says.
            true => {
                let copy = self.state.copy(&spec.interceptor);
                capabilities(grants, copy.clone(), copy, true)
            }
            false => capabilities(grants, self.state.table(&spec.interceptor), empty(), false),
        };
        Ok(plugin)
    }

    /// The linked component: from the cache, or configured, snapshotted and compiled.
    async fn guest(
        &self,
        spec: &Spec,
        settings: &Arc<str>,
        nothing: &Arc<Capabilities>,
    ) -> Result<Guest, PrepareError> {
        if let Some(dev_source) = spec.file.dev_source() {
            return self.interpreted(spec, dev_source, settings, nothing).await;
        }
        let engine = &self.epoch_engine.engine;
        let id = Id::new(spec.file.digest(), settings, engine_hash(engine));
        let cache = self.cache.as_ref().filter(|_| !spec.settings_private);
        if let Some(entry) = cache.and_then(|cache| cache.get(&id))
            && let Some(component) = entry.load(engine)
        {
            return self.linked(
                spec,
                &component,
                settings,
                (!entry.snapshotted).then(|| "see plugin inspect".into()),
            );
        }
        let bytes = spec.file.bytes();
        let taken = snapshot::take(
            &self.scratch,
            &self.scratch_linker,
            bytes,
            settings,
            nothing,
        )
        .await;
        let compile = |bytes: &[u8]| {
            Component::new(engine, bytes).map_err(|e| PrepareError::Compile(format!("{e:#}")))
        };
        let (component, per_run) = match taken {
            Snapshot::Refused(configured) => return Err(refused(configured, spec)),
            Snapshot::Taken(snapshot) => (compile(&snapshot)?, None),
            Snapshot::Impossible(why) => {
                let component = compile(bytes)?;
                match configure::run(
                    &self.epoch_engine,
                    &self.linker,
                    &component,
                    settings,
                    nothing,
                )
                .await
                {
                    Ok(_) => (component, Some(why)),
                    Err(configured) => return Err(refused(configured, spec)),
                }
            }
        };
        if let (Some(cache), Ok(code)) = (cache, component.serialize()) {
            cache.put(&id, per_run.is_none(), &code);
        }
        self.linked(spec, &component, settings, per_run)
    }

    /// An interpreter that is given its source with its settings, before each run.
    async fn interpreted(
        &self,
        spec: &Spec,
        dev_source: &DevSource,
        settings: &str,
        nothing: &Arc<Capabilities>,
    ) -> Result<Guest, PrepareError> {
        let component = self.interpreter(dev_source).await?;
        let given = dev_source.settings(settings);
        match configure::run(
            &self.epoch_engine,
            &self.linker,
            &component,
            &given,
            nothing,
        )
        .await
        {
            Ok(_) => self.linked(spec, &component, &given, Some(DEVELOPMENT.into())),
            Err(configured) => Err(refused(configured, spec)),
        }
    }

    /// Its machine code, which knows neither source nor settings.
    async fn interpreter(&self, dev_source: &DevSource) -> Result<Component, PrepareError> {
        // Held while it is compiled: whoever wants the same one waits for it.
        let mut kept = self.interpreters.lock().await;
        if let Some((_, component)) = kept.iter().find(|(digest, _)| *digest == dev_source.digest) {
            return Ok(component.clone());
        }
        let engine = &self.epoch_engine.engine;
        // No settings are this short, so that no plugin's code has this name.
        let id = Id::new(&dev_source.digest, "", engine_hash(engine));
        let cached = self.cache.as_ref().and_then(|cache| cache.get(&id));
        let cached = cached.and_then(|entry| entry.load(engine));
        let component = match cached {
            Some(component) => component,
            None => {
                let component = Component::new(engine, &dev_source.code)
                    .map_err(|error| PrepareError::Compile(format!("{error:#}")))?;
                if let (Some(cache), Ok(code)) = (&self.cache, component.serialize()) {
                    cache.put(&id, false, &code);
                }
                component
            }
        };
        kept.truncate(INTERPRETERS - 1);
        kept.push_front((dev_source.digest.clone(), component.clone()));
        Ok(component)
    }

    fn linked(
        &self,
        spec: &Spec,
        component: &Component,
        settings: &Arc<str>,
        per_run: Option<String>,
    ) -> Result<Guest, PrepareError> {
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
                })
            }
        };
        Ok(Guest {
            pre,
            pre_call,
            post_call,
            per_run,
        })
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Sandbox>> {
    struct Own;
    impl wasmtime::component::HasData for Own {
        type Data<'a> = &'a mut Sandbox;
    }
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::Interceptor::add_to_linker::<_, Own>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

fn engine_hash(engine: &Engine) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Why there is no configured plugin. A guest may repeat its settings in anything it says, so where they are private its
/// own words are withheld.
fn refused(configured: Configured, spec: &Spec) -> PrepareError {
    match configured {
        Configured::Unlinked(why) => PrepareError::Link(why),
        Configured::Issues(mut issues) => {
            if spec.settings_private {
                for issue in &mut issues {
                    issue.message =
                        "not accepted (what the plugin says of it is withheld: it may repeat a secret)".into();
                }
            }
            PrepareError::Settings(issues)
        }
        Configured::Failed(failure) => PrepareError::Configure(match failure {
            Failure::Trap { frames, .. } if spec.settings_private => Failure::Trap {
                reason: "what it says of it is withheld: it may repeat a secret".into(),
                frames,
                detail: String::new(),
            },
            failure => failure,
        }),
    }
}

/// One call of each hook with an empty document: what is not exported, or crashes at once, is found before traffic is.
async fn smoke(plugin: &Plugin) -> Result<(), PrepareError> {
    for (hook, _, events) in &plugin.description.hooks {
        let method = events
            .iter()
            .find(|event| !event.contains(['*', '?', '[', '{']))
            .map_or("ping", String::as_str);
        let run = HookRequest {
            call: Arc::new(Call {
                id: CallId("smoke".into()),
                method: method.into(),
                direction: Direction::ClientToServer,
                era: Era::Modern,
                server: "smoke".into(),
                target: None,
                client_target: None,
                session: None,
                principal: None,
                account: sandgate_message::Account::Local,
                groups: Arc::new([]),
                definition: None,
                attributes: Arc::new([]),
            }),
            document: Json::empty_object(),
            sent: None,
            failed: false,
            carried: None,
            timeout: SMOKE,
            deadline: Instant::now() + HookRequest::wall_limit(SMOKE),
            shadow: true,
        };
        let failure = match hook {
            Hook::PreCall => plugin.pre_call(run).await.decision.err(),
            Hook::PostCall => plugin.post_call(run).await.decision.err(),
        };
        match failure {
            // An empty document may well be an error to it.
            None | Some(Failure::Own { .. }) => {}
            Some(failure) => {
                return Err(PrepareError::Smoke {
                    hook: *hook,
                    failure,
                });
            }
        }
    }
    Ok(())
}
