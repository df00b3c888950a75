//! Holds an instance to its memory and tables, and remembers what it was refused.

use wasmtime::ResourceLimiter;

use super::limits::{Limits, size};

/// Memories of one component instance; their sizes are accounted together.
const MEMORIES_MAX: usize = 32;

/// Accounts the totals over all memories and all tables of a store: limits of a plug-in, not of
/// each of its parts.
pub(super) struct Meter {
    memory: Total,
    table: Total,
    instances: usize,
    tables: usize,
}

/// What a guest asked for in vain in this call: it merely traps after a failed growth, this tells
/// why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortage {
    /// So many bytes of memory in all.
    Memory(usize),
    /// So many elements of tables in all.
    Table(usize),
}

struct Total {
    limit: usize,
    used: usize,
    peak: usize,
    refused: Option<usize>,
}

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        let count = |number: u32| size(u64::from(number));
        Self {
            memory: Total::new(size(limits.memory_bytes)),
            table: Total::new(count(limits.table_elements)),
            instances: count(limits.instances),
            tables: count(limits.tables),
        }
    }

    /// The most memory that was ever in use, in bytes.
    pub(super) fn peak_memory(&self) -> usize {
        self.memory.peak
    }

    /// Forgets earlier refusals; called when a call begins.
    pub(super) fn begin_call(&mut self) {
        self.memory.refused = None;
        self.table.refused = None;
    }

    pub(super) fn shortage(&self) -> Option<Shortage> {
        let memory = self.memory.refused.map(Shortage::Memory);
        memory.or_else(|| self.table.refused.map(Shortage::Table))
    }
}

impl Total {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            peak: 0,
            refused: None,
        }
    }

    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        // Beyond the part's own declared maximum nothing would grow, so nothing may be accounted.
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

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired, maximum))
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
        Meter::new(&Limits {
            memory_bytes,
            table_elements: 10,
            ..Limits::default()
        })
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
    fn growth_past_a_memorys_own_maximum_costs_nothing() {
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
