//! The machine code of the built-in plugins is made for a package.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use sandgate_config::{Environment, Loaded, PluginSource};
use sandgate_host::{
    Cache, EngineConfig, Grants, Host, PluginFile, PrepareError, Spec, State, StateQuota,
};
use sandgate_message::Limits;

use crate::assembler::Assembler;
use crate::builtin;
use crate::packaged::with_digest;
use crate::plugins::Loading;

/// Compiles the built-in plugins for every processor of this architecture into the new folder `into`, with the settings
/// that these configurations have for them and with none, where none will do. The digest is written into the file
/// `program`. Of the plugins, only those in `only`; all if it is empty. Returns how many components there are.
///
/// # Errors
/// A plugin cannot be prepared, the folder is there already or cannot be written, or the file is no program of this build.
pub async fn package(
    configurations: Vec<Loaded>,
    only: &[String],
    into: &Path,
    program: &Path,
) -> Result<usize, String> {
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut builder = DirBuilder::new();
    let made = builder.mode(0o755).create(into);
    made.map_err(|error| failed(into, &error))?;
    let building = into.join("building");
    let open = |path: &Path| {
        let dir = Dir::open_ambient_dir(path, ambient_authority());
        dir.map_err(|error| failed(path, &error))
    };
    let made = DirBuilder::new().mode(0o700).create(&building);
    made.map_err(|error| failed(&building, &error))?;
    let cache = || Cache::open(open(&building)?).map_err(|error| failed(&building, &error));
    compile(configurations, only, cache()?).await?;
    let cache = cache()?;
    fs::remove_file(building.join("key")).map_err(|error| failed(&building, &error))?;
    let digest = cache.package(&open(into)?);
    let digest = digest.map_err(|error| failed(into, &error))?;
    fs::remove_dir_all(&building).map_err(|error| failed(&building, &error))?;
    let mut count = 0;
    let entries = fs::read_dir(into).map_err(|error| failed(into, &error))?;
    for entry in entries.filter_map(Result::ok) {
        // Whatever the umask is: everybody may read them, and their owner alone may write.
        fs::set_permissions(entry.path(), Permissions::from_mode(0o644))
            .map_err(|error| failed(&entry.path(), &error))?;
        count += 1;
    }
    fs::set_permissions(into, Permissions::from_mode(0o755))
        .map_err(|error| failed(into, &error))?;
    let bytes = fs::read(program).map_err(|error| failed(program, &error))?;
    let bytes = with_digest(bytes, digest).ok_or_else(|| {
        failed(program, &"it is no program of this build: nothing in it, or more than one thing, is the slot of the digest")
    })?;
    // A program that runs cannot be written, but replaced.
    let new = program.with_extension("new");
    let written = fs::write(&new, bytes)
        .and_then(|()| fs::set_permissions(&new, fs::metadata(program)?.permissions()))
        .and_then(|()| fs::rename(&new, program));
    written.map_err(|error| failed(program, &error))?;
    // The list is no component.
    Ok(count - 1)
}

/// Has a host compile into a cache.
async fn compile(configurations: Vec<Loaded>, only: &[String], cache: Cache) -> Result<(), String> {
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    let config = EngineConfig {
        portable: true,
        ..EngineConfig::default()
    };
    let state = State::in_memory(StateQuota::default());
    let host = Host::new(config, Some(cache), None, state).map_err(|error| error.to_string())?;
    let environment = Environment::of_process();
    for mut loaded in configurations {
        let builtin =
            |plugin: &PluginSource| matches!(plugin, PluginSource::Builtin(name) if wanted(name));
        loaded
            .config
            .interceptors
            .retain(|one| builtin(&one.plugin));
        let assembler = Assembler::new(host.clone());
        let assembled = assembler
            .assemble(&loaded, &environment, Loading::Start)
            .await;
        assembled.map_err(|report| report.to_string())?;
    }
    for plugin in builtin::all().iter().filter(|plugin| wanted(plugin.name)) {
        let wrong = |error: &dyn std::fmt::Display| format!("builtin:{}: {error}", plugin.name);
        let file = PluginFile::read(plugin.bytes());
        let spec = Spec {
            interceptor: plugin.name.into(),
            file: Arc::new(file.map_err(|error| wrong(&error))?),
            settings: serde_json::json!({}),
            settings_private: false,
            grants: Grants::default(),
            memory: None,
            concurrency: None,
            document: Limits::default(),
            fault_detail: false,
        };
        match host.prepare(spec).await {
            // Nobody can use it without settings.
            Ok(_) | Err(PrepareError::Settings(_)) => {}
            Err(error) => return Err(wrong(&error)),
        }
    }
    Ok(())
}
