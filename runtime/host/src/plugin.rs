//! A plugin, prepared once; a fresh instance for every hook run.
//!
//! The instance starts from the memory that `configure` left and is thrown away after the run: nothing one caller sent is
//! there when the next one comes, and a crash harms only the run it happens in.

use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{
    BoxFuture, Failure, HookRequest, HookResult, Interceptor, InterceptorInfo, PostDecision,
    PreDecision,
};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Resource};

use crate::bindings::decision::Fault;
use crate::bindings::{post_call, pre_call, settings};
use crate::capabilities::Capabilities;
use crate::concurrency::ConcurrencyLimit;
use crate::configure;
use crate::decide;
use crate::engine::EpochEngine;
use crate::failure::{PROCESSOR, StopReason, classify};
use crate::fault_report::FaultReport;
use crate::grants::Withheld;
use crate::handles::DOCUMENT;
use crate::meter::{Stop, metered};
use crate::sandbox::{Sandbox, Task, store};
use crate::simulation::Simulation;

/// An interceptor that is a sandboxed component.
pub struct Plugin {
    pub(crate) description: InterceptorInfo,
    pub(crate) guest: Guest,
    pub(crate) capabilities: Arc<Capabilities>,
    pub(crate) concurrency: ConcurrencyLimit,
    pub(crate) withheld: Vec<Withheld>,
    pub(crate) fault_detail: bool,
    /// Without its clock a guest that only computes would never be stopped.
    pub(crate) epoch_engine: Arc<EpochEngine>,
}

/// The linked component and where its hooks are.
pub(crate) struct Guest {
    pub(crate) pre: InstancePre<Sandbox>,
    pub(crate) pre_call: Option<pre_call::GuestIndices>,
    pub(crate) post_call: Option<post_call::GuestIndices>,
    /// Where the component cannot be snapshotted: how to configure every instance, and why.
    pub(crate) per_run: Option<PerRunConfigure>,
}

pub(crate) struct PerRunConfigure {
    pub(crate) configure: settings::GuestIndices,
    pub(crate) settings: Arc<str>,
    pub(crate) why: String,
}

impl Plugin {
    /// Asked for and not given.
    pub fn withheld(&self) -> &[Withheld] {
        &self.withheld
    }

    /// Why every instance is configured anew, where its memory after `configure` could not be kept.
    pub fn configured_each_time(&self) -> Option<&str> {
        self.guest.per_run.as_ref().map(|each| each.why.as_str())
    }

    /// From here on it meets this instead of the world. For an author's tests.
    #[must_use]
    pub fn on(mut self, simulation: Arc<Simulation>) -> Self {
        self.set_simulation(simulation);
        self
    }

    /// The same, for a plugin that stays where it is.
    pub fn set_simulation(&mut self, simulation: Arc<Simulation>) {
        let mut capabilities = Capabilities::clone(&self.capabilities);
        capabilities.simulation = Some(simulation);
        self.capabilities = Arc::new(capabilities);
    }

    /// Makes an instance and throws it away, with nothing on and nothing run: below this no hook run can come. For
    /// measuring.
    ///
    /// # Errors
    /// The pool is full.
    #[doc(hidden)]
    pub async fn floor(&self) -> Result<(), Failure> {
        let _ticking = self.epoch_engine.ticking();
        let sandbox = Sandbox::new(self.capabilities.clone(), Task::Configure);
        let mut store = Store::new(self.guest.pre.engine(), sandbox);
        // Without a deadline the first check in the guest would stop it.
        store.set_epoch_deadline(u64::MAX / 2);
        let made = self.guest.pre.instantiate_async(&mut store).await;
        made.map(drop)
            .map_err(|error| Failure::Load(error.to_string()))
    }

    async fn run<D>(
        &self,
        run: HookRequest,
        hook: impl AsyncFnOnce(&mut Store<Sandbox>, &Instance) -> wasmtime::Result<Result<D, Fault>>,
    ) -> HookResult<D> {
        let started = Instant::now();
        let (deadline, timeout) = (run.deadline, run.timeout);
        let mut outcome = match self.concurrency.take(&run.call.account, deadline).await {
            Err(overload) => HookResult::failed(overload),
            Ok(_place) => {
                let _ticking = self.epoch_engine.ticking();
                let staged =
                    Simulation::current().map(|simulation| self.capabilities.on(simulation));
                let capabilities = staged.as_ref().unwrap_or(&self.capabilities);
                let mut store = store(self.guest.pre.engine(), capabilities, Task::Hook(run));
                let ran = metered((timeout, deadline), self.guest.run(&mut store, hook)).await;
                self.outcome(ran, store, timeout)
            }
        };
        outcome.took = started.elapsed();
        outcome
    }

    /// What a guest says may repeat the payload.
    fn withheld_unless_asked(&self, detail: String) -> String {
        match self.fault_detail {
            true => detail,
            false => String::new(),
        }
    }

    fn outcome<D>(
        &self,
        ran: Result<wasmtime::Result<Result<D, Fault>>, Stop>,
        mut store: Store<Sandbox>,
        timeout: std::time::Duration,
    ) -> HookResult<D> {
        let data = store.data_mut();
        let (findings, carry) = (std::mem::take(&mut data.findings), data.carry.take());
        let decision = match ran {
            Err(Stop::Timeout) => Err(Failure::Deadline(timeout)),
            Err(Stop::Overload) => Err(PROCESSOR),
            Ok(Ok(Ok(decision))) => Ok(decision),
            Ok(Ok(Err(fault))) => {
                let FaultReport {
                    kind,
                    frames,
                    detail,
                } = FaultReport::of(fault);
                Err(Failure::Own {
                    kind: if kind.is_empty() {
                        "error".into()
                    } else {
                        kind
                    },
                    frames,
                    detail: self.withheld_unless_asked(detail),
                })
            }
            Ok(Err(error)) => {
                // What a guest printed may repeat the payload.
                let stderr = if self.fault_detail {
                    data.stderr.contents()
                } else {
                    Vec::new()
                };
                let said = data.last_words.take().map(|words| FaultReport {
                    detail: self.withheld_unless_asked(words.detail),
                    ..*words
                });
                Err(classify(
                    &error,
                    data.stop_reason.take(),
                    timeout,
                    said,
                    &stderr,
                ))
            }
        };
        if let Err(failure) = &decision {
            let interceptor = &*self.capabilities.interceptor;
            let call = data.run().map_or("-", |run| &*run.call.id.0);
            let (kind, told) = (failure.kind(), told(failure));
            if self.capabilities.quiet {
                tracing::debug!(interceptor, call, kind, "{failure}{told}");
            } else {
                tracing::warn!(interceptor, call, kind, "{failure}{told}");
            }
        }
        HookResult {
            decision,
            findings,
            carry,
            took: std::time::Duration::ZERO,
        }
    }
}

/// Where it was, a line a frame, and what was said of it where the operator wants that.
fn told(failure: &Failure) -> String {
    let mut text = String::new();
    for frame in failure.frames() {
        text.push_str("\n  at ");
        text.push_str(frame);
    }
    if !failure.detail().is_empty() {
        text.push('\n');
        text.push_str(failure.detail());
    }
    text
}

impl Guest {
    /// One run in an instance of its own.
    pub(crate) async fn run<D>(
        &self,
        store: &mut Store<Sandbox>,
        hook: impl AsyncFnOnce(&mut Store<Sandbox>, &Instance) -> wasmtime::Result<Result<D, Fault>>,
    ) -> wasmtime::Result<Result<D, Fault>> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        if let Some(each) = &self.per_run {
            // Under the same rules as when it was prepared: then it cannot come out otherwise.
            let run = std::mem::replace(&mut store.data_mut().task, Task::Configure);
            let configured =
                configure::call(store, &instance, &each.configure, &each.settings).await?;
            store.data_mut().begin(run);
            if configured.is_err() {
                return Err(store
                    .data_mut()
                    .stop(StopReason::Malformed("configure changed its mind".into())));
            }
        }
        hook(store, &instance).await
    }
}

impl Interceptor for Plugin {
    fn plugin(&self) -> &InterceptorInfo {
        &self.description
    }

    fn pre_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        Box::pin(async move {
            let Some(indices) = &self.guest.pre_call else {
                return HookResult::failed(Failure::Load("it has no pre-call".into()));
            };
            let limits = self.capabilities.document;
            self.run(run, async |store, instance| {
                let guest = indices.load(&mut *store, instance)?;
                let (context, params) = (Resource::new_borrow(0), Resource::new_borrow(DOCUMENT));
                match guest.call_handle(&mut *store, context, params).await? {
                    Ok(decision) => decide::pre(decision, &limits)
                        .map(Ok)
                        .map_err(|stop_reason| store.data_mut().stop(stop_reason)),
                    Err(fault) => Ok(Err(fault)),
                }
            })
            .await
        })
    }

    fn post_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>> {
        Box::pin(async move {
            let Some(indices) = &self.guest.post_call else {
                return HookResult::failed(Failure::Load("it has no post-call".into()));
            };
            let limits = self.capabilities.document;
            self.run(run, async |store, instance| {
                let guest = indices.load(&mut *store, instance)?;
                let (context, reply) = (Resource::new_borrow(0), Resource::new_borrow(DOCUMENT));
                match guest.call_handle(&mut *store, context, reply).await? {
                    Ok(decision) => decide::post(decision, &limits)
                        .map(Ok)
                        .map_err(|stop_reason| store.data_mut().stop(stop_reason)),
                    Err(fault) => Ok(Err(fault)),
                }
            })
            .await
        })
    }
}
