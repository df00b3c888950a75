use fedhost_guest::Random;

use super::*;

/// Three columns of which two move together, and one that is constant.
fn rows(count: usize) -> Vec<f32> {
    let mut random = Random::new(3);
    let mut gaussian = || (0..12).map(|_| random.unit()).sum::<f32>() - 6.0;
    let row = |_| {
        let (common, own) = (gaussian(), gaussian());
        [10.0 + common, 500.0 - 20.0 * common + gaussian(), own, 7.1]
    };
    (0..count).flat_map(row).collect()
}

fn chart(values: &[f32], variance: f64) -> Chart {
    let rows: Vec<&[f32]> = values.chunks(4).collect();
    Chart::new(&Moments::of(&rows, &Moments::none(4)), variance, 0.99)
}

#[test]
fn normal_rows_keep_the_limit_with_the_confidence_asked_for() {
    let scores = chart(&rows(5_000), 0.6).scores(&rows(5_000));
    let over = scores.iter().filter(|&&score| score > 1.0).count();
    assert!((25..=100).contains(&over), "{over} of 5000");
}

#[test]
fn rows_far_out_in_the_plane_and_rows_off_it_stand_out() {
    let chart = chart(&rows(5_000), 0.9);
    assert_eq!(chart.components(), 2);
    let normal = [10.0, 500.0, 0.0, 7.1];
    let far = [16.0, 380.0, 0.0, 7.1];
    let off = [12.0, 540.0, 0.0, 7.1];
    let scores = chart.scores(&[normal, far, off].concat());
    assert!(
        scores[0] < 0.1 && scores[1] > 1.0 && scores[2] > 5.0,
        "{scores:?}"
    );
}

#[test]
fn a_column_that_never_varied_is_silent() {
    let chart = chart(&rows(100), 0.6);
    let (still, moved) = ([11.0, 480.0, 1.0, 7.1], [11.0, 480.0, 1.0, 9e9]);
    assert_eq!(chart.scores(&still), chart.scores(&moved));
}

#[test]
fn what_is_missing_counts_as_the_mean() {
    let chart = chart(
        &[1.0, 0.0, 5.0, 0.0, 3.0, 8.0, 5.0, 1.0, 2.0, 1.0, 5.0, 9.0],
        0.6,
    );
    let mean = [2.0, 3.0, 5.0, 10.0 / 3.0];
    assert!(chart.scores(&mean)[0] < 1e-6);
    for gap in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(chart.scores(&[gap; 4]), [0.0]);
    }
}

#[test]
fn nothing_known_or_nothing_varying_scores_nothing() {
    for values in [vec![], vec![3.0; 4], vec![3.0; 40]] {
        assert_eq!(
            chart(&values, 0.6).scores(&[1.0, -9e9, f32::MAX, 4.0]),
            [0.0],
            "{values:?}"
        );
    }
}

#[test]
fn one_column_has_a_plane_and_nothing_off_it() {
    let rows: Vec<&[f32]> = vec![&[1.0], &[3.0]];
    let chart = Chart::new(&Moments::of(&rows, &Moments::none(1)), 0.6, 0.99);
    let scores = chart.scores(&[2.0, 2.0 + 2.6, f32::MAX]);
    assert!(
        scores[0] == 0.0 && (0.9..1.1).contains(&scores[1]) && scores[2].is_finite(),
        "{scores:?}"
    );
}

#[test]
fn columns_in_lockstep_alarm_when_they_part() {
    let values: Vec<f32> = (0..50)
        .flat_map(|row| [row as f32, 2.0 * row as f32, 0.0, 0.0])
        .collect();
    let scores = chart(&values, 0.999).scores(&[20.0, 40.0, 0.0, 0.0, 20.0, 41.0, 0.0, 0.0]);
    assert!(scores[0] < 1.0 && scores[1] > 10.0, "{scores:?}");
}
