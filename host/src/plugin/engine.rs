//! The compiler and runtime that all plug-ins of a process share.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, OptLevel, Strategy, WasmBacktraceDetails};

use super::bindings::EveryPlugin;
use super::host::HostSide;
use super::sandbox::Inside;
use super::watchdog::{Watch, Watchdog};

/// Stack that a guest may use, in bytes: half of what a thread of the blocking pool has, the rest is for host code.
const GUEST_STACK_BYTES: usize = 1 << 20;

/// Address space set aside for each memory, so that bounds checks cost nothing: a guest cannot address more.
const MEMORY_RESERVATION_BYTES: u64 = 4 << 30;

/// Unmapped space behind each memory: catches constant offsets past its end.
const MEMORY_GUARD_BYTES: u64 = 32 << 20;

/// One per process; a clone is a handle to the same.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasm: wasmtime::Engine,
    linker: Linker<Inside>,
    watchdog: Watchdog,
}

/// This machine cannot run plug-ins.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the plug-in engine: {0}")]
pub struct EngineError(String);

impl Engine {
    /// Sets up the compiler and starts the watchdog thread.
    ///
    /// # Errors
    /// When the processor or operating system cannot run it.
    pub fn new() -> Result<Self, EngineError> {
        Self::build().map_err(|error| EngineError(format!("{error:#}")))
    }

    fn build() -> wasmtime::Result<Self> {
        let wasm = wasmtime::Engine::new(&config())?;
        let mut linker = Linker::new(&wasm);
        EveryPlugin::add_to_linker::<Inside, HasSelf<HostSide>>(&mut linker, |inside| &mut inside.host)?;
        let barking = wasm.clone();
        let watchdog = Watchdog::start(move || barking.increment_epoch())?;
        Ok(Self(Arc::new(Inner { wasm, linker, watchdog })))
    }

    pub(super) fn wasm(&self) -> &wasmtime::Engine {
        &self.0.wasm
    }

    /// Holds everything a guest can reach: the functions of `fedhost:plugin/host`, nothing else.
    pub(super) fn linker(&self) -> &Linker<Inside> {
        &self.0.linker
    }

    pub(super) fn watch(&self, deadline: Instant) -> Watch {
        self.0.watchdog.watch(deadline)
    }
}

/// Everything off that a guest of ours does not need: each is code that a stranger's component cannot reach. Relaxed
/// SIMD is off so that training gives the same bits on every machine.
fn config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .memory_reservation(MEMORY_RESERVATION_BYTES)
        .memory_guard_size(MEMORY_GUARD_BYTES)
        .guard_before_linear_memory(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_component_model(true)
        .concurrency_support(false)
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        .wasm_shared_everything_threads(false)
        .shared_memory(false)
        .gc_support(false)
        .wasm_gc(false);
    config
}
