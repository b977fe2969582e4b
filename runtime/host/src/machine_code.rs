//! The machine code of a component. Who loads it runs it, so it has three sources and no other: the compiler, a cache that
//! has proven that it wrote the bytes itself, and a package whose digest the program holds.

use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{CacheStore, Engine};

use crate::engine::EpochEngine;
use crate::functions::Functions;

/// The machine code of a component.
pub(crate) struct MachineCode(Vec<u8>);

impl MachineCode {
    /// Compiles a component for an engine. Of `functions`, those that are known are not compiled again; the others are
    /// added to them.
    ///
    /// # Errors
    /// The component is damaged, or uses what the engine does not have.
    pub(crate) fn compile(
        engine: &EpochEngine,
        component: &[u8],
        functions: Option<&Arc<Functions>>,
    ) -> wasmtime::Result<Self> {
        let Some(functions) = functions else {
            return Ok(Self(engine.engine.precompile_component(component)?));
        };
        // An engine keeps its functions as long as it lives. This one lives as long as the compilation.
        let mut config = engine.compiling.clone();
        config.enable_incremental_compilation(functions.clone() as Arc<dyn CacheStore>)?;
        let compiler = Engine::new(&config)?;
        Ok(Self(compiler.precompile_component(component)?))
    }

    /// Bytes that the cache or the package has found to be its own.
    pub(crate) fn genuine(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Loads the code into an engine.
    ///
    /// # Errors
    /// It is for another version or configuration of the engine.
    pub(crate) fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: the bytes come from wasmtime's compiler, in this process or in one that put them into the cache: there
        // their MAC was checked with a key that only this user can read. Or they come from the package, by a digest that
        // the program holds. They are in our memory, so nobody changes them after the check.
        #[allow(unsafe_code)]
        unsafe {
            Component::deserialize(engine, &self.0)
        }
    }
}
