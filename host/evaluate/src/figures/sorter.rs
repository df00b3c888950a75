//! Sorts more records than fit into memory: sorted runs in a temporary file, merged as they are
//! read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io;
use std::sync::Arc;

use fedhost_domain::metrics::order_key;

use super::tape::{self, Record, Section};

/// What a sorter can sort.
pub(super) trait Sortable: Record {
    /// Records come in ascending order of this.
    fn key(&self) -> u32;
}

impl Sortable for f32 {
    fn key(&self) -> u32 {
        order_key(*self)
    }
}

/// Takes records in any order.
#[derive(Debug)]
pub(super) struct Sorter<T> {
    run: Vec<T>,
    run_max: usize,
    file: Option<File>,
    /// Records of each run in the file.
    runs: Vec<u64>,
}

impl<T: Sortable + 'static> Sorter<T> {
    /// Sorts up to `in_memory` records at once, but at least one.
    pub(super) fn new(in_memory: usize) -> Self {
        Self {
            run: Vec::new(),
            run_max: in_memory.max(1),
            file: None,
            runs: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, record: T) -> io::Result<()> {
        if self.run.len() >= self.run_max {
            self.spill()?;
        }
        self.run.push(record);
        Ok(())
    }

    /// All records in their order. The same records pushed in the same order always come back in
    /// the same.
    pub(super) fn finish(mut self) -> io::Result<impl Iterator<Item = io::Result<T>>> {
        self.run.sort_unstable_by_key(T::key);
        let mut sources: Vec<Source<T>> = Vec::with_capacity(self.runs.len() + 1);
        if let Some(file) = self.file.map(Arc::new) {
            let mut at = 0;
            for records in self.runs {
                sources.push(Box::new(
                    Section::new(Arc::clone(&file), at, records).records(),
                ));
                at += records * tape::bytes_of::<T>();
            }
        }
        sources.push(Box::new(self.run.into_iter().map(Ok)));
        Merge::new(sources)
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        self.run.sort_unstable_by_key(T::key);
        tape::write_all(file, &self.run)?;
        self.runs.push(self.run.len() as u64);
        self.run.clear();
        Ok(())
    }
}

/// A sorted run.
type Source<T> = Box<dyn Iterator<Item = io::Result<T>>>;

/// The next record of each run, the smallest on top; of equal ones that of the earliest run.
struct Merge<T> {
    sources: Vec<Source<T>>,
    heads: BinaryHeap<Reverse<Head<T>>>,
}

struct Head<T> {
    key: u32,
    source: usize,
    record: T,
}

impl<T: Sortable> Merge<T> {
    fn new(mut sources: Vec<Source<T>>) -> io::Result<Self> {
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (source, records) in sources.iter_mut().enumerate() {
            if let Some(record) = records.next().transpose()? {
                heads.push(Reverse(Head {
                    key: record.key(),
                    source,
                    record,
                }));
            }
        }
        Ok(Self { sources, heads })
    }
}

impl<T: Sortable> Iterator for Merge<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut top = self.heads.peek_mut()?;
        let Reverse(Head { source, record, .. }) = *top;
        match self.sources.get_mut(source).and_then(Iterator::next) {
            Some(Ok(next)) => {
                *top = Reverse(Head {
                    key: next.key(),
                    source,
                    record: next,
                })
            }
            Some(Err(error)) => return Some(Err(error)),
            None => drop(PeekMut::pop(top)),
        }
        Some(Ok(record))
    }
}

impl<T: Copy> Copy for Head<T> {}

impl<T: Copy> Clone for Head<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Ord for Head<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.key, self.source).cmp(&(other.key, other.source))
    }
}

impl<T> PartialOrd for Head<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Head<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Head<T> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Sortable for u64 {
        fn key(&self) -> u32 {
            (*self % 1_000) as u32
        }
    }

    proptest! {
        #[test]
        fn every_record_comes_back_once_and_in_order(
            records in prop::collection::vec(0_u64..3_000, 0..200),
            in_memory in 0_usize..250,
        ) {
            let mut sorter = Sorter::new(in_memory);
            records.iter().for_each(|&record| sorter.push(record).unwrap());
            let mut found = sorter.finish().unwrap().collect::<io::Result<Vec<u64>>>().unwrap();
            prop_assert!(found.is_sorted_by_key(Sortable::key), "{found:?}");
            let mut expected = records;
            expected.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
