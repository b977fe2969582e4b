//! The data of a wasmtime store: one hook run or one `configure`, its limits, and what the guest can reach.

use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Finding, HookRequest};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::{
    FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capabilities::Capabilities;
use crate::egress::Egress;
use crate::engine::MAX_TABLE_ENTRIES;
use crate::failure::StopReason;
use crate::fault_report::FaultReport;
use crate::manifest::Access;
use crate::meter;
use crate::output_tail::OutputTail;

/// Resources (streams, directories, requests) that a guest may hold at once.
const MAX_HANDLES: usize = 1000;
/// Bytes of one set of HTTP headers. Together with [`MAX_HANDLES`] this bounds the memory that a guest can take with
/// headers.
const MAX_HEADERS: usize = 32 << 10;

/// Bytes that a guest may pass to the host in one call, in addition to twice the largest document. wasmtime copies
/// arguments before the host can check them, and a guest can pass many pointers to one text, each of which is copied.
const CALL_BYTES: usize = 16 << 20;

/// What a guest does, which decides what it may use.
pub(crate) enum Task {
    /// `configure`: the guest sees its settings and nothing else. Clock and randomness are fixed, so that the result is
    /// always the same.
    Configure,
    /// One hook run.
    Hook(HookRequest),
}

/// The data of one store.
pub(crate) struct Sandbox {
    pub(crate) capabilities: Arc<Capabilities>,
    pub(crate) task: Task,
    pub(crate) findings: Vec<Finding>,
    pub(crate) carry: Option<Arc<[u8]>>,
    /// Bytes that the run has logged so far.
    pub(crate) logged: usize,
    /// Calls of the host by the run so far.
    pub(crate) calls: u64,
    /// Why the guest was stopped. `None`: it was not.
    pub(crate) stop_reason: Option<StopReason>,
    /// The fault that the guest reported before a trap.
    pub(crate) last_words: Option<Box<FaultReport>>,
    /// Bytes of linear memory so far. Counted in a simulation only.
    memory: u64,
    pub(crate) stderr: OutputTail,
    table: ResourceTable,
    // Made when first used, since most hooks never use WASI.
    wasi: Option<Box<WasiCtx>>,
    http: WasiHttpCtx,
    egress: Option<Box<Egress>>,
}

impl Sandbox {
    pub(crate) fn new(capabilities: Arc<Capabilities>, task: Task) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let mut http = WasiHttpCtx::default();
        http.set_field_size_limit(MAX_HEADERS);
        Self {
            capabilities,
            task,
            findings: Vec::new(),
            carry: None,
            logged: 0,
            calls: 0,
            stop_reason: None,
            last_words: None,
            memory: 0,
            stderr: OutputTail::default(),
            table,
            wasi: None,
            http,
            egress: None,
        }
    }

    /// Whether the guest holds no resource of the host. Only then does its memory make sense in another instance.
    pub(crate) fn has_no_resources(&self) -> bool {
        self.table.is_empty()
    }

    /// Switches the guest to a task, with the WASI context and the network of that task.
    pub(crate) fn switch_task(&mut self, task: Task) {
        self.task = task;
        self.wasi = None;
        self.egress = None;
    }

    /// Starts another run in the same instance, for measuring. Clears the findings, the note, the counters and the stop
    /// reason of the last run.
    pub(crate) fn restart(&mut self, run: HookRequest) {
        self.task = Task::Hook(run);
        self.findings.clear();
        self.carry = None;
        self.logged = 0;
        self.calls = 0;
        self.stop_reason = None;
    }

    /// The hook run. `None`: the guest is configured.
    pub(crate) fn run(&self) -> Option<&HookRequest> {
        match &self.task {
            Task::Configure => None,
            Task::Hook(run) => Some(run),
        }
    }

    /// The epoch callback of the store, called at each tick: stops the guest past its time, and otherwise yields the
    /// thread.
    pub(crate) fn tick(mut store: StoreContextMut<'_, Self>) -> wasmtime::Result<UpdateDeadline> {
        if let Err(expiry) = meter::tick() {
            return Err(store.data_mut().stop(expiry.into()));
        }
        // `UpdateDeadline::Yield` would starve tokio's timers and sockets.
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    }

    /// Notes why the guest is stopped and returns the error that stops it.
    pub(crate) fn stop(&mut self, stop_reason: StopReason) -> wasmtime::Error {
        self.stop_reason = Some(stop_reason);
        wasmtime::format_err!("stopped by the gateway")
    }

    fn build_wasi(&mut self) -> WasiCtx {
        let mut wasi = WasiCtxBuilder::new();
        match &self.capabilities.simulation {
            None => wasi.stderr(self.stderr.open()),
            Some(simulation) => wasi
                .stderr(self.stderr.open_with_copy(&simulation.printed()))
                .stdout(simulation.printed()),
        }
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(1 << 16);
        if let Task::Configure = self.task {
            wasi.secure_random(wasmtime_wasi::Deterministic::new(vec![0x5a]))
                .insecure_random(wasmtime_wasi::Deterministic::new(vec![0x5a]))
                .insecure_random_seed(0x5a)
                .wall_clock(ZeroClock)
                .monotonic_clock(ZeroClock);
            return wasi.build();
        }
        if let Some(simulation) = &self.capabilities.simulation {
            simulation.apply(&mut wasi);
        }
        let grants = &self.capabilities.grants;
        wasi.envs(&grants.env);
        for grant in &grants.dirs {
            use std::os::fd::AsRawFd;
            // The path leads to the directory that was opened with the configuration, even if its own path now names
            // another one.
            let path = format!("/proc/self/fd/{}", grant.dir.as_raw_fd());
            let perms = match grant.access {
                Access::Rw if self.capabilities.simulation.is_none() => FsPerms::ReadWrite,
                Access::Ro | Access::Rw => FsPerms::ReadOnly,
            };
            if let Err(error) = wasi.preopened_dir(path, &grant.guest, perms) {
                tracing::warn!(
                    interceptor = &*self.capabilities.interceptor,
                    dir = grant.guest,
                    "a granted directory cannot be opened: {error}"
                );
            }
        }
        wasi.build()
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        if self.wasi.is_none() {
            let made = self.build_wasi();
            self.wasi = Some(Box::new(made));
        }
        // The context was made above, so the closure never runs.
        let ctx = self
            .wasi
            .get_or_insert_with(|| Box::new(WasiCtx::builder().build()));
        WasiCtxView {
            ctx,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Sandbox {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let hosts = match &self.task {
            Task::Configure => &[][..],
            Task::Hook(_) => self.capabilities.grants.http.as_slice(),
        };
        let hooks = self.egress.get_or_insert_with(|| {
            Box::new(Egress::new(hosts, self.capabilities.simulation.clone()))
        });
        WasiHttpCtxView {
            hooks: hooks.as_mut(),
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl ResourceLimiter for Sandbox {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired as u64 <= self.capabilities.memory;
        if let (true, Some(simulation)) = (fits, &self.capabilities.simulation) {
            self.memory += desired.saturating_sub(current) as u64;
            simulation.note_memory(self.memory);
        }
        if !fits {
            // Most guests abort when memory does not grow. The reason says why they did.
            self.stop_reason = Some(StopReason::Memory(self.capabilities.memory));
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired <= MAX_TABLE_ENTRIES;
        if !fits {
            self.stop_reason = Some(StopReason::Quota("table entries"));
        }
        Ok(fits)
    }
}

/// A store for one task, with all limits and the epoch callback set.
pub(crate) fn store(
    engine: &Engine,
    capabilities: &Arc<Capabilities>,
    task: Task,
) -> Store<Sandbox> {
    let mut store = Store::new(engine, Sandbox::new(capabilities.clone(), task));
    store.limiter(|sandbox| sandbox);
    store.set_hostcall_fuel(
        capabilities
            .document
            .bytes
            .saturating_mul(2)
            .saturating_add(CALL_BYTES),
    );
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(Sandbox::tick);
    store
}

/// The clock during `configure`: always 0.
struct ZeroClock;

impl HostWallClock for ZeroClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for ZeroClock {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }
    fn now(&self) -> u64 {
        0
    }
}
