//! Enforces the limits of memory and tables of an instance, and records refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use super::limits::{Limits, size};

/// The most memories of one component instance; the limit is on the sum of their sizes.
const MEMORIES_MAX: usize = 32;

/// Sums up all memories and all tables of a store: the limits are of an instance, not of each
/// memory or table.
pub(super) struct Meter {
    memory: Total,
    table: Total,
    instances: usize,
    tables: usize,
    pool: Arc<MemoryPool>,
}

/// The memory of all instances of a process together: each may be within its own limit, and many
/// of them still exhaust the machine.
#[derive(Debug)]
pub(super) struct MemoryPool {
    limit: usize,
    used: AtomicUsize,
}

impl MemoryPool {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self {
            limit: size(limit_bytes),
            used: AtomicUsize::new(0),
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let limit = self.limit;
        self.used
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= limit)
            })
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What was refused in this call. A guest usually traps after a failed growth; this gives the
/// reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortage {
    /// Memory; the total in bytes that was asked for.
    Memory(usize),
    /// Memory within the instance's own limit, but over that of all instances, which is given.
    Pool(usize),
    /// Tables; the total of elements that was asked for.
    Table(usize),
}

struct Total {
    limit: usize,
    used: usize,
    peak: usize,
    refused: Option<usize>,
    /// The limit of all instances, if it was the reason of the last refusal.
    pool_refused: Option<usize>,
}

impl Meter {
    pub(super) fn new(limits: &Limits, pool: Arc<MemoryPool>) -> Self {
        let count = |number: u32| size(u64::from(number));
        Self {
            memory: Total::new(size(limits.memory_bytes)),
            table: Total::new(count(limits.table_elements)),
            instances: count(limits.instances),
            tables: count(limits.tables),
            pool,
        }
    }

    /// Returns the peak of memory in use, in bytes.
    pub(super) fn peak_memory(&self) -> usize {
        self.memory.peak
    }

    /// Forgets earlier refusals; called when a call begins.
    pub(super) fn begin_call(&mut self) {
        self.memory.refused = None;
        self.memory.pool_refused = None;
        self.table.refused = None;
    }

    pub(super) fn shortage(&self) -> Option<Shortage> {
        let memory = self.memory.refused.map(Shortage::Memory);
        let pool = self.memory.pool_refused.map(Shortage::Pool);
        memory
            .or(pool)
            .or_else(|| self.table.refused.map(Shortage::Table))
    }
}

impl Total {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            peak: 0,
            refused: None,
            pool_refused: None,
        }
    }

    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        // The engine refuses growth beyond the declared maximum, so it must not be counted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return false;
        }
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.limit {
            self.refused = Some(used);
            return false;
        }
        self.used = used;
        self.peak = self.peak.max(used);
        true
    }
}

impl Drop for Meter {
    /// The memories are freed with the store, which owns the meter.
    fn drop(&mut self) {
        self.pool.give_back(self.memory.used);
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let before = self.memory.used;
        if !self.memory.grow(current, desired, maximum) {
            return Ok(false);
        }
        if self.pool.take(self.memory.used.saturating_sub(before)) {
            return Ok(true);
        }
        self.memory.used = before;
        self.memory.pool_refused = Some(self.pool.limit);
        Ok(false)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.table.grow(current, desired, maximum))
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(memory_bytes: u64) -> Meter {
        sharing(memory_bytes, &Arc::new(MemoryPool::new(u64::MAX)))
    }

    fn sharing(memory_bytes: u64, pool: &Arc<MemoryPool>) -> Meter {
        let limits = Limits {
            memory_bytes,
            table_elements: 10,
            ..Limits::default()
        };
        Meter::new(&limits, Arc::clone(pool))
    }

    #[test]
    fn all_instances_together_stay_within_the_pool_and_give_back_what_they_had() {
        let pool = Arc::new(MemoryPool::new(500));
        let mut first = sharing(300, &pool);
        let mut second = sharing(300, &pool);
        assert!(first.memory_growing(0, 300, None).unwrap());
        assert!(!second.memory_growing(0, 300, None).unwrap());
        assert_eq!(second.shortage(), Some(Shortage::Pool(500)));
        assert!(second.memory_growing(0, 200, None).unwrap());
        drop(first);
        assert!(second.memory_growing(200, 300, None).unwrap());
        drop(second);
        assert_eq!(pool.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_limit_is_the_total_over_all_memories() {
        let mut meter = meter(300);
        assert!(meter.memory_growing(0, 100, None).unwrap());
        assert!(meter.memory_growing(0, 150, None).unwrap());
        assert!(!meter.memory_growing(100, 200, None).unwrap());
        assert_eq!(
            (meter.shortage(), meter.peak_memory()),
            (Some(Shortage::Memory(350)), 250)
        );
        assert!(meter.memory_growing(100, 150, None).unwrap());
        assert_eq!(meter.peak_memory(), 300);
    }

    #[test]
    fn the_limit_is_the_total_over_all_tables() {
        let mut meter = meter(300);
        assert!(meter.table_growing(0, 6, None).unwrap());
        assert!(!meter.table_growing(0, 6, None).unwrap());
        assert_eq!(meter.shortage(), Some(Shortage::Table(12)));
    }

    #[test]
    fn growth_beyond_a_declared_maximum_is_not_counted() {
        let mut meter = meter(300);
        assert!(meter.memory_growing(0, 100, Some(150)).unwrap());
        assert!(!meter.memory_growing(100, 200, Some(150)).unwrap());
        assert_eq!(meter.shortage(), None);
        assert!(meter.memory_growing(0, 200, None).unwrap());
    }

    #[test]
    fn a_refusal_is_forgotten_when_the_next_call_begins() {
        let mut meter = meter(10);
        assert!(!meter.memory_growing(0, 11, None).unwrap());
        meter.begin_call();
        assert_eq!(meter.shortage(), None);
    }
}
