use proptest::prelude::*;

use super::*;
use crate::metrics::areas::Counts;

/// The curves of labels in descending order of scores without ties, and every point before
/// thinning.
fn curves(labels: &[bool]) -> (Curves, Curves) {
    let mut total = Counts::default();
    labels
        .iter()
        .for_each(|&anomalous| total.add_row(anomalous));
    let (mut builder, mut flagged) = (CurveBuilder::default(), Counts::default());
    let mut all = Curves {
        roc: vec![Point { x: 0.0, y: 0.0 }],
        precision_recall: Vec::new(),
    };
    for &anomalous in labels {
        flagged.add_row(anomalous);
        let outcome = Confusion::of(total, flagged);
        builder.add(&outcome);
        all.roc.push(Point {
            x: outcome.far(),
            y: outcome.recall(),
        });
        all.precision_recall.push(Point {
            x: outcome.recall(),
            y: outcome.precision(),
        });
    }
    (builder.finish(), all)
}

/// A detector that is right more often at the top, by a rule instead of chance.
fn many_labels() -> Vec<bool> {
    (0_u64..100_000)
        .map(|row| row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44 < (1 << 20) * 500 / (row + 600))
        .collect()
}

#[test]
fn many_rows_make_few_points_with_exact_ends() {
    let (thin, all) = curves(&many_labels());
    assert!((200..=500).contains(&thin.roc.len()), "{}", thin.roc.len());
    assert!(
        (200..=500).contains(&thin.precision_recall.len()),
        "{}",
        thin.precision_recall.len()
    );
    assert_eq!(
        (thin.roc.first(), thin.roc.last()),
        (all.roc.first(), all.roc.last())
    );
    assert_eq!(thin.roc.last(), Some(&Point { x: 1.0, y: 1.0 }));
    assert_eq!(thin.precision_recall.first(), all.precision_recall.first());
    assert_eq!(thin.precision_recall.last(), all.precision_recall.last());
}

#[test]
fn the_area_under_the_points_is_that_of_the_curve() {
    let area = |points: &[Point]| -> f64 {
        points
            .windows(2)
            .map(|pair| (pair[1].x - pair[0].x) * (pair[1].y + pair[0].y) / 2.0)
            .sum()
    };
    let (thin, all) = curves(&many_labels());
    assert!((area(&thin.roc) - area(&all.roc)).abs() < 1e-3);
}

#[test]
fn no_peak_of_the_precision_is_lost() {
    let (thin, all) = curves(&many_labels());
    for part in 0..PARTS as u64 {
        let highest = |points: &[Point]| {
            points
                .iter()
                .filter(|point| (point.x * PARTS) as u64 == part)
                .map(|point| point.y)
                .fold(0.0, f64::max)
        };
        assert_eq!(
            highest(&thin.precision_recall),
            highest(&all.precision_recall),
            "part {part}"
        );
    }
}

#[test]
fn points_are_serialised_as_pairs() {
    let (curves, _) = curves(&[true, false]);
    let text = serde_json::to_string(&curves).unwrap();
    assert_eq!(
        text,
        r#"{"roc":[[0.0,0.0],[0.0,1.0],[1.0,1.0]],"precision_recall":[[1.0,1.0],[1.0,0.5]]}"#
    );
}

proptest! {
    #[test]
    fn every_point_lies_on_the_curve_and_in_its_order(labels in prop::collection::vec(any::<bool>(), 1..400)) {
        let (thin, all) = curves(&labels);
        for (thin, all) in [(&thin.roc, &all.roc), (&thin.precision_recall, &all.precision_recall)] {
            let mut rest = all.iter();
            prop_assert!(thin.iter().all(|point| rest.any(|other| other == point)), "{thin:?} of {all:?}");
        }
    }
}
