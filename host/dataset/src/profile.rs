//! What the values of each column look like in the order of the rows: whether they count rows or
//! time, and whether 32 bits distinguish them.

use serde::Serialize;

/// Rows of a file below which nothing is said of its columns.
const ROWS_LEAST: u64 = 10;
/// The share of a column's variance that the row's number explains from which on the column counts
/// rows: steps that differ by a third still reach it.
const EXPLAINED_LEAST: f64 = 0.99;
/// The share of changes that are lost from which on a column is reported. Smooth signals lose less
/// than this around their peaks.
const LOST_LEAST: f64 = 0.05;

/// A column whose values only rise, or only fall, by nearly the same step in every file: it says
/// which row this is, as a row number or a time does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counting {
    /// Its name.
    pub column: String,
    /// The mean step from a row to the next.
    pub step: f64,
}

/// A column of which 32 bits cannot hold the differences.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merging {
    /// Its name.
    pub column: String,
    /// How often a value differs from that of the row before.
    pub changes: u64,
    /// How often both are the same number in 32 bits.
    pub lost: u64,
}

/// Gathers what columns look like, file after file.
pub(super) struct Profile {
    columns: Vec<ColumnProfile>,
}

#[derive(Clone, Default)]
struct ColumnProfile {
    changes: u64,
    lost: u64,
    /// A file shows that the column does not count.
    is_free: bool,
    /// Files that show that it does, and the sum of their steps.
    files: u64,
    steps: f64,
    stretch: Stretch,
}

/// The values of one file so far, relative to its first value.
#[derive(Clone, Default)]
struct Stretch {
    /// Rows since the first value, those without a value included.
    row: f64,
    values: u64,
    first: f64,
    last: f64,
    rises: bool,
    falls: bool,
    /// Sums over the rows with a value: of the row's number, of the value, of their squares and of
    /// their product.
    rows: f64,
    row_squares: f64,
    sum: f64,
    squares: f64,
    products: f64,
}

impl Profile {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns: vec![ColumnProfile::default(); columns],
        }
    }

    /// Adds rows of the current file, row after row.
    pub(super) fn add(&mut self, values: &[f64]) {
        for row in values.chunks_exact(self.columns.len().max(1)) {
            for (column, value) in self.columns.iter_mut().zip(row) {
                column.add(*value);
            }
        }
    }

    /// The next rows are those of another file.
    pub(super) fn end_file(&mut self) {
        self.columns.iter_mut().for_each(ColumnProfile::end_file);
    }

    /// Columns that count rows or time.
    pub(super) fn counting(&self, names: &[String]) -> Vec<Counting> {
        let counting = |(column, name): (&ColumnProfile, &String)| {
            (!column.is_free && column.files > 0).then(|| Counting {
                column: name.clone(),
                step: column.steps / column.files as f64,
            })
        };
        self.columns
            .iter()
            .zip(names)
            .filter_map(counting)
            .collect()
    }

    /// Columns whose differences are lost.
    pub(super) fn merging(&self, names: &[String]) -> Vec<Merging> {
        let merging = |(column, name): (&ColumnProfile, &String)| {
            let is_lost =
                column.lost > 0 && column.lost as f64 >= LOST_LEAST * column.changes as f64;
            is_lost.then(|| Merging {
                column: name.clone(),
                changes: column.changes,
                lost: column.lost,
            })
        };
        self.columns.iter().zip(names).filter_map(merging).collect()
    }
}

impl ColumnProfile {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_cmp,
        reason = "the question is what the rounding to 32 bits does"
    )]
    fn add(&mut self, value: f64) {
        let stretch = &mut self.stretch;
        if value.is_nan() {
            stretch.row += 1.0;
            return;
        }
        if stretch.values > 0 && value != stretch.last {
            self.changes += 1;
            self.lost += u64::from(value as f32 == stretch.last as f32);
        }
        if self.is_free {
            stretch.values += 1;
        } else {
            stretch.add(value);
            self.is_free = stretch.rises && stretch.falls;
        }
        stretch.last = value;
    }

    fn end_file(&mut self) {
        let stretch = std::mem::take(&mut self.stretch);
        if self.is_free || stretch.values < ROWS_LEAST {
            return;
        }
        if stretch.explained() >= EXPLAINED_LEAST {
            self.files += 1;
            self.steps += (stretch.last - stretch.first) / (stretch.row - 1.0);
        } else {
            self.is_free = true;
        }
    }
}

impl Stretch {
    fn add(&mut self, value: f64) {
        if self.values == 0 {
            (self.first, self.last, self.row) = (value, value, 0.0);
        }
        self.rises |= value > self.last;
        self.falls |= value < self.last;
        let relative = value - self.first;
        self.rows += self.row;
        self.row_squares += self.row * self.row;
        self.sum += relative;
        self.squares += relative * relative;
        self.products += self.row * relative;
        self.row += 1.0;
        self.values += 1;
    }

    /// The share of the variance that a straight line over the row's number explains; 0 for a
    /// constant.
    fn explained(&self) -> f64 {
        let count = self.values as f64;
        let of_rows = self.row_squares - self.rows * self.rows / count;
        let of_values = self.squares - self.sum * self.sum / count;
        let together = self.products - self.rows * self.sum / count;
        if of_rows > 0.0 && of_values > 0.0 {
            together * together / (of_rows * of_values)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(files: &[Vec<f64>]) -> Profile {
        let mut profile = Profile::new(1);
        for file in files {
            profile.add(file);
            profile.end_file();
        }
        profile
    }

    fn counts(files: &[Vec<f64>]) -> bool {
        !profile(files).counting(&["x".to_owned()]).is_empty()
    }

    #[test]
    fn row_numbers_and_times_count_and_signals_do_not() {
        let rows = |value: fn(f64) -> f64| (0..200).map(|row| value(f64::from(row))).collect();
        let number: Vec<f64> = rows(|row| row);
        let time: Vec<f64> = rows(|row| 1.6e9 + 0.5 * row + 0.2 * (row * 7.0).sin());
        let countdown: Vec<f64> = rows(|row| 200.0 - row);
        let wave: Vec<f64> = rows(|row| (row / 9.0).sin());
        let constant: Vec<f64> = rows(|_| 3.0);
        let step: Vec<f64> = rows(|row| f64::from(u8::from(row > 150.0)));
        let mut with_gaps = number.clone();
        with_gaps
            .iter_mut()
            .step_by(17)
            .for_each(|value| *value = f64::NAN);
        for counting in [&number, &time, &countdown, &with_gaps] {
            assert!(counts(std::slice::from_ref(counting)), "{counting:?}");
        }
        for free in [&wave, &constant, &step] {
            assert!(!counts(std::slice::from_ref(free)), "{free:?}");
        }
        assert!(counts(&[number.clone(), number.clone()]));
        assert!(!counts(&[number.clone(), wave]), "in every file");
        assert!(!counts(&[number[..9].to_vec()]), "too few rows to say");
    }

    #[test]
    fn differences_that_32_bits_lose_are_counted() {
        let meter: Vec<f64> = (0..240).map(|row| 2e7 + 0.025 * f64::from(row)).collect();
        let found = profile(&[meter]).merging(&["m3".to_owned()]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].changes, 239);
        assert!(found[0].lost > 200, "{found:?}");
        let wave: Vec<f64> = (0..10_000)
            .map(|row| (f64::from(row) / 1e3).sin())
            .collect();
        assert_eq!(profile(&[wave]).merging(&["x".to_owned()]), []);
    }

    proptest! {
        #[test]
        fn shuffled_row_numbers_do_not_count(seed in any::<u64>()) {
            let mut rows: Vec<f64> = (0..50).map(f64::from).collect();
            let mut state = seed | 1;
            for index in (1..rows.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                rows.swap(index, (state >> 33) as usize % (index + 1));
            }
            prop_assume!(!rows.is_sorted());
            prop_assert!(!counts(&[rows]));
        }
    }
}
