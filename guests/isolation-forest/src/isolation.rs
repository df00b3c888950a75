//! An isolation forest over a stream.
//!
//! Each row is scored by the present forest and then offered to the sample, so a row does not
//! influence its own score. The forest is a function of its sample and a seed, which are saved
//! instead of the trees.

use fedhost_guest::{
    Batch, Descriptor, Detector, Error, Model, Parameters, Random, Result, Setting, Weights, state,
};

use crate::forest::Forest;
use crate::reservoir::Reservoir;

const TREES: Setting<i64> = Setting::integer(
    "trees",
    "how many; more give steadier scores and are slower",
    100,
    1..=1_000,
);
const TREE_ROWS: Setting<i64> = Setting::integer(
    "tree_rows",
    "rows of the sample that a tree is grown from",
    256,
    2..=4_096,
);
const SAMPLE_ROWS: Setting<i64> = Setting::integer(
    "sample_rows",
    "rows kept to grow trees from",
    1_024,
    2..=65_536,
);
const HORIZON_ROWS: Setting<i64> = Setting::integer(
    "horizon_rows",
    "rows after which old ones fade from the sample",
    100_000,
    2..=1_000_000_000,
);
const LEARNING_ROWS: Setting<i64> = Setting::integer(
    "learning_rows",
    "rows at the start to learn from; 0 for all rows",
    0,
    0..=1_000_000_000,
);

/// The forest is grown again when one in this number of rows of the sample is new.
const FRESH: u64 = 4;

/// One source's forest.
#[derive(Clone, Debug)]
pub struct IsolationForest {
    columns: usize,
    settings: Settings,
    sample: Reservoir,
    /// The sample from which the present forest was grown.
    grown_from: Reservoir,
    counters: Counters,
    forest: Forest,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    trees: usize,
    tree_rows: usize,
    sample_rows: usize,
    horizon: u64,
    /// `u64::MAX` for no limit.
    learning: u64,
}

#[derive(Clone, Copy, Debug)]
struct Counters {
    /// Rows offered to the sample.
    seen: u64,
    /// Rows that entered the sample since the forest was grown.
    fresh: u64,
    /// The seed of the present forest.
    forest_seed: u64,
    /// The state of the generator of samples and seeds.
    random: u64,
}

impl IsolationForest {
    fn learn(&mut self, row: &[f32]) {
        if self.counters.seen >= self.settings.learning {
            return;
        }
        let Settings {
            sample_rows,
            horizon,
            ..
        } = self.settings;
        let mut random = Random::new(self.counters.random);
        let taken = self
            .sample
            .offer(row, self.counters.seen, sample_rows, horizon, &mut random);
        self.counters.seen += 1;
        self.counters.fresh += u64::from(taken);
        if self.counters.fresh * FRESH >= self.sample.rows(self.columns) as u64 {
            self.counters.fresh = 0;
            self.counters.forest_seed = random.next_u64();
            self.grown_from = self.sample.clone();
            self.grow();
        }
        self.counters.random = random.state();
    }

    fn grow(&mut self) {
        let Settings {
            trees, tree_rows, ..
        } = self.settings;
        self.forest = Forest::grow(
            self.grown_from.values(),
            self.columns,
            trees,
            tree_rows,
            self.counters.forest_seed,
        );
    }

    fn shape(&self) -> [u32; 2] {
        [self.settings.sample_rows as u32, self.columns as u32]
    }

    /// The sample's rows, and zeros up to its capacity: a tensor's shape may not change as it
    /// fills.
    fn padded(&self, sample: &Reservoir) -> Vec<f32> {
        let mut values = sample.values().to_vec();
        values.resize(self.settings.sample_rows * self.columns, 0.0);
        values
    }

    fn unpadded(&self, values: &[f32], rows: u64) -> Result<Reservoir> {
        let length = usize::try_from(rows)
            .ok()
            .and_then(|rows| rows.checked_mul(self.columns));
        let values = length.and_then(|length| values.get(..length));
        let values = values.ok_or_else(|| {
            Error::InvalidState(format!("the stated number of sample rows is {rows}"))
        })?;
        Ok(Reservoir::new(values.to_vec()))
    }
}

impl Model for IsolationForest {
    fn describe() -> Descriptor {
        let summary = "Isolation forest over a sample of the rows so far; needs no training, scores from 0 to 1.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor
            .with(&TREES)
            .with(&TREE_ROWS)
            .with(&SAMPLE_ROWS)
            .with(&HORIZON_ROWS)
            .with(&LEARNING_ROWS)
    }

    fn open(columns: &[String], parameters: &Parameters, seed: u64) -> Result<Self> {
        let learning = parameters.get(&LEARNING_ROWS).unsigned_abs();
        let settings = Settings {
            trees: parameters.get(&TREES) as usize,
            tree_rows: parameters.get(&TREE_ROWS) as usize,
            sample_rows: parameters.get(&SAMPLE_ROWS) as usize,
            horizon: parameters.get(&HORIZON_ROWS).unsigned_abs(),
            learning: if learning == 0 { u64::MAX } else { learning },
        };
        Ok(Self {
            columns: columns.len(),
            settings,
            sample: Reservoir::default(),
            grown_from: Reservoir::default(),
            counters: Counters {
                seen: 0,
                fresh: 0,
                forest_seed: 0,
                random: seed,
            },
            forest: Forest::grow(&[], columns.len(), 0, 0, 0),
        })
    }

    fn save(&self) -> Result<Weights> {
        let Counters {
            seen,
            fresh,
            forest_seed,
            random,
        } = self.counters;
        let rows = [&self.sample, &self.grown_from].map(|sample| sample.rows(self.columns) as u64);
        let [sample, grown_from] =
            [&self.sample, &self.grown_from].map(|sample| self.padded(sample));
        let weights = Weights::default().with("sample", &self.shape(), &sample);
        let weights = weights
            .with("grown_from", &self.shape(), &grown_from)
            .with_u64("rows", &rows);
        Ok(weights.with_u64("counters", &[seen, fresh, forest_seed, random]))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let shape = self.shape();
        let expected = [
            ("sample", &shape[..]),
            ("grown_from", &shape),
            ("rows", &[2, state::PARTS]),
            ("counters", &[4, state::PARTS]),
        ];
        let [sample, grown_from, rows, counters] = model.tensors(expected)?;
        let (rows, counters) = (state::u64s(rows)?, state::u64s(counters)?);
        let (&[sample_rows, grown_rows], &[seen, fresh, forest_seed, random]) =
            (&rows[..], &counters[..])
        else {
            return Err(Error::InvalidState("there are too few counters".into()));
        };
        let (sample, grown_from) = (
            self.unpadded(sample, sample_rows)?,
            self.unpadded(grown_from, grown_rows)?,
        );
        (self.sample, self.grown_from) = (sample, grown_from);
        self.counters = Counters {
            seen,
            fresh,
            forest_seed,
            random,
        };
        self.grow();
        Ok(())
    }
}

impl Detector for IsolationForest {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        let rows = batch.values.chunks_exact(self.columns);
        let score = |row| {
            let score = self.forest.score(row);
            self.learn(row);
            score
        };
        Ok(rows.map(score).collect())
    }
}

#[cfg(test)]
mod tests;
