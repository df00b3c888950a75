//! What a plug-in may use, and the meter that holds it to its memory.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

/// Elements of one table; a Python interpreter's function table has some ten thousand.
const TABLE_ELEMENTS_MAX: usize = 100_000;
/// Core instances of one component; Python components, the largest known, have about thirty.
const INSTANCES_MAX: usize = 128;
/// Tables of one component instance.
const TABLES_MAX: usize = 128;
/// Memories of one component instance; their sizes are accounted together.
const MEMORIES_MAX: usize = 32;

/// Longest deadline that is honoured; beyond it an instant could not be computed on every machine.
const DEADLINE_MAX_MS: u64 = 365 * 24 * 3600 * 1000;

/// What one instance of a plug-in may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes over all memories of the instance together.
    pub memory_bytes: u64,
    /// Wall time of one call in milliseconds; creating the instance counts as a call.
    pub call_deadline_ms: u64,
    /// Bytes that one call may hand to the host.
    pub output_bytes: u64,
    /// Log lines of one call that are delivered; the rest is counted.
    pub log_lines_per_call: u32,
    /// Bytes of one log line that are delivered.
    pub log_line_bytes: u32,
}

impl Default for Limits {
    /// 64 MiB of memory, 10 s a call, 64 MiB of output, 1000 lines of 4096 bytes.
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            call_deadline_ms: 10_000,
            output_bytes: 64 << 20,
            log_lines_per_call: 1000,
            log_line_bytes: 4096,
        }
    }
}

impl Limits {
    /// Wall time of one call, at most a year.
    #[must_use]
    pub fn call_deadline(&self) -> Duration {
        Duration::from_millis(self.call_deadline_ms.min(DEADLINE_MAX_MS))
    }
}

/// Accounts the total over all memories of a store: the limit of a plug-in, not of each of its memories.
pub(super) struct MemoryMeter {
    limit: usize,
    total: usize,
    peak: usize,
    refused: Option<usize>,
}

impl MemoryMeter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limit: usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX), total: 0, peak: 0, refused: None }
    }

    /// The most that was ever in use, in bytes.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }

    /// Forgets earlier refusals; called when a call begins.
    pub(super) fn begin_call(&mut self) {
        self.refused = None;
    }

    /// The total that this call asked for in vain: a guest merely traps after a failed growth, this tells why.
    pub(super) fn refused(&self) -> Option<usize> {
        self.refused
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Beyond the memory's own declared maximum nothing would grow, so nothing may be accounted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let total = self.total.saturating_sub(current).saturating_add(desired);
        if total > self.limit {
            self.refused = Some(total);
            return Ok(false);
        }
        self.total = total;
        self.peak = self.peak.max(total);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(limit: u64) -> MemoryMeter {
        MemoryMeter::new(&Limits { memory_bytes: limit, ..Limits::default() })
    }

    #[test]
    fn the_limit_is_the_total_over_all_memories() {
        let mut meter = meter(300);
        assert!(meter.memory_growing(0, 100, None).unwrap());
        assert!(meter.memory_growing(0, 150, None).unwrap());
        assert!(!meter.memory_growing(100, 200, None).unwrap());
        assert_eq!((meter.refused(), meter.peak()), (Some(350), 250));
        assert!(meter.memory_growing(100, 150, None).unwrap());
        assert_eq!(meter.peak(), 300);
    }

    #[test]
    fn growth_past_a_memorys_own_maximum_costs_nothing() {
        let mut meter = meter(300);
        assert!(meter.memory_growing(0, 100, Some(150)).unwrap());
        assert!(!meter.memory_growing(100, 200, Some(150)).unwrap());
        assert_eq!(meter.refused(), None);
        assert!(meter.memory_growing(0, 200, None).unwrap());
    }

    #[test]
    fn a_refusal_is_forgotten_when_the_next_call_begins() {
        let mut meter = meter(10);
        assert!(!meter.memory_growing(0, 11, None).unwrap());
        meter.begin_call();
        assert_eq!(meter.refused(), None);
    }

    #[test]
    fn the_defaults_are_those_of_the_manual() {
        let limits: Limits = serde_json::from_str("{}").unwrap();
        assert_eq!(limits, Limits::default());
        assert_eq!((limits.memory_bytes, limits.output_bytes), (67_108_864, 67_108_864));
    }
}
