//! `configure` once, and the memory it left as the start of every later instance.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, Lift, Linker};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::capabilities::Capabilities;
use crate::configure::{self, Configured};
use crate::engine::EpochEngine;
use crate::instrument::guarded;
use crate::sandbox::Sandbox;

/// What a snapshot came to.
pub(crate) enum Snapshot {
    /// The component with its memory filled.
    Taken(Vec<u8>),
    /// It cannot be done for this component; says why.
    Impossible(String),
    /// `configure` did not accept its settings, or failed.
    Refused(Configured),
}

/// Runs `configure` in an instance whose memory can be read, and takes it.
///
/// Its engine compiles quickly rather than well: the code runs once.
pub(crate) async fn take(
    epoch_engine: &EpochEngine,
    linker: &Linker<Sandbox>,
    component: &[u8],
    settings: &str,
    capabilities: &Arc<Capabilities>,
) -> Snapshot {
    let wizer = Wizer::new();
    let (context, instrumented) = match guarded(|| wizer.instrument_component(component)) {
        Ok(pair) => pair,
        Err(why) => return Snapshot::Impossible(why),
    };
    let component = match Component::new(&epoch_engine.engine, &instrumented) {
        Ok(component) => component,
        Err(error) => return Snapshot::Impossible(error.to_string()),
    };
    // The memory is read by running code of the component.
    let _ticking = epoch_engine.ticking();
    let (mut store, instance) =
        match configure::run(epoch_engine, linker, &component, settings, capabilities).await {
            Ok(done) => done,
            Err(refused) => return Snapshot::Refused(refused),
        };
    if !store.data().holds_nothing() {
        return Snapshot::Impossible("configure leaves WASI resources open".into());
    }
    let mut state = Access {
        store: &mut store,
        instance,
        trouble: None,
    };
    // The snapshot walks a component that anybody may have written.
    let taken = AssertUnwindSafe(wizer.snapshot_component(&context, &mut state))
        .catch_unwind()
        .await;
    match (taken, state.trouble) {
        (_, Some(error)) | (Ok(Err(error)), None) => Snapshot::Impossible(error.to_string()),
        (Err(_), None) => Snapshot::Impossible("its memory cannot be read".into()),
        (Ok(Ok(bytes)), None) => Snapshot::Taken(bytes),
    }
}

/// Reads memories and globals through the accessors that the instrumentation exported.
struct Access<'a> {
    store: &'a mut Store<Sandbox>,
    instance: Instance,
    trouble: Option<wasmtime::Error>,
}

impl Access<'_> {
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
                self.trouble.get_or_insert(error);
                None
            }
        }
    }
}

impl ComponentInstanceState for Access<'_> {
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
