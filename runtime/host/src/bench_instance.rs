//! One instance for many runs, to tell what an instance of its own costs a run: for measuring alone.
//!
//! It is no [`Interceptor`](sandgate_message::Interceptor), so that no pipeline can be given one: in a gateway no two runs
//! share an instance.

use std::time::{Duration, Instant};

use sandgate_message::{Failure, Hook, HookRequest};
use wasmtime::Store;
use wasmtime::component::{Instance, Resource};

use crate::decide;
use crate::handles::DOCUMENT;
use crate::meter::metered;
use crate::plugin::Plugin;
use crate::sandbox::{Sandbox, Task, store};

/// A plugin's instance that stays.
pub struct BenchInstance<'a> {
    plugin: &'a Plugin,
    store: Store<Sandbox>,
    instance: Instance,
}

impl Plugin {
    /// An instance that stays as long as what is returned: what one run leaves in its memory, the next one finds.
    ///
    /// # Errors
    /// There is no room for it, or it cannot be configured.
    pub async fn bench_instance(&self) -> Result<BenchInstance<'_>, Failure> {
        let _ticking = self.epoch_engine.ticking();
        let mut store = store(self.guest.pre.engine(), &self.capabilities, Task::Configure);
        let made = self
            .guest
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
    /// How long one run takes; nothing where it fails. After that the instance is of no more use: a guest that never gives
    /// memory back has filled it, for example.
    pub async fn run(&mut self, hook: Hook, run: HookRequest) -> Option<Duration> {
        let started = Instant::now();
        let bounds = (run.timeout, run.deadline);
        self.store.data_mut().again(run);
        self.store.set_epoch_deadline(1);
        let _ticking = self.plugin.epoch_engine.ticking();
        let decided = metered(bounds, self.call(hook)).await;
        matches!(decided, Ok(Ok(true))).then(|| started.elapsed())
    }

    /// Whether it came to a decision that is one.
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
                let Some(indices) = &plugin.guest.pre_call else {
                    return Ok(false);
                };
                let guest = indices.load(&mut *store, instance)?;
                let decided = guest.call_handle(&mut *store, context, document).await?;
                decided.is_ok_and(|decision| decide::pre(decision, limits).is_ok())
            }
            Hook::PostCall => {
                let Some(indices) = &plugin.guest.post_call else {
                    return Ok(false);
                };
                let guest = indices.load(&mut *store, instance)?;
                let decided = guest.call_handle(&mut *store, context, document).await?;
                decided.is_ok_and(|decision| decide::post(decision, limits).is_ok())
            }
        })
    }
}
