//! The two areas that need no threshold, from counts of rows in the order of their scores.

/// Rows of each class among which scores make no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) normals: u64,
    pub(super) anomalies: u64,
}

impl Counts {
    /// Counts one row; a count stops at the largest number rather than starting anew.
    pub(super) fn add_row(&mut self, anomalous: bool) {
        self.add(if anomalous {
            Self {
                normals: 0,
                anomalies: 1,
            }
        } else {
            Self {
                normals: 1,
                anomalies: 0,
            }
        });
    }

    /// Counts the rows of both; a count stops at the largest number rather than starting anew.
    pub(super) fn add(&mut self, other: Self) {
        self.normals = self.normals.saturating_add(other.normals);
        self.anomalies = self.anomalies.saturating_add(other.anomalies);
    }
}

/// Areas under the ROC curve and, as steps, under the precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Areas {
    pub(super) roc_auc: f64,
    pub(super) average_precision: f64,
}

impl Areas {
    /// From groups of tied rows, the highest scores first; `None` unless both classes are present.
    pub(super) fn of(groups: impl Iterator<Item = Counts>) -> Option<Self> {
        let mut sums = AreaSums::default();
        groups.for_each(|group| sums.add(group));
        sums.areas()
    }
}

/// The areas of the rows so far.
///
/// Sums are `f64`: exact up to 2^52 pairs of rows, and unlike integers they cannot overflow beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AreaSums {
    normals: f64,
    anomalies: f64,
    pairs_in_order: f64,
    precisions: f64,
}

impl AreaSums {
    /// Adds a group of tied rows that score less than all before.
    pub(super) fn add(&mut self, group: Counts) {
        let (normals, anomalies) = (group.normals as f64, group.anomalies as f64);
        self.pairs_in_order += normals * (self.anomalies + anomalies / 2.0);
        self.normals += normals;
        self.anomalies += anomalies;
        if anomalies > 0.0 {
            self.precisions += anomalies * (self.anomalies / (self.anomalies + self.normals));
        }
    }

    /// `None` unless both classes are present.
    pub(super) fn areas(&self) -> Option<Areas> {
        let pairs = self.normals * self.anomalies;
        (pairs > 0.0).then(|| Areas {
            roc_auc: self.pairs_in_order / pairs,
            average_precision: self.precisions / self.anomalies,
        })
    }
}
