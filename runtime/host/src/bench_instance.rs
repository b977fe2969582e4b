//! One instance for many runs, to measure how much an instance per run costs.
//!
//! [`BenchInstance`] does not implement [`Interceptor`](sandgate_message::Interceptor), so it cannot be part of a
//! pipeline: in a gateway no two runs share an instance.

use std::time::{Duration, Instant};

use sandgate_message::{Failure, Hook, HookRequest};
use wasmtime::Store;
use wasmtime::component::{Instance, Resource};

use crate::decisions;
use crate::handles::DOCUMENT;
use crate::meter::metered;
use crate::plugin::Plugin;
use crate::sandbox::{Sandbox, Task, store};

/// An instance of a plugin that is kept for many runs.
pub struct BenchInstance<'a> {
    plugin: &'a Plugin,
    store: Store<Sandbox>,
    instance: Instance,
}

impl Plugin {
    /// Makes an instance for many runs. Each run finds the memory as the last one left it.
    ///
    /// # Errors
    /// The instance cannot be made, or its `configure` fails.
    pub async fn bench_instance(&self) -> Result<BenchInstance<'_>, Failure> {
        let _ticking = self.epoch_engine.ticking();
        let mut store = store(
            self.component.pre.engine(),
            &self.capabilities,
            Task::Configure,
        );
        let made = self
            .component
            .run(&mut store, async |_, instance| Ok(Ok(*instance)))
            .await;
        match made {
            Ok(Ok(instance)) => Ok(BenchInstance {
                plugin: self,
                store,
                instance,
            }),
            Ok(Err(_)) => Err(Failure::Load("it is not configured".into())),
            Err(error) => Err(Failure::Load(error.to_string())),
        }
    }
}

impl BenchInstance<'_> {
    /// Runs a hook and returns the time it took. `None`: the run failed, for example because the guest never frees
    /// memory and has filled it. The instance must not be used again then.
    pub async fn run(&mut self, hook: Hook, run: HookRequest) -> Option<Duration> {
        let started = Instant::now();
        let bounds = (run.timeout, run.deadline);
        self.store.data_mut().restart(run);
        self.store.set_epoch_deadline(1);
        let _ticking = self.plugin.epoch_engine.ticking();
        let decided = metered(bounds, self.call(hook)).await;
        matches!(decided, Ok(Ok(true))).then(|| started.elapsed())
    }

    /// Calls a hook. Returns whether the guest came to a valid decision.
    async fn call(&mut self, hook: Hook) -> wasmtime::Result<bool> {
        let Self {
            plugin,
            store,
            instance,
        } = self;
        let limits = &plugin.capabilities.document;
        let (context, document) = (Resource::new_borrow(0), Resource::new_borrow(DOCUMENT));
        Ok(match hook {
            Hook::PreCall => {
                let Some(indices) = &plugin.component.pre_call else {
                    return Ok(false);
                };
                let guest = indices.load(&mut *store, instance)?;
                let decided = guest.call_handle(&mut *store, context, document).await?;
                decided.is_ok_and(|decision| decisions::pre_call(decision, limits).is_ok())
            }
            Hook::PostCall => {
                let Some(indices) = &plugin.component.post_call else {
                    return Ok(false);
                };
                let guest = indices.load(&mut *store, instance)?;
                let decided = guest.call_handle(&mut *store, context, document).await?;
                decided.is_ok_and(|decision| decisions::post_call(decision, limits).is_ok())
            }
        })
    }
}
