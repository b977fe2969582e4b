//! The one engine: how guests are compiled, where their memory lives, and the clock that stops them.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    RegallocAlgorithm, WasmBacktraceDetails,
};

use crate::clock::{Clock, Ticking};

/// The largest memory any guest can be given; the pool's slots are this large.
pub const MAX_MEMORY: u64 = 256 << 20;

/// Memory of a guest unless its author or the operator says otherwise.
pub const DEFAULT_MEMORY: u64 = 64 << 20;

/// The largest table any guest can have. Python components have 7,700 entries.
pub(crate) const MAX_TABLE: usize = 20_000;

/// Address space that one instance takes in the pool: its memory's slot, of which there are a quarter more than instances,
/// with what tells that a guest goes beyond it, without a check at every access. So 1,000 take about 5.5 TB, of which what
/// is not used costs nothing.
const SLOT: u64 = 5 << 30;

/// Instances that there can be at the least, however little address space.
const FEWEST: u32 = 4;

/// How the pool is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Instances that can exist at once; a run beyond that waits, and is refused where that lasts too long.
    pub instances: u32,
    /// Reset memory by asking the kernel which pages were written (Linux 6.7 or later; two to five times faster).
    /// `None`: where the kernel can.
    pub pagemap_scan: Option<bool>,
    /// Bytes of address space that the process may have (`RLIMIT_AS`). `None`: as many as there are.
    pub address_space: Option<u64>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            instances: 1000,
            pagemap_scan: None,
            address_space: None,
        }
    }
}

impl EngineConfig {
    /// Where there is not enough address space for the pool: how many instances there can be at once, each made when it is
    /// needed, in as much memory as it asks for. Half of the space is left to everything else.
    pub fn on_demand(&self) -> Option<u32> {
        let limit = self.address_space?;
        let pool = u64::from(self.instances).saturating_mul(SLOT);
        if limit / 2 >= pool {
            return None;
        }
        let fit = u32::try_from(limit / 2 / DEFAULT_MEMORY).unwrap_or(u32::MAX);
        Some(fit.clamp(FEWEST, self.instances))
    }
}

/// The engine and its clock, which ends with it.
pub(crate) struct EpochEngine {
    pub(crate) engine: Engine,
    clock: Clock,
}

impl EpochEngine {
    /// Makes the engine.
    pub(crate) fn new(config: EngineConfig) -> wasmtime::Result<Self> {
        Self::of(&wasmtime_config(config))
    }

    /// An engine for code that runs once: compiles in a fraction of the time, and has no pool.
    pub(crate) fn quick(config: EngineConfig) -> wasmtime::Result<Self> {
        let mut wasm = Config::new();
        if config.on_demand().is_some() {
            frugal(&mut wasm);
        }
        wasm.cranelift_opt_level(OptLevel::None)
            .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
            .epoch_interruption(true)
            .wasm_backtrace_details(WasmBacktraceDetails::Enable)
            .max_wasm_stack(256 << 10)
            .async_stack_size(512 << 10);
        Self::of(&wasm)
    }

    fn of(config: &Config) -> wasmtime::Result<Self> {
        let engine = Engine::new(config)?;
        let clock = Clock::new(&engine)?;
        Ok(Self { engine, clock })
    }

    /// Its guests can run, and be stopped, for as long as what this returns is kept.
    pub(crate) fn ticking(&self) -> Ticking<'_> {
        self.clock.start()
    }
}

/// Whether this kernel can tell which pages were written.
pub fn pagemap_scan_available() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

fn wasmtime_config(config: EngineConfig) -> Config {
    let mut wasm = Config::new();
    match config.on_demand() {
        Some(_) => frugal(&mut wasm),
        None => drop(wasm.allocation_strategy(pool(config))),
    }
    wasm.cranelift_opt_level(OptLevel::Speed)
        .memory_init_cow(true)
        .epoch_interruption(true)
        // A crash says its file and line where the component has them; whatever the environment says.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .max_wasm_stack(256 << 10)
        .async_stack_size(512 << 10);
    wasm
}

/// Memories take as much address space as they have bytes, and are checked at every access.
fn frugal(wasm: &mut Config) {
    wasm.allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .memory_reservation(0)
        .memory_reservation_for_growth(1 << 20)
        .memory_guard_size(0)
        .guard_before_linear_memory(false);
}

fn pool(config: EngineConfig) -> InstanceAllocationStrategy {
    let n = config.instances;
    let mut pool = PoolingAllocationConfig::new();
    // A component of one Rust module is one core instance; Python's have up to 108, QuickJS's two or three memories.
    pool.total_component_instances(n)
        .total_core_instances(n.saturating_mul(4))
        .total_memories(n.saturating_add(n / 4))
        .total_tables(n.saturating_mul(2))
        .total_stacks(n)
        .max_core_instances_per_component(200)
        .max_memories_per_component(8)
        .max_tables_per_component(16)
        .max_memory_size(usize::try_from(MAX_MEMORY).unwrap_or(usize::MAX))
        .table_elements(MAX_TABLE)
        // Kept resident between runs: the usual run dirties far less, so nothing is given back and faulted in again.
        .linear_memory_keep_resident(1 << 20)
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
        assert_eq!(on_demand(Some(1)), Some(FEWEST));
    }
}
