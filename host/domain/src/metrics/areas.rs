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
        self.add(if anomalous { Self { normals: 0, anomalies: 1 } } else { Self { normals: 1, anomalies: 0 } });
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
    ///
    /// Sums are `f64`: exact up to 2^52 pairs of rows, and unlike integers they cannot overflow beyond.
    pub(super) fn of(groups: impl Iterator<Item = Counts>) -> Option<Self> {
        let (mut normals_so_far, mut anomalies_so_far) = (0.0, 0.0);
        let (mut pairs_in_order, mut precisions) = (0.0, 0.0);
        for group in groups {
            let (normals, anomalies) = (group.normals as f64, group.anomalies as f64);
            pairs_in_order += normals * (anomalies_so_far + anomalies / 2.0);
            normals_so_far += normals;
            anomalies_so_far += anomalies;
            if anomalies > 0.0 {
                precisions += anomalies * (anomalies_so_far / (anomalies_so_far + normals_so_far));
            }
        }
        let pairs = normals_so_far * anomalies_so_far;
        (pairs > 0.0)
            .then(|| Self { roc_auc: pairs_in_order / pairs, average_precision: precisions / anomalies_so_far })
    }
}
