//! Numbers for the ownership of partitions: none is ever given twice, in this process or in an
//! earlier one on the same machine.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use fedhost_base::clock;

/// Room for a million epochs a millisecond, and for some thousand years of milliseconds.
const COUNTER_BITS: u32 = 20;

/// The next number. Begins at the time of the first call, so that an epoch which a spool has kept
/// on disk never equals one of a later process.
pub(crate) fn next() -> u64 {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    NEXT.get_or_init(|| AtomicU64::new(clock::now_ms() << COUNTER_BITS))
        .fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_rise() {
        let first = next();
        assert!(next() > first);
    }
}
