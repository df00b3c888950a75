use proptest::prelude::*;

use super::*;

/// What the host does: the mean of every number, weighted by the rows, rounded to 32 bits.
fn federated_mean(nodes: &[(Moments, usize)]) -> Moments {
    let total: usize = nodes.iter().map(|(_, rows)| rows).sum();
    let mean = |pick: fn(&Moments) -> &Vec<f32>| -> Vec<f32> {
        let at = |index: usize| -> f64 {
            nodes
                .iter()
                .map(|(node, rows)| f64::from(pick(node)[index]) * *rows as f64)
                .sum::<f64>()
                / total as f64
        };
        (0..pick(&nodes[0].0).len())
            .map(|index| at(index) as f32)
            .collect()
    };
    Moments {
        mean: mean(|m| &m.mean),
        within: mean(|m| &m.within),
        reference: mean(|m| &m.reference),
        between: mean(|m| &m.between),
    }
}

fn rows_of(values: &[[f32; 3]]) -> Vec<&[f32]> {
    values.iter().map(<[f32; 3]>::as_slice).collect()
}

/// By definition, in double precision.
fn covariance(values: &[[f32; 3]]) -> Vec<f64> {
    let count = values.len() as f64;
    let mean = |column: usize| values.iter().map(|row| f64::from(row[column])).sum::<f64>() / count;
    let distance = |row: &[f32; 3], column: usize| f64::from(row[column]) - mean(column);
    let entry = |i, j| {
        values
            .iter()
            .map(|row| distance(row, i) * distance(row, j))
            .sum::<f64>()
            / count
    };
    (0..9).map(|index| entry(index / 3, index % 3)).collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    let largest = expected
        .iter()
        .fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance * largest,
            "{found} is not {expected}"
        );
    }
}

fn table(rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<[f32; 3]>> {
    proptest::collection::vec(prop::array::uniform3(-10_f32..10.0), rows)
}

proptest! {
    #[test]
    fn the_mean_of_the_nodes_moments_is_the_moments_of_all_rows(
        nodes in proptest::collection::vec(table(1..20), 1..5), shift in -5_f32..5.0,
    ) {
        let before = Moments { mean: vec![shift; 3], ..Moments::none(3) };
        let parts: Vec<_> = nodes.iter().map(|node| (Moments::of(&rows_of(node), &before), node.len())).collect();
        let (all, joined) = (nodes.concat(), federated_mean(&parts));
        let central = Moments::of(&rows_of(&all), &before);
        close(&joined.covariance(), &central.covariance(), 1e-5);
        for (joined, central) in joined.mean().iter().zip(central.mean()) {
            prop_assert!((joined - central).abs() < 1e-5);
        }
    }

    #[test]
    fn one_nodes_covariance_is_exact_whatever_the_reference(values in table(1..20), shift in -1e6_f32..1e6) {
        let before = Moments { mean: vec![shift; 3], ..Moments::none(3) };
        close(&Moments::of(&rows_of(&values), &before).covariance(), &covariance(&values), 1e-6);
    }
}

#[test]
fn a_small_spread_on_a_large_mean_is_not_lost_from_the_second_round_on() {
    let node = |offset: f32| [[300.0 + offset, 1.0, 0.0], [300.02 + offset, -1.0, 1.0]];
    let round = |before: &Moments| {
        let parts = [node(0.0), node(0.01)].map(|rows| (Moments::of(&rows_of(&rows), before), 2));
        federated_mean(&parts)
    };
    let second = round(&round(&Moments::none(3)));
    close(
        &second.covariance()[..1],
        &covariance(&[node(0.0), node(0.01)].concat())[..1],
        1e-3,
    );
}

#[test]
fn nodes_that_start_from_different_models_agree() {
    let [a, b] = [
        [[1.0, 5.0, 0.0], [3.0, 4.0, 1.0]],
        [[-2.0, 9.0, 5.0], [0.0, 7.0, 3.0]],
    ];
    let first = Moments::of(&rows_of(&a), &Moments::none(3));
    let parts = [
        (Moments::of(&rows_of(&a), &Moments::none(3)), 2),
        (Moments::of(&rows_of(&b), &first), 2),
    ];
    close(
        &federated_mean(&parts).covariance(),
        &covariance(&[a, b].concat()),
        1e-6,
    );
}

#[test]
fn no_rows_have_no_spread() {
    assert_eq!(Moments::of(&[], &Moments::none(2)), Moments::none(2));
    assert_eq!(Moments::none(2).covariance(), [0.0; 4]);
}

#[test]
fn they_come_back_from_weights() {
    let moments = Moments::of(
        &[&[1.0, 2.0], &[3.0, -2.0]],
        &Moments {
            mean: vec![1.0, 1.0],
            ..Moments::none(2)
        },
    );
    assert_eq!(
        Moments::from_weights(&moments.to_weights(), 2),
        Ok(moments.clone())
    );
    assert!(Moments::from_weights(&moments.to_weights(), 3).is_err());
}

#[test]
fn squares_that_32_bits_do_not_hold_are_noticed() {
    assert!(!Moments::of(&[&[1e20], &[-1e20]], &Moments::none(1)).is_finite());
    assert!(Moments::of(&[&[1e18], &[-1e18]], &Moments::none(1)).is_finite());
}
