//! The live table of rounds, and what a run has come to.

use fedhost_domain::event::{GlobalEvaluation, RoundClosed};

/// A round as it is known so far.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) closed: RoundClosed,
    pub(super) before: Option<GlobalEvaluation>,
    pub(super) after: Option<GlobalEvaluation>,
}

const COLUMNS: [(&str, usize); 8] = [
    ("round", 5),
    ("nodes", 5),
    ("samples", 9),
    ("loss", 8),
    ("AUC before", 10),
    ("AUC after", 9),
    ("gather ms", 10),
    ("average+publish ms", 18),
];

/// The line above the table.
pub(super) fn heading() -> String {
    let cells: Vec<String> = COLUMNS
        .iter()
        .map(|(name, width)| format!("{name:>width$}"))
        .collect();
    cells.join("  ")
}

impl Row {
    pub(super) fn line(&self) -> String {
        let RoundClosed {
            round,
            participants,
            missing,
            samples,
            loss,
            durations,
            rejected,
            ..
        } = &self.closed;
        let expected = participants.len() + missing.len();
        let cells = [
            round.to_string(),
            format!("{}/{expected}", participants.len()),
            samples.to_string(),
            format!("{loss:.4}"),
            auc(self.before.as_ref()),
            auc(self.after.as_ref()),
            format!("{:.0}", durations.gathering_ms),
            format!("{:.1}", durations.aggregating_ms + durations.publishing_ms),
        ];
        let cells: Vec<String> = cells
            .iter()
            .zip(COLUMNS)
            .map(|(cell, (_, width))| format!("{cell:>width$}"))
            .collect();
        let rejected = if *rejected > 0 {
            format!("  ({rejected} rejected)")
        } else {
            String::new()
        };
        cells.join("  ") + &rejected
    }
}

fn auc(evaluation: Option<&GlobalEvaluation>) -> String {
    evaluation
        .and_then(|evaluation| evaluation.roc_auc)
        .map_or_else(|| "-".to_owned(), |auc| format!("{auc:.4}"))
}

#[cfg(test)]
mod tests {
    use fedhost_domain::event::{Durations, Participant};
    use fedhost_domain::model::{NodeId, Sha256Hex};

    use super::*;

    #[test]
    fn cells_stand_under_their_names() {
        let participant = Participant {
            node: NodeId::fog(1),
            samples: 400,
            staleness: 0,
            loss: 0.5,
            norm: 1.0,
            train_ms: Some(3),
            metrics: Vec::new(),
        };
        let closed = RoundClosed {
            round: 7,
            participants: vec![participant],
            missing: vec![NodeId::fog(2)],
            rejected: 2,
            closed_by: "interval".into(),
            samples: 400,
            loss: 0.5,
            weights_sha256: Sha256Hex::of(b""),
            norm: 1.0,
            durations: Durations {
                gathering_ms: 1234.4,
                aggregating_ms: 0.25,
                publishing_ms: 1.0,
            },
        };
        let after = GlobalEvaluation {
            rows: 9,
            anomalous: 3,
            roc_auc: Some(0.91),
            average_precision: None,
            nodes: Vec::new(),
        };
        let line = Row {
            closed,
            before: None,
            after: Some(after),
        }
        .line();
        assert_eq!(
            heading(),
            "round  nodes    samples      loss  AUC before  AUC after   gather ms  average+publish ms"
        );
        assert_eq!(
            line,
            "    7    1/2        400    0.5000           -     0.9100        1234                 1.2  (2 rejected)"
        );
    }
}
