//! A wasmtime store with limits on every call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{Store, UpdateDeadline};

use super::context::Context;
use super::engine::Engine;
use super::failure::{CallError, DeadlinePassed, FailedCall, classify};
use super::host::{Budgets, HostState};
use super::limits::{Limits, size};
use super::meter::Meter;

/// Resource handles that a guest may hold at a time; plug-ins need one.
const HANDLES_MAX: usize = 1000;

/// The host's data in the store.
pub(super) struct StoreData {
    pub(super) host: HostState,
    meter: Meter,
    deadline: Instant,
}

/// What an instance has used so far; available after it died, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls into the guest, including the one that opened it.
    pub calls: u64,
    /// Wall time of these calls.
    pub busy: Duration,
    /// Peak of its memory, in bytes.
    pub peak_memory_bytes: u64,
    /// Fuel of these calls; 0 if it is not counted.
    pub fuel: u64,
}

/// A store that only bounded calls can enter.
pub(super) struct Sandbox {
    store: Store<StoreData>,
    engine: Engine,
    plugin: Arc<str>,
    limits: Limits,
    usage: Usage,
}

impl Sandbox {
    pub(super) fn new(
        engine: &Engine,
        plugin: Arc<str>,
        limits: Limits,
        budgets: Arc<Budgets>,
        context: Context,
    ) -> Self {
        let host = HostState::new(Arc::clone(&plugin), limits, budgets, context);
        let data = StoreData {
            host,
            meter: Meter::new(&limits, engine.pool()),
            deadline: fedhost_base::clock::now(),
        };
        let mut store = Store::new(engine.wasm(), data);
        store.limiter(|data| &mut data.meter);
        store.set_hostcall_fuel(size(limits.output_bytes));
        store.set_max_component_handles(HANDLES_MAX);
        store.set_epoch_deadline(1);
        // The epoch changes when any call exceeds its deadline; each store then checks its own.
        store.epoch_deadline_callback(|store| {
            if fedhost_base::clock::now() < store.data().deadline {
                Ok(UpdateDeadline::Continue(1))
            } else {
                Err(DeadlinePassed.into())
            }
        });
        Self {
            store,
            engine: engine.clone(),
            plugin,
            limits,
            usage: Usage::default(),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// Runs `enter` under the limits. After an error the store must not be entered again.
    pub(super) fn call<T>(
        &mut self,
        call: &'static str,
        enter: impl FnOnce(&mut Store<StoreData>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        let started = fedhost_base::clock::now();
        let time = self.limits.call_deadline();
        let data = self.store.data_mut();
        data.deadline = started + time;
        data.meter.begin_call();
        data.host.begin_call(started + self.limits.stop_after());
        let watch = self.engine.watch(started + time);
        let outcome = self.refuel().and_then(|()| enter(&mut self.store));
        drop(watch);
        self.usage.fuel = self.usage.fuel.saturating_add(self.consumed_fuel());
        let data = self.store.data();
        data.host.end_call();
        self.usage.calls += 1;
        self.usage.busy += started.elapsed();
        self.usage.peak_memory_bytes = u64::try_from(data.meter.peak_memory()).unwrap_or(u64::MAX);
        outcome.map_err(|error| self.failure(call, &error))
    }

    /// Returns the fuel consumed since [`Self::refuel`].
    fn consumed_fuel(&self) -> u64 {
        let left = || self.store.get_fuel().unwrap_or(0);
        self.limits
            .fuel_per_call
            .map_or(0, |fuel| fuel.saturating_sub(left()))
    }

    fn refuel(&mut self) -> wasmtime::Result<()> {
        self.limits
            .fuel_per_call
            .map_or(Ok(()), |fuel| self.store.set_fuel(fuel))
    }

    fn failure(&self, call: &'static str, error: &wasmtime::Error) -> CallError {
        let data = self.store.data();
        let seen = FailedCall {
            limits: &self.limits,
            shortage: data.meter.shortage(),
            last_error: data.host.last_error(),
        };
        let (kind, detail) = classify(error, &seen);
        CallError {
            plugin: self.plugin.to_string(),
            call,
            kind,
            detail,
        }
    }
}
