//! Rows that come twice: a row that was trained on says little when it is scored again.

use std::io;

use xxhash_rust::xxh3::xxh3_64;

use super::corpus::Corpus;
use super::error::DatasetError;

/// Training rows whose hashes are held at a time: 32 MiB of them.
const TRAINING_MAX: usize = 4 << 20;

/// What a row is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A plug-in learns from it.
    Training,
    /// It is scored.
    Scored,
    /// Neither.
    Unused,
}

/// How many scored rows are bit for bit, in every feature, a training row too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeats {
    /// Scored rows that were looked at.
    pub looked_at: u64,
    /// Those that are also a training row.
    pub repeated: u64,
    /// The share of all rows that were looked at, chosen by their hash: 1, or less when there are
    /// more than 4 million different training rows. `repeated / looked_at` holds for all rows in
    /// either case.
    pub share: f64,
}

impl Corpus {
    /// Compares rows by a hash of 64 bits: two different ones in ten million are taken for the same
    /// once in 300,000 times.
    ///
    /// # Errors
    /// When the kept rows cannot be read.
    pub fn repeats(&self, part: impl Fn(u64) -> Part) -> Result<Repeats, DatasetError> {
        self.repeats_within(TRAINING_MAX, part)
    }

    pub(super) fn repeats_within(
        &self,
        training_max: usize,
        part: impl Fn(u64) -> Part,
    ) -> Result<Repeats, DatasetError> {
        let mut seen = Seen::new(training_max);
        self.each_row(|row, values| {
            if part(row) == Part::Training {
                seen.add(hash(values));
            }
        })?;
        seen.settle();
        let (mut looked_at, mut repeated) = (0, 0);
        self.each_row(|row, values| {
            let hash = hash(values);
            if part(row) == Part::Scored && seen.is_sampled(hash) {
                looked_at += 1;
                repeated += u64::from(seen.contains(hash));
            }
        })?;
        Ok(Repeats {
            looked_at,
            repeated,
            share: seen.share(),
        })
    }

    fn each_row(&self, mut work: impl FnMut(u64, &[f32])) -> Result<(), DatasetError> {
        let (width, rows_max) = (self.columns().len(), self.rows_at_once());
        let mut values = Vec::new();
        let mut first = 0;
        while first < self.rows() {
            values.clear();
            self.read_range(first, rows_max, &mut values)?;
            let rows = (values.len() / width) as u64;
            if rows == 0 {
                return Err(DatasetError::Kept(io::ErrorKind::UnexpectedEof.into()));
            }
            (first..)
                .zip(values.chunks_exact(width))
                .for_each(|(row, values)| work(row, values));
            first += rows;
        }
        Ok(())
    }
}

fn hash(values: &[f32]) -> u64 {
    xxh3_64(bytemuck::cast_slice(values))
}

/// Hashes of the training rows, or of those whose hash is below a limit: a fair sample of the
/// distinct rows.
struct Seen {
    hashes: Vec<u64>,
    hashes_max: usize,
    /// The greatest hash that is looked at.
    limit: u64,
}

impl Seen {
    fn new(hashes_max: usize) -> Self {
        Self {
            hashes: Vec::new(),
            hashes_max,
            limit: u64::MAX,
        }
    }

    fn is_sampled(&self, hash: u64) -> bool {
        hash <= self.limit
    }

    fn add(&mut self, hash: u64) {
        if !self.is_sampled(hash) {
            return;
        }
        self.hashes.push(hash);
        if self.hashes.len() > self.hashes_max {
            self.settle();
        }
        while self.hashes.len() > self.hashes_max {
            self.limit /= 2;
            let kept = self.hashes.partition_point(|hash| *hash <= self.limit);
            self.hashes.truncate(kept);
        }
    }

    fn settle(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
    }

    fn contains(&self, hash: u64) -> bool {
        self.hashes.binary_search(&hash).is_ok()
    }

    fn share(&self) -> f64 {
        (self.limit as f64 + 1.0) / (u64::MAX as f64 + 1.0)
    }
}
