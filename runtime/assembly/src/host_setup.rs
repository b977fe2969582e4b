//! Sets up what a configuration needs from the machine: the host with its cache and state, and the gateway's own
//! settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt};
use rustix::process::{Resource, getrlimit};
use sandgate_config::{Environment, Issue, Loaded, MergedEra, OnFailure, Report, Side};
use sandgate_gateway::{Access, GatewayConfig, OnUnwritten, TrustedProxies};
use sandgate_host::{Cache, EngineConfig, Host, State, StateKey, StateQuota};
use sandgate_message::Era;

use crate::document_limits;
use crate::packaged::packaged;

/// Creates the host, with its machine code cache and the interceptors' state.
///
/// # Errors
///
/// A configured cache or state cannot be used. A default cache that cannot be used is only a warning: it costs time at
/// each start.
pub fn host(loaded: &Loaded, environment: &Environment) -> Result<Arc<Host>, Report> {
    host_with(loaded, environment, state(loaded)?)
}

/// Like [`host`], with a state in memory that is dropped with the host and writes no file. Interceptors have the keys
/// of the gateway, where its state file has one.
///
/// # Errors
///
/// As for [`host`].
pub fn host_apart(loaded: &Loaded, environment: &Environment) -> Result<Arc<Host>, Report> {
    let key = loaded.config.gateway.state.as_ref().and_then(|path| {
        let (folder, name) = split(&loaded.files.path(path)).ok()?;
        StateKey::read(
            &Dir::open_ambient_dir(&folder, ambient_authority()).ok()?,
            &name,
        )
    });
    let state = State::in_memory(StateQuota::default()).with_key(key);
    host_with(loaded, environment, state)
}

fn host_with(
    loaded: &Loaded,
    environment: &Environment,
    state: State,
) -> Result<Arc<Host>, Report> {
    let error =
        |pointer: &str, why: String| loaded.report(vec![loaded.error(pointer, Side::Value, why)]);
    let gateway = &loaded.config.gateway;
    let folder = cache_folder(loaded, environment);
    let cache = match (&gateway.cache, folder) {
        (Some(_), Some(folder)) => {
            Some(open_cache(&folder).map_err(|why| error("/gateway/cache", why))?)
        }
        (_, folder) => match folder.map(|folder| open_cache(&folder)) {
            Some(Ok(cache)) => Some(cache),
            Some(Err(why)) => {
                tracing::warn!("plugins are compiled at every start: {why}");
                None
            }
            None => None,
        },
    };
    if !sandgate_host::pagemap_scan_available() {
        tracing::warn!(
            "this kernel cannot tell which pages a guest wrote (Linux 6.7 can): hooks take two to five times longer"
        );
    }
    let engine = engine();
    if let Some(instances) = engine.on_demand() {
        tracing::warn!(
            "this process may have little address space (`ulimit -v`, `LimitAS=`): instances of plugins are made one by one, \
             {instances} at a time, and hooks take several times longer"
        );
    }
    Host::new(engine, cache, packaged(), state)
        .map_err(|error| Report::new(None, vec![Issue::error(None, error.to_string())]))
}

/// The engine's configuration within this process's address space.
pub fn engine() -> EngineConfig {
    EngineConfig {
        address_space: getrlimit(Resource::As).current,
        ..EngineConfig::default()
    }
}

/// The interceptors' state.
fn state(loaded: &Loaded) -> Result<State, Report> {
    Ok(match &loaded.config.gateway.state {
        None => State::in_memory(StateQuota::default()),
        Some(path) => {
            let path = loaded.files.path(path);
            let open = || -> Result<State, String> {
                let (folder, name) = split(&path)?;
                let dir = Dir::open_ambient_dir(&folder, ambient_authority())
                    .map_err(|e| format!("{}: {e}", folder.display()))?;
                State::in_file(StateQuota::default(), &dir, &name).map_err(|e| e.to_string())
            };
            open().map_err(|why| {
                let issue = loaded.error("/gateway/state", Side::Value, why);
                let help =
                    "name a file that the gateway's user may write, in a folder that is there";
                loaded.report(vec![issue.help(help)])
            })?
        }
    })
}

/// The gateway's own settings.
pub fn gateway_config(loaded: &Loaded) -> GatewayConfig {
    let gateway = &loaded.config.gateway;
    let limits = &gateway.limits;
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    GatewayConfig {
        access: Access {
            hosts: gateway
                .allowed_hosts
                .iter()
                .map(|host| host.0.clone())
                .collect(),
            origins: gateway
                .allowed_origins
                .iter()
                .map(|origin| origin.0.clone())
                .collect(),
        },
        public_url: gateway.public_url.as_ref().map(|url| url.0.clone()),
        limits: document_limits(loaded),
        merged_era: gateway.merged_era.map(|era| match era {
            MergedEra::Legacy => Era::Legacy,
            MergedEra::Modern => Era::Modern,
        }),
        max_connections: count(limits.max_connections),
        max_streams: limits.max_streams,
        trusted_proxies: TrustedProxies(gateway.trusted_proxies.iter().map(|one| one.0).collect()),
        max_requests: count(limits.max_requests),
        max_memory: usize::try_from(limits.max_memory.0).unwrap_or(usize::MAX),
        max_listeners: count(limits.max_listeners),
        connection_idle: limits.connection_idle_timeout.0,
        header_timeout: limits.header_timeout.0,
        body_timeout: limits.body_timeout.0,
        max_sessions: count(limits.max_sessions),
        session_idle: limits.idle_timeout.0,
        session_gone: GatewayConfig::default().session_gone,
        redactor: GatewayConfig::default().redactor,
        max_in_flight: count(limits.max_in_flight),
        drain: limits.drain_timeout.0,
        on_unwritten: on_unwritten(loaded),
        processors: match gateway.workers {
            Some(workers) => usize::from(workers),
            None => GatewayConfig::default().processors,
        },
        pseudonym_key: None,
    }
}

/// What happens to calls whose record cannot be written.
pub fn on_unwritten(loaded: &Loaded) -> OnUnwritten {
    match loaded.config.call_log.on_failure {
        OnFailure::Refuse => OnUnwritten::Refuse,
        OnFailure::Continue => OnUnwritten::Continue,
    }
}

/// The folder of compiled plugins. `None` if neither the configuration nor the environment names one.
pub fn cache_folder(loaded: &Loaded, environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = &loaded.config.gateway.cache {
        return Some(loaded.files.path(path));
    }
    default_cache_folder(environment)
}

/// The folder of this user's caches: `sandgate` in `XDG_CACHE_HOME` or in `~/.cache`. `None`: there is neither.
pub fn default_cache_folder(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name: &str| {
        environment
            .get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches =
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(caches.join("sandgate"))
}

/// The cache of compiled plugins of this configuration's gateway. Without a configuration, the default cache of this
/// user. `None` if it cannot be used, which costs time.
pub fn cache_for(loaded: Option<&Loaded>, environment: &Environment) -> Option<Cache> {
    let folder = match loaded {
        Some(loaded) => cache_folder(loaded, environment)?,
        None => default_cache_folder(environment)?,
    };
    open_cache(&folder).ok()
}

fn open_cache(path: &Path) -> Result<Cache, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    let root = Dir::open_ambient_dir(
        if path.is_absolute() { "/" } else { "." },
        ambient_authority(),
    )
    .map_err(failed)?;
    let within = path.strip_prefix("/").unwrap_or(path);
    if !within.as_os_str().is_empty() {
        root.create_dir_with(within, &builder)
            .or_else(|e| if root.is_dir(within) { Ok(()) } else { Err(e) })
            .map_err(failed)?;
    }
    let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
    Cache::open(dir).map_err(|error| format!("{}: {error}", path.display()))
}

fn split(path: &Path) -> Result<(PathBuf, String), String> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| format!("{} names no file", path.display()))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    Ok((folder.to_owned(), name.to_owned()))
}
