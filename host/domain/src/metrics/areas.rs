//! The areas under the ROC and the precision-recall curve, from counts of rows in the order of
//! their scores.

/// Rows of each class with equal scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) normals: u64,
    pub(super) anomalies: u64,
}

impl Counts {
    /// Counts one row; counts saturate.
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

    /// The sum of both counts; counts saturate.
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
    /// Computes the areas from groups of tied rows, highest scores first; `None` unless both classes
    /// are present.
    pub(super) fn of(groups: impl Iterator<Item = Counts>) -> Option<Self> {
        let mut sums = AreaSums::default();
        groups.for_each(|group| sums.add(group));
        sums.areas()
    }
}

/// The areas of the rows so far.
///
/// Sums are `f64`: they are exact up to 2^52 pairs of rows and do not overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AreaSums {
    normals: f64,
    anomalies: f64,
    pairs_in_order: f64,
    precisions: f64,
}

impl AreaSums {
    /// Adds a group of tied rows with a lower score than all groups before.
    pub(super) fn add(&mut self, group: Counts) {
        let normals = group.normals as f64;
        let anomalies = group.anomalies as f64;
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
        if pairs == 0.0 {
            return None;
        }
        Some(Areas {
            roc_auc: self.pairs_in_order / pairs,
            average_precision: self.precisions / self.anomalies,
        })
    }
}
