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

/// Counts by `T`.
#[derive(Debug)]
pub(super) struct Counter<T>(BTreeMap<T, (u64, String)>);

impl<T> Default for Counter<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Counter<T> {
    /// Counts one more.
    pub(super) fn add(&mut self, what: T, example: impl Into<String>) {
        let (count, last) = self.0.entry(what).or_default();
        *count += 1;
        *last = example.into();
    }

    /// Most frequent first, then in order of `T`.
    pub(super) fn into_tallies(self) -> Vec<Tally<T>> {
        let mut tallies: Vec<_> = self
            .0
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
