//! The wasmtime engines that all plug-ins of a process share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, OptLevel, Strategy, WasmBacktraceDetails};

use super::bindings::EveryPlugin;
use super::host::HostState;
use super::limits::{Limits, size};
use super::meter::MemoryPool;
use super::sandbox::StoreData;
use super::watchdog::{Watch, Watchdog};

/// The most stack that a guest may use, in bytes: half of the stack of a thread of the blocking
/// pool. The rest is for host code.
const STACK_MAX_BYTES: u32 = 1 << 20;

/// Memory of all instances together, if nothing else is set.
const TOTAL_MEMORY_BYTES: u64 = 4 << 30;

/// Address space reserved for each memory. A guest cannot address more, so bounds checks cost
/// nothing.
const MEMORY_RESERVATION_BYTES: u64 = 4 << 30;

/// Unmapped space behind each memory; it catches constant offsets past the end.
const MEMORY_GUARD_BYTES: u64 = 32 << 20;

/// The plug-in engine. There is one in a process; a clone is a handle to the same one.
#[derive(Clone)]
pub struct Engine {
    runtime: Arc<Runtime>,
    engines: Arc<EngineSet>,
}

struct Runtime {
    wasm: wasmtime::Engine,
    linker: Linker<StoreData>,
}

/// One runtime for each profile that is in use, and their common watchdog.
struct EngineSet {
    watchdog: Watchdog,
    pool: Arc<MemoryPool>,
    members: Arc<Mutex<BTreeMap<EngineProfile, Arc<Runtime>>>>,
}

/// The limits that are fixed in an engine and in the code that it compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EngineProfile {
    stack_bytes: u32,
    counts_work: bool,
}

impl EngineProfile {
    pub(super) fn of(limits: &Limits) -> Self {
        Self::new(limits.stack_bytes, limits.fuel_per_call.is_some())
    }

    pub(super) fn new(stack_bytes: u32, counts_work: bool) -> Self {
        Self {
            stack_bytes: stack_bytes.clamp(1, STACK_MAX_BYTES),
            counts_work,
        }
    }

    /// Whether compiled code counts fuel.
    pub(super) fn counts_work(self) -> bool {
        self.counts_work
    }
}

/// This machine cannot run plug-ins.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("cannot start the plug-in engine: {0}")]
pub struct EngineError(String);

impl Engine {
    /// Sets up the compiler and starts the watchdog thread. All instances together may have 4 GiB
    /// of memory.
    ///
    /// # Errors
    /// The processor or the operating system does not support it.
    pub fn new() -> Result<Self, EngineError> {
        Self::with_total_memory(TOTAL_MEMORY_BYTES)
    }

    /// As [`Self::new`], with another limit of the memory of all instances together, in bytes.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_total_memory(total_memory_bytes: u64) -> Result<Self, EngineError> {
        let members: Arc<Mutex<BTreeMap<EngineProfile, Arc<Runtime>>>> = Arc::default();
        let watched = Arc::clone(&members);
        let watchdog = Watchdog::start(move || {
            lock(&watched)
                .values()
                .for_each(|runtime| runtime.wasm.increment_epoch())
        });
        let watchdog = watchdog.map_err(|error| EngineError(error.to_string()))?;
        let pool = Arc::new(MemoryPool::new(total_memory_bytes));
        EngineSet {
            watchdog,
            pool,
            members,
        }
        .found()
    }

    /// Returns the engine for the profile of these limits.
    ///
    /// # Errors
    /// The processor or the operating system does not support it.
    pub(super) fn suited_to(&self, limits: &Limits) -> Result<Self, EngineError> {
        let runtime = self.engines.member(EngineProfile::of(limits))?;
        Ok(Self {
            runtime,
            engines: Arc::clone(&self.engines),
        })
    }

    pub(super) fn wasm(&self) -> &wasmtime::Engine {
        &self.runtime.wasm
    }

    /// Returns the linker with all functions that a guest can import: those of
    /// `fedhost:plugin/host`.
    pub(super) fn linker(&self) -> &Linker<StoreData> {
        &self.runtime.linker
    }

    /// Returns the memory that all instances share.
    pub(super) fn pool(&self) -> Arc<MemoryPool> {
        Arc::clone(&self.engines.pool)
    }

    pub(super) fn watch(&self, deadline: Instant) -> Watch {
        self.engines.watchdog.watch(deadline)
    }
}

impl EngineSet {
    fn found(self) -> Result<Engine, EngineError> {
        let runtime = self.member(EngineProfile::of(&Limits::default()))?;
        Ok(Engine {
            runtime,
            engines: Arc::new(self),
        })
    }

    fn member(&self, profile: EngineProfile) -> Result<Arc<Runtime>, EngineError> {
        if let Some(runtime) = lock(&self.members).get(&profile) {
            return Ok(Arc::clone(runtime));
        }
        // Not under the lock, which the watchdog needs.
        let runtime =
            Arc::new(Runtime::new(profile).map_err(|error| EngineError(format!("{error:#}")))?);
        Ok(Arc::clone(
            lock(&self.members).entry(profile).or_insert(runtime),
        ))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runtime {
    fn new(profile: EngineProfile) -> wasmtime::Result<Self> {
        let wasm = wasmtime::Engine::new(&config(profile))?;
        let mut linker = Linker::new(&wasm);
        EveryPlugin::add_to_linker::<StoreData, HasSelf<HostState>>(&mut linker, |data| {
            &mut data.host
        })?;
        Ok(Self { wasm, linker })
    }
}

/// Returns the settings of an engine. Features that plug-ins do not need are off, so that an
/// untrusted component cannot reach their code. Relaxed SIMD is off, and a NaN that an operation
/// produces has the same bits on every processor, so that training gives the same bits on every
/// machine. Instances are allocated on demand, not pooled: a host keeps tens of them
/// for a long time, and each slot of a pool would need the largest limit of any plug-in.
pub(super) fn config(profile: EngineProfile) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .epoch_interruption(true)
        .consume_fuel(profile.counts_work)
        .max_wasm_stack(size(u64::from(profile.stack_bytes)))
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

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use wasmtime::{Instance, Module, Store};

    use super::*;

    const CANONICAL_F32: u32 = 0x7fc0_0000;
    const CANONICAL_F64: u64 = 0x7ff8_0000_0000_0000;

    /// Operations whose result is NaN. On x86-64 the processor sets the sign of a NaN that it makes
    /// itself, and keeps the payload of a NaN that it is given.
    const OPERATIONS: &str = r#"(module
        (func (export "quotient") (param f32 f32) (result i32)
            (i32.reinterpret_f32 (f32.div (local.get 0) (local.get 1))))
        (func (export "root") (param f32 f32) (result i32)
            (i32.reinterpret_f32 (f32.sqrt (local.get 0))))
        (func (export "sum") (param f32 f32) (result i32)
            (i32.reinterpret_f32 (f32.add (local.get 0) (local.get 1))))
        (func (export "least") (param f32 f32) (result i32)
            (i32.reinterpret_f32 (f32.min (local.get 0) (local.get 1))))
        (func (export "lane") (param f32 f32) (result i32)
            (i32x4.extract_lane 3
                (f32x4.div (f32x4.splat (local.get 0)) (f32x4.splat (local.get 1)))))
        (func (export "double") (param f64 f64) (result i64)
            (i64.reinterpret_f64 (f64.div (local.get 0) (local.get 1)))))"#;

    fn profile() -> EngineProfile {
        EngineProfile::of(&Limits::default())
    }

    #[test]
    fn a_computed_nan_has_the_same_bits_on_every_processor() {
        let engine = wasmtime::Engine::new(&config(profile())).unwrap();
        let module = Module::new(&engine, handmade::binary(OPERATIONS)).unwrap();
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let marked = f32::from_bits(0xffc1_2345);
        let cases = [
            ("quotient", 0.0, 0.0),
            ("quotient", f32::INFINITY, f32::INFINITY),
            ("root", -1.0, 0.0),
            ("sum", f32::INFINITY, f32::NEG_INFINITY),
            ("sum", marked, 1.0),
            ("least", marked, 1.0),
            ("lane", 0.0, 0.0),
        ];
        for (name, left, right) in cases {
            let operation = instance
                .get_typed_func::<(f32, f32), u32>(&mut store, name)
                .unwrap();
            let bits = operation.call(&mut store, (left, right)).unwrap();
            assert_eq!(bits, CANONICAL_F32, "{name} of {left} and {right}");
        }
        let double = instance
            .get_typed_func::<(f64, f64), u64>(&mut store, "double")
            .unwrap();
        assert_eq!(double.call(&mut store, (0.0, 0.0)).unwrap(), CANONICAL_F64);
    }

    #[test]
    fn code_that_was_compiled_without_canonical_nans_is_not_loaded_from_the_cache() {
        let key = |config: &Config| {
            let mut hasher = DefaultHasher::new();
            let engine = wasmtime::Engine::new(config).unwrap();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        let mut without = config(profile());
        without.cranelift_nan_canonicalization(false);
        assert_eq!(key(&config(profile())), key(&config(profile())));
        assert_ne!(key(&config(profile())), key(&without));
    }
}
