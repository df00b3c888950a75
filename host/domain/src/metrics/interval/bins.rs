//! Divides scores into bins with about equal numbers of rows.

const BINS: u64 = 2048;

/// Assigns rows, in descending order of their scores, to bins. Equal scores share a bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    rows: u64,
    passed: u64,
    /// The newest score and its bin.
    newest: Option<(f32, u16)>,
}

impl Bins {
    /// The largest number of bins.
    pub const MAX: usize = BINS as usize;

    /// Bins for `rows` rows.
    #[must_use]
    pub fn new(rows: u64) -> Self {
        Self {
            rows,
            passed: 0,
            newest: None,
        }
    }

    /// The bin of the next row, 0 for the highest scores.
    pub fn next(&mut self, score: f32) -> u16 {
        let passed = self.passed;
        self.passed += 1;
        if let Some((newest, bin)) = self.newest
            && newest == score
        {
            return bin;
        }
        let bin = u128::from(passed) * u128::from(BINS) / u128::from(self.rows.max(1));
        let bin = bin.min(u128::from(BINS - 1)) as u16;
        self.newest = Some((score, bin));
        bin
    }
}
