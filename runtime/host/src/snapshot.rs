//! Snapshots: `configure` runs once, and its memory becomes the initial memory of all later instances.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, Lift, Linker};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::capabilities::Capabilities;
use crate::configure::{self, ConfigureError};
use crate::engine::EpochEngine;
use crate::instrument::catch_panic;
use crate::sandbox::Sandbox;

/// The result of taking a snapshot.
pub(crate) enum Snapshot {
    /// The component whose initial memory is that after `configure`.
    Taken(Vec<u8>),
    /// The component cannot be snapshotted. The text says why.
    Impossible(String),
    /// `configure` did not accept the settings, or failed.
    Refused(ConfigureError),
}

/// Runs `configure` in an instrumented instance and takes a snapshot of its memory.
///
/// The engine should compile quickly rather than well, since the code runs once. `compile` compiles for it and
/// loads.
pub(crate) async fn take(
    epoch_engine: &EpochEngine,
    linker: &Linker<Sandbox>,
    compile: impl Fn(&[u8]) -> wasmtime::Result<Component>,
    component: &[u8],
    settings: &str,
    capabilities: &Arc<Capabilities>,
) -> Snapshot {
    let wizer = Wizer::new();
    let (context, instrumented) = match catch_panic(|| wizer.instrument_component(component)) {
        Ok(pair) => pair,
        Err(why) => return Snapshot::Impossible(why),
    };
    let component = match compile(&instrumented) {
        Ok(component) => component,
        Err(error) => return Snapshot::Impossible(error.to_string()),
    };
    // Reading the memory runs code of the component, so the clock has to tick.
    let _ticking = epoch_engine.ticking();
    let (mut store, instance) =
        match configure::run(epoch_engine, linker, &component, settings, capabilities).await {
            Ok(done) => done,
            Err(refused) => return Snapshot::Refused(refused),
        };
    if !store.data().has_no_resources() {
        return Snapshot::Impossible("configure leaves WASI resources open".into());
    }
    let mut state = InstrumentedInstance {
        store: &mut store,
        instance,
        error: None,
    };
    // Anybody may have written the component, and Wizer panics on what it does not expect.
    let taken = AssertUnwindSafe(wizer.snapshot_component(&context, &mut state))
        .catch_unwind()
        .await;
    match (taken, state.error) {
        (_, Some(error)) | (Ok(Err(error)), None) => Snapshot::Impossible(error.to_string()),
        (Err(_), None) => Snapshot::Impossible("its memory cannot be read".into()),
        (Ok(Ok(bytes)), None) => Snapshot::Taken(bytes),
    }
}

/// Gives Wizer the memories and globals of an instance, which it reads through the exports that the instrumentation
/// added.
struct InstrumentedInstance<'a> {
    store: &'a mut Store<Sandbox>,
    instance: Instance,
    /// The first error. Wizer's interface has no place for errors.
    error: Option<wasmtime::Error>,
}

impl InstrumentedInstance<'_> {
    async fn read<R: Lift + 'static>(&mut self, instance: &str, func: &str) -> Option<R> {
        let result = async {
            let missing = || wasmtime::format_err!("no accessor {instance}#{func}");
            let index = self
                .instance
                .get_export_index(&mut *self.store, None, instance)
                .ok_or_else(missing)?;
            let index = self
                .instance
                .get_export_index(&mut *self.store, Some(&index), func)
                .ok_or_else(missing)?;
            let func = self
                .instance
                .get_typed_func::<(), (R,)>(&mut *self.store, &index)?;
            Ok(func.call_async(&mut *self.store, ()).await?.0)
        };
        match result.await {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

impl ComponentInstanceState for InstrumentedInstance<'_> {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        let list = self
            .read::<wasmtime::component::WasmList<u8>>(instance, func)
            .await;
        match &list {
            Some(list) => contents(list.as_le_slice(&*self.store)),
            None => contents(&[]),
        }
    }
    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.read(instance, func).await.unwrap_or_default()
    }
    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.read(instance, func).await.unwrap_or_default()
    }
    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.read::<f32>(instance, func)
            .await
            .unwrap_or_default()
            .to_bits()
    }
    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.read::<f64>(instance, func)
            .await
            .unwrap_or_default()
            .to_bits()
    }
}
