//! What a plug-in costs: time, calls and memory, as the sandbox counts them.

use std::time::Duration;

use serde::Serialize;

use fedhost_plugin::{Detector, Preprocessor, Trainer, Usage};

/// The cost of one plug-in under one seed, its warm-up not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Learning: trainings of a model, and scoring of training rows by a detector that learns as it
    /// goes.
    pub(super) fit: Phase,
    /// Scoring the rows it is judged by.
    pub(super) score: Phase,
    /// The preprocessor before it, over all rows.
    pub(super) prepare: Phase,
    /// Opening, saving, loading, and scoring training rows for a threshold.
    pub(super) other: Phase,
}

/// One kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Phase {
    pub(super) busy: Duration,
    pub(super) calls: u64,
    pub(super) peak_memory_bytes: u64,
    pub(super) fuel: u64,
}

impl Phase {
    /// Counts what an instance has used between two looks at it.
    pub(super) fn add(&mut self, before: Usage, after: Usage) {
        self.busy += after.busy.saturating_sub(before.busy);
        self.calls += after.calls.saturating_sub(before.calls);
        self.fuel = self
            .fuel
            .saturating_add(after.fuel.saturating_sub(before.fuel));
        self.peak_memory_bytes = self.peak_memory_bytes.max(after.peak_memory_bytes);
    }
}

impl Cost {
    fn phases(&self) -> [Phase; 3] {
        [self.fit, self.score, self.other]
    }

    /// Time in guests altogether.
    pub(super) fn busy(&self) -> Duration {
        self.phases()
            .iter()
            .map(|phase| phase.busy)
            .sum::<Duration>()
            + self.prepare.busy
    }

    /// Calls of the plug-in itself.
    pub(super) fn calls(&self) -> u64 {
        self.phases().iter().map(|phase| phase.calls).sum()
    }

    /// The most memory that an instance of the plug-in ever held, in bytes.
    pub(super) fn peak_memory_bytes(&self) -> u64 {
        self.phases()
            .iter()
            .map(|phase| phase.peak_memory_bytes)
            .max()
            .unwrap_or(0)
    }

    /// Units of work of the plug-in itself; 0 when they were not counted.
    pub(super) fn fuel(&self) -> u64 {
        self.phases()
            .iter()
            .fold(0, |sum, phase| sum.saturating_add(phase.fuel))
    }
}

/// An instance that keeps count.
pub(super) trait Counts {
    fn usage(&self) -> Usage;
}

impl Counts for Preprocessor {
    fn usage(&self) -> Usage {
        self.usage()
    }
}

impl Counts for Trainer {
    fn usage(&self) -> Usage {
        self.usage()
    }
}

impl Counts for Detector {
    fn usage(&self) -> Usage {
        self.usage()
    }
}

/// Makes a call, and books what it took, whether it succeeds or not.
pub(super) fn charge<I: Counts, R>(
    phase: &mut Phase,
    instance: &mut I,
    call: impl FnOnce(&mut I) -> R,
) -> R {
    let before = instance.usage();
    let result = call(instance);
    phase.add(before, instance.usage());
    result
}
