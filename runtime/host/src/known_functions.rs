//! Compiling with the functions that are known of a plugin's code, and keeping those that were not.

use std::sync::Arc;

use crate::cache::{Cache, CacheKey};
use crate::engine::EpochEngine;
use crate::functions::{CodeDigest, Functions};
use crate::machine_code::MachineCode;

/// The functions that are known of one plugin's code, for one engine. They are in memory while it lives.
pub(crate) struct KnownFunctions<'a> {
    engine: &'a EpochEngine,
    /// Where they are kept. `None`: nowhere, so none are known.
    kept: Option<(&'a Cache, CacheKey, Arc<Functions>)>,
}

impl<'a> KnownFunctions<'a> {
    /// Reads what `cache` has of `code`.
    pub(crate) fn read(
        engine: &'a EpochEngine,
        cache: Option<&'a Cache>,
        code: Option<CodeDigest>,
    ) -> Self {
        let kept = cache.zip(code).map(|(cache, code)| {
            let key = CacheKey::functions(code, engine.hash());
            let functions = Functions::new(cache.functions(&key).unwrap_or_default());
            (cache, key, Arc::new(functions))
        });
        Self { engine, kept }
    }

    /// Compiles a component, and keeps its functions.
    ///
    /// # Errors
    /// The component is damaged, or uses what the engine does not have.
    pub(crate) fn compile(&self, component: &[u8]) -> wasmtime::Result<MachineCode> {
        let code = self.compile_unkept(component)?;
        if let Some((cache, key, functions)) = &self.kept
            && let Some(set) = functions.grown()
        {
            cache.put_functions(key, &set);
        }
        Ok(code)
    }

    /// Compiles a snapshot that private settings have made. It uses what is known, and leaves nothing on disk.
    ///
    /// # Errors
    /// The snapshot is damaged, or uses what the engine does not have.
    pub(crate) fn compile_private(
        &self,
        plugin: &[u8],
        snapshot: &[u8],
    ) -> wasmtime::Result<MachineCode> {
        if let Some((.., functions)) = &self.kept
            && functions.are_none()
        {
            // What is kept is the plugin as it was before it saw any setting. The snapshot needs next to nothing else,
            // now and at every start.
            self.compile(plugin)?;
        }
        self.compile_unkept(snapshot)
    }

    fn compile_unkept(&self, component: &[u8]) -> wasmtime::Result<MachineCode> {
        let functions = self.kept.as_ref().map(|(.., functions)| functions);
        MachineCode::compile(self.engine, component, functions)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::EngineConfig;

    #[test]
    fn what_is_compiled_of_known_functions_is_what_is_compiled_without() {
        let folder = tempfile::tempdir().unwrap();
        let dir = cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority());
        let cache = Cache::open(dir.unwrap()).unwrap();
        let engine = EpochEngine::without_pool(EngineConfig::default()).unwrap();
        let plugin = sandgate_guests::find("loops").unwrap().bytes;
        let code = CodeDigest::of(plugin);
        assert!(code.is_some());
        let plain = KnownFunctions::read(&engine, None, code);
        let plain = plain.compile(plugin).unwrap();
        for known in [false, true] {
            let functions = KnownFunctions::read(&engine, Some(&cache), code);
            let (.., kept) = functions.kept.as_ref().unwrap();
            assert_eq!(kept.are_none(), !known);
            let compiled = functions.compile(plugin).unwrap();
            assert!(compiled.bytes() == plain.bytes());
            compiled.load(&engine.engine).unwrap();
        }
    }

    #[test]
    fn an_engine_that_compiles_makes_code_for_the_one_that_runs() {
        let config = EngineConfig {
            instances: 4,
            ..EngineConfig::default()
        };
        let plugin = sandgate_guests::find("loops").unwrap().bytes;
        let engine = EpochEngine::new(config).unwrap();
        let functions = Arc::new(Functions::new(crate::functions::FunctionSet::default()));
        let code = MachineCode::compile(&engine, plugin, Some(&functions)).unwrap();
        assert!(!functions.are_none());
        code.load(&engine.engine).unwrap();
    }
}
