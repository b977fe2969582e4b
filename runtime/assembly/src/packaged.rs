//! The machine code of the built-in plugins that a package brings: where it lies, how it is made, and how the program knows
//! it again. It is made by the finished program, so the program's file has a slot into which the digest is written then.

use std::fs::{self, DirBuilder, Permissions};
use std::hint::black_box;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use memchr::memmem;
use sandgate_config::{Environment, Loaded, PluginSource};
use sandgate_host::{
    Cache, EngineConfig, Grants, Host, PackageDigest, Packaged, PackagedError, PluginFile,
    PrepareError, ProgramFile, Spec, State, StateQuota,
};
use sandgate_message::Limits;

use crate::assembler::Assembler;
use crate::builtin;
use crate::plugins::Loading;

/// Where packages put it, from the folder of the program: beside `bin`, or beside the program of an unpacked archive.
const PLACES: [&[&str]; 2] = [
    &["..", "lib", "sandgate", "compiled"],
    &["sandgate-compiled"],
];

/// Bytes of the mark by which the slot is found in the program's file.
const MARK: usize = 32;

/// The mark, and behind it the digest. A program that was not packaged has zeros there.
#[used]
static SLOT: [u8; MARK + 32] = {
    let mark = *b"\x7fsandgate: packaged code, sha256";
    let mut slot = [0; MARK + 32];
    let mut at = 0;
    while at < MARK {
        slot[at] = mark[at];
        at += 1;
    }
    slot
};

/// The digest of what this program was packaged with. `None`: it was not packaged.
fn digest() -> Option<PackageDigest> {
    // The slot is written after the compiler is done, so the compiler must not know what is in it. If it did, zeros would
    // be found here, and nothing packaged be used.
    let (_, digest) = black_box(&SLOT).split_last_chunk()?;
    (*digest != [0; 32]).then_some(PackageDigest(*digest))
}

/// What this program was packaged with. `None`: nothing, or nothing that can be trusted, which is logged.
pub fn packaged() -> Option<Packaged> {
    match find(digest()?) {
        Ok(packaged) => Some(packaged),
        Err(error) if error.is_missing() => {
            tracing::debug!(
                "plugins are compiled here, since the program came without its package: {error}"
            );
            None
        }
        Err(error) => {
            tracing::warn!(
                "packaged machine code is not used, and plugins are compiled here: {error}"
            );
            None
        }
    }
}

/// Looks from where the program's file really is, which neither a variable nor a link nor the working folder changes.
fn find(digest: PackageDigest) -> Result<Packaged, PackagedError> {
    let failed = |error| PackagedError::Io("the program's own file".into(), error);
    let program = std::env::current_exe().map_err(failed)?;
    let file = ProgramFile::new(&fs::metadata(&program).map_err(failed)?);
    let folder = program.parent().unwrap_or(Path::new("/"));
    let folder = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
    let mut missing = None;
    for place in PLACES {
        match Packaged::open(&folder, place, file, digest) {
            Err(error) if error.is_missing() => missing = Some(error),
            found => return found,
        }
    }
    Err(missing.unwrap_or_else(|| PackagedError::Missing("its folder".into())))
}

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
        let file = PluginFile::read(Bytes::from_static(plugin.bytes));
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

/// A program's bytes with the digest in its slot. `None`: it has no slot, or something else looks like one.
fn with_digest(mut program: Vec<u8>, digest: PackageDigest) -> Option<Vec<u8>> {
    let (mark, _) = black_box(&SLOT).split_at(MARK);
    let mut found = memmem::find_iter(&program, mark);
    let (at, None) = (found.next()?, found.next()) else {
        return None;
    };
    let slot = program.get_mut(at + MARK..at + MARK + 32)?;
    slot.copy_from_slice(&digest.0);
    Some(program)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_that_was_not_packaged_looks_nowhere() {
        assert_eq!(digest(), None);
        assert!(packaged().is_none());
    }

    #[test]
    fn the_digest_is_written_where_the_program_reads_it() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        let digest = PackageDigest([0xa5; 32]);
        let length = own.len();
        let packaged = with_digest(own, digest).unwrap();
        assert_eq!(packaged.len(), length);
        let written = [&SLOT[..MARK], &digest.0].concat();
        assert_eq!(memmem::find_iter(&packaged, &written).count(), 1);
        // Once more, with another digest.
        assert!(with_digest(packaged, PackageDigest([0x5a; 32])).is_some());
    }

    #[test]
    fn what_is_no_program_of_this_build_is_not_written() {
        let digest = PackageDigest([1; 32]);
        let hostile = [
            Vec::new(),
            b"#!/bin/sh\n".to_vec(),
            SLOT[..MARK].to_vec(),
            SLOT[..MARK + 31].to_vec(),
            [SLOT, SLOT].concat(),
        ];
        for bytes in hostile {
            assert_eq!(with_digest(bytes, digest), None);
        }
    }
}
