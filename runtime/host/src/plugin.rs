//! Plugins that are prepared, and their hook runs. Each run has an instance of its own.
//!
//! The instance starts with the memory after `configure` and is dropped after the run. So no run finds data of another
//! caller, and a crash affects only the run in which it happens.

use std::future::ready;
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
use crate::contains::Contains;
use crate::decisions;
use crate::engine::EpochEngine;
use crate::failure::{NO_PROCESSOR, StopReason, classify};
use crate::fault_report::FaultReport;
use crate::grants::Withheld;
use crate::handles::DOCUMENT;
use crate::meter::{self, Expiry, metered};
use crate::sandbox::{Sandbox, Task, store};
use crate::simulation::Simulation;

/// A plugin that is ready: an interceptor that runs in a sandboxed component.
pub struct Plugin {
    pub(crate) info: InterceptorInfo,
    /// What a message must contain for the pre-call to run, and for the post-call.
    pub(crate) contains: [Contains; 2],
    pub(crate) component: LinkedComponent,
    pub(crate) capabilities: Arc<Capabilities>,
    pub(crate) concurrency: ConcurrencyLimit,
    pub(crate) withheld: Vec<Withheld>,
    /// Whether the log shows what a failing guest says, which may repeat the payload.
    pub(crate) fault_detail: bool,
    /// The plugin keeps the engine's clock alive: without it a guest that only computes is never stopped.
    pub(crate) epoch_engine: Arc<EpochEngine>,
}

/// A component that is linked with the host functions, and the indices of its hooks.
pub(crate) struct LinkedComponent {
    pub(crate) pre: InstancePre<Sandbox>,
    pub(crate) pre_call: Option<pre_call::GuestIndices>,
    pub(crate) post_call: Option<post_call::GuestIndices>,
    /// How to configure the instance of each run. `None`: the component is a snapshot.
    pub(crate) per_run: Option<PerRunConfigure>,
}

/// Configures the instance of each run, for a component that cannot be snapshotted.
pub(crate) struct PerRunConfigure {
    pub(crate) configure: settings::GuestIndices,
    pub(crate) settings: Arc<str>,
    /// Why the component cannot be snapshotted.
    pub(crate) why: String,
    /// Whether the time of `configure` counts apart from that of the hook, since the plugin made for operators is
    /// configured once.
    pub(crate) apart: bool,
}

impl Plugin {
    /// The capabilities that the plugin asks for and does not get.
    pub fn withheld(&self) -> &[Withheld] {
        &self.withheld
    }

    /// Why the instance of each run is configured anew. `None`: the plugin is a snapshot.
    pub fn configured_each_time(&self) -> Option<&str> {
        self.component
            .per_run
            .as_ref()
            .map(|each| each.why.as_str())
    }

    /// The plugin in a simulation, for an author's tests.
    #[must_use]
    pub fn on(mut self, simulation: Arc<Simulation>) -> Self {
        self.set_simulation(simulation);
        self
    }

    /// Puts the plugin into a simulation from now on, for an author's tests.
    pub fn set_simulation(&mut self, simulation: Arc<Simulation>) {
        let mut capabilities = Capabilities::clone(&self.capabilities);
        capabilities.simulation = Some(simulation);
        self.capabilities = Arc::new(capabilities);
    }

    /// Makes an instance without limits and drops it, without running a hook. No hook run can be faster. For measuring.
    ///
    /// # Errors
    /// The instance cannot be made, for example because the pool is full.
    #[doc(hidden)]
    pub async fn floor(&self) -> Result<(), Failure> {
        let _ticking = self.epoch_engine.ticking();
        let sandbox = Sandbox::new(self.capabilities.clone(), Task::Configure);
        let mut store = Store::new(self.component.pre.engine(), sandbox);
        // The epoch deadline of a new store has passed, so the guest would trap at its first check.
        store.set_epoch_deadline(u64::MAX / 2);
        let made = self.component.pre.instantiate_async(&mut store).await;
        made.map(drop)
            .map_err(|error| Failure::Load(error.to_string()))
    }

    /// Runs a hook in an instance of its own, within the limits of the run.
    async fn run<D>(
        &self,
        run: HookRequest,
        hook: impl AsyncFnOnce(&mut Store<Sandbox>, &Instance) -> wasmtime::Result<Result<D, Fault>>,
    ) -> HookResult<D> {
        let started = Instant::now();
        let (deadline, timeout) = (run.deadline, run.timeout);
        let mut outcome = match self.concurrency.acquire(&run.call.account, deadline).await {
            Err(overload) => HookResult::failed(overload),
            Ok(_permit) => {
                let _ticking = self.epoch_engine.ticking();
                let simulated = Simulation::current()
                    .map(|simulation| self.capabilities.with_simulation(simulation));
                let capabilities = simulated.as_ref().unwrap_or(&self.capabilities);
                let mut store = store(self.component.pre.engine(), capabilities, Task::Hook(run));
                let ran = metered((timeout, deadline), self.component.run(&mut store, hook)).await;
                self.outcome(ran, store, timeout)
            }
        };
        outcome.took = started.elapsed();
        outcome
    }

    /// The detail of a fault, or nothing unless the operator asked for details: a detail may repeat the payload.
    fn permitted_detail(&self, detail: String) -> String {
        match self.fault_detail {
            true => detail,
            false => String::new(),
        }
    }

    /// Turns the end of a run into its result, and logs a failure.
    fn outcome<D>(
        &self,
        ran: Result<wasmtime::Result<Result<D, Fault>>, Expiry>,
        mut store: Store<Sandbox>,
        timeout: std::time::Duration,
    ) -> HookResult<D> {
        let data = store.data_mut();
        let (findings, carry) = (std::mem::take(&mut data.findings), data.carry.take());
        let decision = match ran {
            Err(Expiry::Timeout) => Err(Failure::deadline(timeout)),
            Err(Expiry::Overload) => Err(NO_PROCESSOR),
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
                    detail: self.permitted_detail(detail),
                })
            }
            Ok(Err(error)) => {
                // What a guest wrote to stderr may repeat the payload.
                let stderr = if self.fault_detail {
                    data.stderr.contents()
                } else {
                    Vec::new()
                };
                let said = data.last_words.take().map(|words| FaultReport {
                    detail: self.permitted_detail(words.detail),
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
            let (kind, cause) = (failure.kind(), frames_and_detail(failure));
            if self.capabilities.quiet {
                tracing::debug!(interceptor, call, kind, "{failure}{cause}");
            } else {
                tracing::warn!(interceptor, call, kind, "{failure}{cause}");
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

/// The frames of a failure, one per line, and its detail.
fn frames_and_detail(failure: &Failure) -> String {
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

impl LinkedComponent {
    /// Makes an instance, configures it where that is due, and runs a hook in it.
    pub(crate) async fn run<D>(
        &self,
        store: &mut Store<Sandbox>,
        hook: impl AsyncFnOnce(&mut Store<Sandbox>, &Instance) -> wasmtime::Result<Result<D, Fault>>,
    ) -> wasmtime::Result<Result<D, Fault>> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        if let Some(each) = &self.per_run {
            // The same rules apply as when the plugin was prepared, so that the result is the same.
            let run = std::mem::replace(&mut store.data_mut().task, Task::Configure);
            if each.apart {
                meter::restart(configure::TIMEOUT);
            }
            let configured =
                configure::call(store, &instance, &each.configure, &each.settings).await?;
            store.data_mut().switch_task(run);
            if let (true, Some(run)) = (each.apart, store.data().run()) {
                meter::restart(run.timeout);
            }
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
        &self.info
    }

    /// The machine code, and the memory with which each instance begins.
    fn memory(&self) -> u64 {
        let image = self.component.pre.component().image_range();
        (image.end.addr() - image.start.addr()) as u64
    }

    fn pre_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        if self.contains[0].rules_out(&run.call.method, &run.document) {
            return Box::pin(ready(HookResult::decided(PreDecision::Proceed)));
        }
        self.run_pre_call(run)
    }

    fn post_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>> {
        if self.contains[1].rules_out(&run.call.method, &run.document) {
            return Box::pin(ready(HookResult::decided(PostDecision::Proceed)));
        }
        self.run_post_call(run)
    }
}

impl Plugin {
    /// Runs the pre-call, whatever the message contains.
    pub(crate) fn run_pre_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        Box::pin(async move {
            let Some(indices) = &self.component.pre_call else {
                return HookResult::failed(Failure::Load("it has no pre-call".into()));
            };
            let limits = self.capabilities.document;
            self.run(run, async |store, instance| {
                let guest = indices.load(&mut *store, instance)?;
                let (context, params) = (Resource::new_borrow(0), Resource::new_borrow(DOCUMENT));
                match guest.call_handle(&mut *store, context, params).await? {
                    Ok(decision) => decisions::pre_call(decision, &limits)
                        .map(Ok)
                        .map_err(|stop_reason| store.data_mut().stop(stop_reason)),
                    Err(fault) => Ok(Err(fault)),
                }
            })
            .await
        })
    }

    /// Runs the post-call, whatever the message contains.
    pub(crate) fn run_post_call(
        &self,
        run: HookRequest,
    ) -> BoxFuture<'_, HookResult<PostDecision>> {
        Box::pin(async move {
            let Some(indices) = &self.component.post_call else {
                return HookResult::failed(Failure::Load("it has no post-call".into()));
            };
            let limits = self.capabilities.document;
            self.run(run, async |store, instance| {
                let guest = indices.load(&mut *store, instance)?;
                let (context, reply) = (Resource::new_borrow(0), Resource::new_borrow(DOCUMENT));
                match guest.call_handle(&mut *store, context, reply).await? {
                    Ok(decision) => decisions::post_call(decision, &limits)
                        .map(Ok)
                        .map_err(|stop_reason| store.data_mut().stop(stop_reason)),
                    Err(fault) => Ok(Err(fault)),
                }
            })
            .await
        })
    }
}
