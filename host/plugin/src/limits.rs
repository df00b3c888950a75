//! The limits of a plug-in.

use std::time::Duration;

use fedhost_domain::quarantine::QuarantinePolicy;
use serde::{Deserialize, Serialize};

/// The longest deadline; with a longer one, an `Instant` could overflow on some machines.
const DEADLINE_MAX_MS: u64 = 365 * 24 * 3600 * 1000;

/// The share of a call's time after which the guest is asked to stop.
const STOP_AFTER: f64 = 0.9;

/// The limits of a plug-in: of its file and compilation, of each instance, and of each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes over all memories of an instance together.
    pub memory_bytes: u64,
    /// Elements over all tables of an instance together.
    pub table_elements: u32,
    /// Tables of an instance.
    pub tables: u32,
    /// Core instances that an instance of the component is made of.
    pub instances: u32,
    /// Bytes of stack of a call.
    pub stack_bytes: u32,
    /// Wall time of one call in milliseconds; creating the instance counts as a call.
    pub call_deadline_ms: u64,
    /// Fuel of one call: about one unit an instruction, the same on every machine. Without this
    /// limit fuel is not counted, which is faster.
    pub fuel_per_call: Option<u64>,
    /// Bytes that one call may return to the host.
    pub output_bytes: u64,
    /// Log lines of one call that are delivered; further ones are only counted.
    pub log_lines_per_call: u32,
    /// Bytes of one log line that are delivered.
    pub log_line_bytes: u32,
    /// Bytes that all calls of all instances log in a minute; further lines are only counted.
    /// Progress reports have the same budget of their own.
    pub log_bytes_per_minute: u64,
    /// Columns that a preprocessor may return, if it gets fewer: the host keeps windows of such
    /// rows.
    pub output_columns: u32,
    /// Bytes of the component's file.
    pub component_bytes: u64,
    /// Time for compiling it, in milliseconds.
    pub compile_ms: u64,
    /// Memory for compiling it, in bytes.
    pub compile_memory_bytes: u64,
    /// Consecutive failures of a call after which the plug-in is quarantined.
    pub failures_in_a_row: u32,
    /// The first quarantine, in milliseconds; each further one is twice as long.
    pub quarantine_first_ms: u64,
    /// The longest quarantine, in milliseconds.
    pub quarantine_longest_ms: u64,
}

impl Default for Limits {
    /// 64 MiB of memory, 1 MiB of stack, 10 s a call, 64 MiB of output, 1000 lines of 4096 bytes
    /// a call, 1 MiB of log a minute. A Python plug-in, the largest known, has a file of 20 MB, thirty core instances, and a table
    /// of some ten thousand functions.
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            tables: 128,
            instances: 128,
            stack_bytes: 1 << 20,
            call_deadline_ms: 10_000,
            fuel_per_call: None,
            output_bytes: 64 << 20,
            log_lines_per_call: 1000,
            log_line_bytes: 4096,
            log_bytes_per_minute: 1 << 20,
            output_columns: 4096,
            component_bytes: 128 << 20,
            compile_ms: 60_000,
            compile_memory_bytes: 2 << 30,
            failures_in_a_row: 5,
            quarantine_first_ms: 1_000,
            quarantine_longest_ms: 300_000,
        }
    }
}

impl Limits {
    /// Returns the wall time of one call, at most a year.
    #[must_use]
    pub fn call_deadline(&self) -> Duration {
        Duration::from_millis(self.call_deadline_ms.min(DEADLINE_MAX_MS))
    }

    /// Returns the time of one call after which a progress report returns `stop`.
    #[must_use]
    pub fn stop_after(&self) -> Duration {
        self.call_deadline().mul_f64(STOP_AFTER)
    }

    pub(super) fn quarantine(&self) -> QuarantinePolicy {
        let Self {
            failures_in_a_row: failures,
            quarantine_first_ms,
            quarantine_longest_ms,
            ..
        } = *self;
        QuarantinePolicy {
            failures,
            first_ms: quarantine_first_ms,
            longest_ms: quarantine_longest_ms,
        }
    }
}

/// Converts to `usize`; a number that does not fit becomes the largest one.
pub(super) fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_gives_the_documented_defaults() {
        let limits: Limits = serde_json::from_str("{}").unwrap();
        assert_eq!(limits, Limits::default());
        assert_eq!(
            (limits.memory_bytes, limits.output_bytes),
            (67_108_864, 67_108_864)
        );
    }
}
