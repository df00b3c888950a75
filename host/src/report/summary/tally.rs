//! Counting things that are alike.

use std::collections::BTreeMap;

use serde::Serialize;

/// How often something happened, and an example.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tally<T> {
    /// What happened.
    pub what: T,
    /// How often.
    pub count: u64,
    /// The whole story of the last one.
    pub example: String,
}

/// Kinds that are counted one by one; a log from outside may have any number of them.
const KINDS_MAX: usize = 1_000;

/// Counts by `T`.
#[derive(Debug)]
pub(super) struct Counter<T> {
    kinds: BTreeMap<T, (u64, String)>,
    uncounted: u64,
}

impl<T> Default for Counter<T> {
    fn default() -> Self {
        Self {
            kinds: BTreeMap::new(),
            uncounted: 0,
        }
    }
}

impl<T: Ord> Counter<T> {
    /// Counts one more.
    pub(super) fn add(&mut self, what: T, example: impl Into<String>) {
        if self.kinds.len() < KINDS_MAX || self.kinds.contains_key(&what) {
            self.add_always(what, example);
        } else {
            self.uncounted += 1;
        }
    }

    /// Counts one more, even if there are too many kinds.
    pub(super) fn add_always(&mut self, what: T, example: impl Into<String>) {
        let (count, last) = self.kinds.entry(what).or_default();
        *count += 1;
        *last = example.into();
    }

    /// What was not counted, because there were too many kinds.
    pub(super) fn uncounted(&self) -> u64 {
        self.uncounted
    }

    /// Most frequent first, then in order of `T`.
    pub(super) fn into_tallies(self) -> Vec<Tally<T>> {
        let mut tallies: Vec<_> = self
            .kinds
            .into_iter()
            .map(|(what, (count, example))| Tally {
                what,
                count,
                example,
            })
            .collect();
        tallies.sort_by_key(|tally| std::cmp::Reverse(tally.count));
        tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_kinds_takes_bounded_memory() {
        let mut counter = Counter::default();
        for kind in 0..2 * KINDS_MAX {
            counter.add(kind, "first");
            counter.add(kind, "last");
        }
        assert_eq!(counter.uncounted(), 2 * KINDS_MAX as u64);
        let tallies = counter.into_tallies();
        assert_eq!(tallies.len(), KINDS_MAX);
        assert!(tallies.iter().all(|tally| tally.count == 2));
    }
}
