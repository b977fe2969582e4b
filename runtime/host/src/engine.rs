//! The wasmtime engine: how guests are compiled, where their memory lives, and the clock that interrupts them.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    RegallocAlgorithm, WasmBacktraceDetails,
};

use crate::clock::{EpochClock, TickGuard};

/// The largest memory limit of a guest, in bytes. A memory slot of the pool holds this many.
pub const MAX_MEMORY: u64 = 256 << 20;

/// The memory limit of a guest in bytes, unless its author or the operator sets another.
pub const DEFAULT_MEMORY: u64 = 64 << 20;

/// Entries of the largest table a guest can have. Tables of Python components have 7,700 entries.
pub(crate) const MAX_TABLE_ENTRIES: usize = 20_000;

/// Bytes of the pages that a memory slot keeps between runs, and puts back after each: the first that any run wrote, in
/// the order of their addresses. Whatever was written once counts from then on, so this bounds what one long document
/// adds to every later run, too. A run that writes more pays for it itself: the rest is given back to the kernel, and
/// faulted in again by the next run that needs it.
const KEPT_MEMORY: usize = 256 << 10;

/// Bytes of address space that one instance takes in the pool. An instance has one and a quarter memory slots on
/// average. A slot is a 4 GiB reservation with guard pages, which catch an access out of bounds without a check at
/// every access. 1,000 instances take about 5.5 TB; address space that is not used costs nothing.
const INSTANCE_SPACE: u64 = 5 << 30;

/// Instances that are allowed however little address space there is.
const MIN_INSTANCES: u32 = 4;

/// The configuration of the engine and its instance pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Instances that can exist at once. Default: 1,000. A further run waits for an instance until its deadline, and
    /// then fails as overload.
    pub instances: u32,
    /// Whether memory is reset by asking the kernel which pages were written (`PAGEMAP_SCAN`, Linux 6.7 or later),
    /// which is two to five times faster. Default `None`: it is used where the kernel has it.
    pub pagemap_scan: Option<bool>,
    /// Bytes of address space that the process may have (`RLIMIT_AS`). Default `None`: no limit.
    pub address_space: Option<u64>,
    /// Whether machine code is made for every processor of this architecture, and not for the features of this one.
    /// Default: `false`.
    pub portable: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            instances: 1000,
            pagemap_scan: None,
            address_space: None,
            portable: false,
        }
    }
}

impl EngineConfig {
    /// How many instances can exist at once where the address space is too small for the pool. Each is then allocated
    /// on demand, with as much address space as its memory has bytes. Half of the address space is left to the rest of
    /// the process. `None`: the pool fits.
    pub fn on_demand(&self) -> Option<u32> {
        let limit = self.address_space?;
        let pool = u64::from(self.instances).saturating_mul(INSTANCE_SPACE);
        if limit / 2 >= pool {
            return None;
        }
        let fit = u32::try_from(limit / 2 / DEFAULT_MEMORY).unwrap_or(u32::MAX);
        Some(fit.clamp(MIN_INSTANCES, self.instances))
    }
}

/// The memory slots of the pool that were used before and that no run uses now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleSlots {
    /// How many there are.
    pub count: u32,
    /// Bytes of the pages that they keep, and that are put back after each run.
    pub resident: usize,
}

/// A wasmtime engine with its epoch clock, which ends with the engine.
pub(crate) struct EpochEngine {
    pub(crate) engine: Engine,
    /// The configuration of engines that compile for this one and run nothing.
    pub(crate) compiling: Config,
    clock: EpochClock,
}

impl EpochEngine {
    /// The engine for hook runs: compiles for speed, and has a pool.
    pub(crate) fn new(config: EngineConfig) -> wasmtime::Result<Self> {
        let mut wasm = wasmtime_config(config);
        if config.portable {
            target_every_processor(&mut wasm)?;
        }
        Self::with_config(&wasm)
    }

    /// An engine for code that runs once: compiles in a fraction of the time, and allocates instances on demand.
    pub(crate) fn without_pool(config: EngineConfig) -> wasmtime::Result<Self> {
        let mut wasm = Config::new();
        if config.on_demand().is_some() {
            save_address_space(&mut wasm);
        }
        wasm.cranelift_opt_level(OptLevel::None)
            .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
            .epoch_interruption(true)
            .wasm_backtrace_details(WasmBacktraceDetails::Enable)
            .max_wasm_stack(256 << 10)
            .async_stack_size(512 << 10);
        Self::with_config(&wasm)
    }

    fn with_config(config: &Config) -> wasmtime::Result<Self> {
        let engine = Engine::new(config)?;
        let clock = EpochClock::new(&engine)?;
        let mut compiling = config.clone();
        compiling.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Ok(Self {
            engine,
            compiling,
            clock,
        })
    }

    /// A hash of what machine code depends on in the engine: the version and configuration of wasmtime, and the features
    /// of the processor.
    pub(crate) fn hash(&self) -> u64 {
        hash(&self.engine)
    }

    /// [`Self::hash`] of the engine that is configured like this one, but for [`EngineConfig::portable`]. Its machine code
    /// runs in this one.
    pub(crate) fn portable_hash(&self) -> wasmtime::Result<u64> {
        let mut config = self.compiling.clone();
        target_every_processor(&mut config)?;
        Ok(hash(&Engine::new(&config)?))
    }

    /// What the slots of the pool that no run uses keep in memory. `None`: there is no pool.
    pub(crate) fn idle_slots(&self) -> Option<IdleSlots> {
        let metrics = self.engine.pooling_allocator_metrics()?;
        Some(IdleSlots {
            count: metrics.unused_warm_memories(),
            resident: metrics.unused_memory_bytes_resident(),
        })
    }

    /// Keeps the epoch clock ticking while the returned guard is held. Guests must run only in that time: without ticks
    /// they cannot be interrupted.
    pub(crate) fn ticking(&self) -> TickGuard<'_> {
        self.clock.start()
    }
}

fn hash(engine: &Engine) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// With a target that is named, wasmtime uses no feature that a processor of this architecture may lack.
fn target_every_processor(wasm: &mut Config) -> wasmtime::Result<()> {
    wasm.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    Ok(())
}

/// Whether this kernel has `PAGEMAP_SCAN`, see [`EngineConfig::pagemap_scan`].
pub fn pagemap_scan_available() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

fn wasmtime_config(config: EngineConfig) -> Config {
    let mut wasm = Config::new();
    match config.on_demand() {
        Some(_) => save_address_space(&mut wasm),
        None => drop(wasm.allocation_strategy(pool(config))),
    }
    wasm.cranelift_opt_level(OptLevel::Speed)
        .memory_init_cow(true)
        .epoch_interruption(true)
        // Backtraces have file and line where the component has debug information, whatever
        // `WASMTIME_BACKTRACE_DETAILS` says.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .max_wasm_stack(256 << 10)
        .async_stack_size(512 << 10);
    wasm
}

/// On-demand allocation: a memory takes as much address space as it has bytes, and each access is checked in software.
fn save_address_space(wasm: &mut Config) {
    wasm.allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .memory_reservation(0)
        .memory_reservation_for_growth(1 << 20)
        .memory_guard_size(0)
        .guard_before_linear_memory(false);
}

fn pool(config: EngineConfig) -> InstanceAllocationStrategy {
    let n = config.instances;
    let mut pool = PoolingAllocationConfig::new();
    // A component of one Rust module has one core instance, one of Python up to 108. A component of QuickJS has two or
    // three memories.
    pool.total_component_instances(n)
        .total_core_instances(n.saturating_mul(4))
        .total_memories(n.saturating_add(n / 4))
        .total_tables(n.saturating_mul(2))
        .total_stacks(n)
        .max_core_instances_per_component(200)
        .max_memories_per_component(8)
        .max_tables_per_component(16)
        .max_memory_size(usize::try_from(MAX_MEMORY).unwrap_or(usize::MAX))
        .table_elements(MAX_TABLE_ENTRIES)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .pagemap_scan(match config.pagemap_scan {
            None => Enabled::Auto,
            Some(true) => Enabled::Yes,
            Some(false) => Enabled::No,
        });
    InstanceAllocationStrategy::Pooling(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_gives_way_to_instances_on_demand_where_there_is_no_address_space_for_it() {
        let on_demand = |address_space| {
            let config = EngineConfig {
                address_space,
                ..EngineConfig::default()
            };
            config.on_demand()
        };
        assert_eq!(on_demand(None), None);
        assert_eq!(on_demand(Some(12 << 40)), None);
        assert_eq!(on_demand(Some(8 << 40)), Some(1000));
        assert_eq!(on_demand(Some(8 << 30)), Some(64));
        assert_eq!(on_demand(Some(1)), Some(MIN_INSTANCES));
    }
}
