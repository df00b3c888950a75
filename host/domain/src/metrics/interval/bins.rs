//! Scores in few bins of about as many rows each.

const BINS: u64 = 2048;

/// Numbers the bins of rows that come in descending order of their scores; equal scores are never
/// parted.
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

    /// For so many rows.
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
