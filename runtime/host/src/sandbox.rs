//! What a store holds: one hook run (or one `configure`), its limits, and the little it may reach.

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
use crate::engine::MAX_TABLE;
use crate::failure::StopReason;
use crate::fault_report::FaultReport;
use crate::manifest::Access;
use crate::meter;
use crate::stderr::Tail;

/// Resources (streams, directories, requests) a guest may hold at once.
const HANDLES: usize = 1000;
/// Bytes of one set of HTTP headers: what a thousand of them may cost is bounded by both.
const HEADERS: usize = 32 << 10;

/// Bytes that a guest may hand over in one call, beside twice the largest document: copied before anything can look at
/// them, so that many pointers to one text cost as many texts.
const HANDED_OVER: usize = 16 << 20;

/// What a guest is doing, and so what it may do.
pub(crate) enum Task {
    /// `configure`: computes from its settings and sees nothing else; time and randomness are fixed.
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
    /// Bytes of log lines so far.
    pub(crate) logged: usize,
    /// Calls into the gateway so far.
    pub(crate) calls: u64,
    pub(crate) stop_reason: Option<StopReason>,
    /// What the guest says of a malfunction that it will not outlive.
    pub(crate) last_words: Option<Box<FaultReport>>,
    /// Bytes of linear memory so far.
    memory: u64,
    pub(crate) stderr: Tail,
    table: ResourceTable,
    // Made when first used: most hooks never ask WASI for anything.
    wasi: Option<Box<WasiCtx>>,
    http: WasiHttpCtx,
    egress: Option<Box<Egress>>,
}

impl Sandbox {
    pub(crate) fn new(capabilities: Arc<Capabilities>, task: Task) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let mut http = WasiHttpCtx::default();
        http.set_field_size_limit(HEADERS);
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
            stderr: Tail::default(),
            table,
            wasi: None,
            http,
            egress: None,
        }
    }

    /// The guest holds nothing of the host's: only then does its memory mean the same in another instance.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.table.is_empty()
    }

    /// From here on the guest does this, with the world that belongs to it.
    pub(crate) fn begin(&mut self, task: Task) {
        self.task = task;
        self.wasi = None;
        self.egress = None;
    }

    /// What the same guest does next where it is measured: of the run before, nothing counts any more.
    pub(crate) fn again(&mut self, run: HookRequest) {
        self.task = Task::Hook(run);
        self.findings.clear();
        self.carry = None;
        self.logged = 0;
        self.calls = 0;
        self.stop_reason = None;
    }

    /// The run, while there is one.
    pub(crate) fn run(&self) -> Option<&HookRequest> {
        match &self.task {
            Task::Configure => None,
            Task::Hook(run) => Some(run),
        }
    }

    /// At every tick: past its time the guest ends; before, it lets others have the thread.
    pub(crate) fn tick(mut store: StoreContextMut<'_, Self>) -> wasmtime::Result<UpdateDeadline> {
        if let Err(stop) = meter::tick() {
            return Err(store.data_mut().stop(stop.into()));
        }
        // Not `Yield`: that starves tokio's timers and sockets.
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    }

    /// Notes why the guest is stopped; the error stops it.
    pub(crate) fn stop(&mut self, stop_reason: StopReason) -> wasmtime::Error {
        self.stop_reason = Some(stop_reason);
        wasmtime::format_err!("stopped by the gateway")
    }

    fn build_wasi(&mut self) -> WasiCtx {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stderr(self.stderr.keeping())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(1 << 16);
        if let Task::Configure = self.task {
            wasi.secure_random(wasmtime_wasi::Deterministic::new(vec![0x5a]))
                .insecure_random(wasmtime_wasi::Deterministic::new(vec![0x5a]))
                .insecure_random_seed(0x5a)
                .wall_clock(Stopped)
                .monotonic_clock(Stopped);
            return wasi.build();
        }
        if let Some(simulation) = &self.capabilities.simulation {
            simulation.set(&mut wasi);
        }
        let grants = &self.capabilities.grants;
        wasi.envs(&grants.env);
        for grant in &grants.dirs {
            use std::os::fd::AsRawFd;
            // The directory that was opened when the configuration was read, whatever its path names by now.
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
        // Just made if it was not there.
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
            simulation.grew(self.memory);
        }
        if !fits {
            // Remembered, since most guests abort when they do not get it.
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
        let fits = desired <= MAX_TABLE;
        if !fits {
            self.stop_reason = Some(StopReason::Quota("table entries"));
        }
        Ok(fits)
    }
}

/// A store for one task, with everything on: limits, clock, an empty world.
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
            .saturating_add(HANDED_OVER),
    );
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(Sandbox::tick);
    store
}

/// Time as `configure` sees it.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }
    fn now(&self) -> u64 {
        0
    }
}
