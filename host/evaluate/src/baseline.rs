//! Scores that need no model: what a figure is worth is seen beside them.

use std::collections::HashMap;

use fedhost_domain::protocol::Permutation;

use super::schedule::ScoredRow;

/// A trivial way to score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Baseline {
    /// Every row is anomalous.
    Always,
    /// None is.
    Never,
    /// A random number.
    Random,
    /// The label of the row before: what a model reaches that gets labels at once.
    RepeatLastLabel,
    /// The number of the row in its file.
    RowPosition,
}

impl Baseline {
    pub(super) const ALL: [Self; 5] = [
        Self::Always,
        Self::Never,
        Self::Random,
        Self::RepeatLastLabel,
        Self::RowPosition,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Random => "random",
            Self::RepeatLastLabel => "repeat-last-label",
            Self::RowPosition => "row-position",
        }
    }

    /// Whether `name` is that of a baseline.
    pub(super) fn is_name(name: &str) -> bool {
        Self::ALL.iter().any(|baseline| baseline.name() == name)
    }

    /// The score from which a row is flagged; `None` where the best one by F1 is taken, with the
    /// labels in view.
    pub(super) fn threshold(self) -> Option<f32> {
        match self {
            Self::Always | Self::RepeatLastLabel | Self::Random => Some(0.5),
            Self::Never => Some(1.0),
            Self::RowPosition => None,
        }
    }
}

/// Scores rows in their order.
pub(super) struct Scorer {
    baseline: Baseline,
    lots: Permutation,
    scored: u64,
    /// By series.
    last_label: HashMap<u32, bool>,
}

impl Scorer {
    const LOTS: u64 = 1 << 24;

    pub(super) fn new(baseline: Baseline, seed: u64) -> Self {
        Self {
            baseline,
            lots: Permutation::new(Self::LOTS, seed),
            scored: 0,
            last_label: HashMap::new(),
        }
    }

    pub(super) fn score(&mut self, row: &ScoredRow) -> f32 {
        self.scored += 1;
        match self.baseline {
            Baseline::Always => 1.0,
            Baseline::Never => 0.0,
            Baseline::Random => self.lots.at(self.scored % Self::LOTS) as f32 / Self::LOTS as f32,
            Baseline::RepeatLastLabel => {
                let last = self
                    .last_label
                    .insert(row.series, row.anomalous)
                    .unwrap_or(false);
                f32::from(u8::from(last))
            }
            Baseline::RowPosition => row.number as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(baseline: Baseline) -> Vec<f32> {
        let rows = [(0, 7, true), (0, 8, true), (1, 0, false), (0, 9, false)];
        let rows = rows.map(|(series, number, anomalous)| ScoredRow {
            series,
            file: 0,
            number,
            anomalous,
        });
        let mut scorer = Scorer::new(baseline, 1);
        rows.iter().map(|row| scorer.score(row)).collect()
    }

    #[test]
    fn each_scores_as_its_name_says() {
        assert_eq!(scores(Baseline::Always), [1.0; 4]);
        assert_eq!(scores(Baseline::Never), [0.0; 4]);
        assert_eq!(scores(Baseline::RepeatLastLabel), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(scores(Baseline::RowPosition), [7.0, 8.0, 0.0, 9.0]);
        let lots = scores(Baseline::Random);
        assert!(
            lots.iter().all(|score| (0.0..1.0).contains(score)) && lots[0] != lots[1],
            "{lots:?}"
        );
    }
}
