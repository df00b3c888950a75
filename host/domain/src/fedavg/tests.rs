use proptest::prelude::*;

use super::*;

const LIMITS: MeanLimits = MeanLimits {
    max_abs: 1000.0,
    max_samples: 1_000_000,
    max_updates: 1000,
};

fn model(values: &[f32]) -> Weights {
    let shape = vec![u32::try_from(values.len()).unwrap()];
    Weights::new(
        vec![TensorSpec {
            name: "w".into(),
            shape,
        }],
        values.to_vec(),
    )
    .unwrap()
}

fn empty(like: &Weights) -> Average {
    Average::new(like.tensors().to_vec(), LIMITS).unwrap()
}

#[test]
fn the_mean_is_weighted_by_samples() {
    type Case<'a> = (&'a [(&'a [f32], u64)], &'a [f32]);
    let cases: &[Case<'_>] = &[
        (&[(&[1.0, -2.0], 1)], &[1.0, -2.0]),
        (&[(&[1.0, 2.0], 5), (&[3.0, -2.0], 5)], &[2.0, 0.0]),
        (&[(&[0.0], 1), (&[1.0], 3)], &[0.75]),
        (&[(&[10.0], 100), (&[20.0], 200), (&[30.0], 700)], &[26.0]),
        (&[(&[-0.5], 999_999), (&[-0.5], 1)], &[-0.5]),
        (&[(&[1000.0], 1_000_000), (&[-1000.0], 1_000_000)], &[0.0]),
    ];
    for (updates, expected) in cases {
        let mut average = empty(&model(expected));
        for (values, samples) in *updates {
            average.add(&model(values), *samples).unwrap();
        }
        assert_eq!(average.finish().unwrap().data(), *expected, "{updates:?}");
        assert_eq!(average.updates(), updates.len() as u64);
        assert_eq!(
            average.samples(),
            updates.iter().map(|(_, samples)| samples).sum::<u64>()
        );
    }
}

#[test]
fn one_update_is_its_own_mean() {
    // Given weights whose last bit is worth more than a step a sample.
    let weights = model(&[0.1, -1.0 / 3.0, 999.9, 1000.0, -1000.0, 1.000_000_1, 0.0]);
    // When one node answers with many samples.
    let mut average = empty(&weights);
    average.add(&weights, 1_000_000).unwrap();
    // Then its own bits come back.
    assert_eq!(average.finish().unwrap(), weights);

    // Given a weight below the grid, it comes back within half a step a sample.
    let tiny = model(&[1e-9]);
    let mut average = empty(&tiny);
    average.add(&tiny, 7).unwrap();
    let error = f64::from(average.finish().unwrap().data()[0]) - 1e-9;
    assert!(error.abs() <= average.step() / 2.0 / 7.0, "{error}");
}

#[test]
fn a_full_mean_of_extreme_updates_does_not_overflow() {
    let cases = [
        MeanLimits {
            max_abs: f32::MAX,
            max_samples: SAMPLES_MAX,
            max_updates: 2048,
        },
        MeanLimits {
            max_abs: f32::MIN_POSITIVE,
            max_samples: SAMPLES_MAX,
            max_updates: 2049,
        },
        MeanLimits {
            max_abs: 1.0,
            max_samples: 1,
            max_updates: 5000,
        },
        MeanLimits {
            max_abs: 0.1,
            max_samples: 3,
            max_updates: 3,
        },
    ];
    for limits in cases {
        let weights = model(&[limits.max_abs, -limits.max_abs, 0.0]);
        let mut average = Average::new(weights.tensors().to_vec(), limits).unwrap();
        for _ in 0..limits.max_updates {
            average.add(&weights, limits.max_samples).unwrap();
        }
        assert_eq!(average.finish().unwrap(), weights, "{limits:?}");
    }
}

#[test]
fn a_bad_update_is_refused_by_name_and_leaves_no_trace() {
    let good = model(&[1.0; 19]);
    let at = |index: usize, value: f32| {
        let mut values = [0.5; 19];
        values[index] = value;
        model(&values)
    };
    let too_large = |index, value| AddError::TooLarge {
        tensor: "w".into(),
        index,
        value,
        limit: LIMITS.max_abs,
    };
    let cases = [
        (
            model(&[1.0]),
            1,
            ShapeMismatch {
                expected: "w[19]".into(),
                found: "w[1]".into(),
            }
            .into(),
        ),
        (good.clone(), 0, AddError::NoSamples),
        (
            good.clone(),
            1_000_001,
            AddError::TooManySamples {
                samples: 1_000_001,
                limit: 1_000_000,
            },
        ),
        (at(3, 1000.0001), 1, too_large(3, 1000.0001)),
        (at(18, f32::MIN), 1_000_000, too_large(18, f32::MIN)),
    ];
    for (update, samples, reason) in cases {
        let mut average = empty(&good);
        average.add(&good, 3).unwrap();
        let before = average.finish().unwrap();
        assert_eq!(average.add(&update, samples), Err(reason.clone()));
        for index in 0..6 {
            let mut expected = [const { Ok(()) }; 6];
            let mut group = [(&good, 2); 6];
            (group[index], expected[index]) = ((&update, samples), Err(reason.clone()));
            assert_eq!(average.add_all(&group), expected);
        }
        assert_eq!((average.updates(), average.samples()), (31, 63));
        assert_eq!(average.finish().unwrap(), before);
    }
}

#[test]
fn a_full_mean_refuses_updates() {
    let weights = model(&[1.0]);
    let limits = MeanLimits {
        max_updates: 6,
        ..LIMITS
    };
    let mut average = Average::new(weights.tensors().to_vec(), limits).unwrap();
    let over = model(&[f32::MAX]);
    let full = Err(AddError::TooManyUpdates { limit: 6 });
    // A refused update takes no room, in a group as little as alone.
    let updates = [
        &weights, &weights, &weights, &weights, &over, &weights, &weights, &weights, &weights,
    ];
    let answers = average.add_all(&updates.map(|weights| (weights, 1)));
    assert!(
        matches!(answers[4], Err(AddError::TooLarge { .. })),
        "{answers:?}"
    );
    assert_eq!(
        [&answers[..4], &answers[5..7]].concat(),
        [const { Ok(()) }; 6]
    );
    assert_eq!(answers[7..], [full.clone(), full.clone()]);
    assert_eq!(average.add(&weights, 1), full);
    assert_eq!((average.updates(), average.samples()), (6, 6));
}

#[test]
fn no_updates_have_no_mean() {
    assert_eq!(empty(&model(&[1.0])).finish(), Err(FinishError::NoUpdates));
}

#[test]
fn unusable_limits_are_refused_by_name() {
    let tensors = model(&[1.0]).tensors().to_vec();
    let cases = [
        (
            MeanLimits {
                max_abs: 0.0,
                ..LIMITS
            },
            LimitsError::MaxAbs(0.0),
        ),
        (
            MeanLimits {
                max_abs: -1.0,
                ..LIMITS
            },
            LimitsError::MaxAbs(-1.0),
        ),
        (
            MeanLimits {
                max_abs: f32::INFINITY,
                ..LIMITS
            },
            LimitsError::MaxAbs(f32::INFINITY),
        ),
        (
            MeanLimits {
                max_samples: 0,
                ..LIMITS
            },
            LimitsError::MaxSamples(0),
        ),
        (
            MeanLimits {
                max_samples: SAMPLES_MAX + 1,
                ..LIMITS
            },
            LimitsError::MaxSamples(SAMPLES_MAX + 1),
        ),
        (
            MeanLimits {
                max_updates: 0,
                ..LIMITS
            },
            LimitsError::MaxUpdates(0),
        ),
        (
            MeanLimits {
                max_updates: UPDATES_MAX + 1,
                ..LIMITS
            },
            LimitsError::MaxUpdates(UPDATES_MAX + 1),
        ),
    ];
    for (limits, reason) in cases {
        assert_eq!(
            Average::new(tensors.clone(), limits).unwrap_err(),
            NewError::Limits(reason)
        );
    }
    assert_eq!(
        Average::new(vec![], LIMITS).unwrap_err(),
        NewError::Shape(WeightsError::Empty)
    );
}

/// Up to 12 updates of up to 40 values within the limits, of all magnitudes, and a shuffled order
/// to add them in.
fn updates_in_two_orders() -> impl Strategy<Value = (Vec<(Weights, u64)>, Vec<usize>)> {
    let value = prop_oneof![
        -1000.0_f32..1000.0,
        -1e-3_f32..1e-3,
        Just(0.0),
        Just(-1e-30),
        Just(1000.0),
        Just(-1000.0)
    ];
    (1_usize..40, 1_usize..12).prop_flat_map(move |(parameters, nodes)| {
        let update = (
            prop::collection::vec(value.clone(), parameters),
            1..=LIMITS.max_samples,
        );
        let updates = prop::collection::vec(
            update.prop_map(|(values, samples)| (model(&values), samples)),
            nodes,
        );
        (updates, Just((0..nodes).collect::<Vec<_>>()).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn order_and_grouping_do_not_change_a_bit(
        (updates, order) in updates_in_two_orders(),
        group_sizes in prop::collection::vec(1_usize..7, 12),
    ) {
        let mut one_by_one = empty(&updates[0].0);
        for (weights, samples) in &updates {
            one_by_one.add(weights, *samples).unwrap();
        }
        let mut in_groups = empty(&updates[0].0);
        let mut shuffled: Vec<(&Weights, u64)> = order.iter().map(|&k| (&updates[k].0, updates[k].1)).collect();
        for size in group_sizes {
            let group = shuffled.split_off(shuffled.len().saturating_sub(size));
            prop_assert!(in_groups.add_all(&group).iter().all(Result::is_ok));
        }
        let bits = |average: &Average| -> Vec<u32> {
            average.finish().unwrap().data().iter().map(|value| value.to_bits()).collect()
        };
        prop_assert_eq!(bits(&one_by_one), bits(&in_groups));
        prop_assert_eq!(one_by_one.samples(), in_groups.samples());
    }

    #[test]
    fn the_mean_is_as_close_to_the_exact_one_as_promised((updates, _) in updates_in_two_orders()) {
        let mut average = empty(&updates[0].0);
        for (weights, samples) in &updates {
            average.add(weights, *samples).unwrap();
        }
        let (count, samples) = (updates.len() as f64, average.samples() as f64);
        let mean = average.finish().unwrap();
        for (index, &found) in mean.data().iter().enumerate() {
            let exact = updates.iter().map(|(weights, n)| f64::from(weights.data()[index]) * *n as f64).sum::<f64>() / samples;
            // The reference itself is off by a rounding of 2^-53 an addition, relative to the
            // largest sum.
            let reference = count * f64::from(LIMITS.max_abs) * 2_f64.powi(-53);
            let rounding = exact.abs() * 2_f64.powi(-24) + f64::from(f32::MIN_POSITIVE);
            let bound = average.step() * count / (2.0 * samples) + rounding + 2.0 * reference;
            prop_assert!((f64::from(found) - exact).abs() <= bound, "{found} for {exact}, off by more than {bound:e}");
            prop_assert!(found.abs() <= LIMITS.max_abs);
        }
    }

    #[test]
    fn a_refused_update_leaves_the_sum_as_if_it_never_came(
        (updates, _) in updates_in_two_orders(),
        at in any::<prop::sample::Index>(),
        value in prop_oneof![1000.001_f32..f32::MAX, f32::MIN..-1000.001],
    ) {
        let (tensors, mut values) = updates[0].0.clone().into_parts();
        let index = at.index(values.len());
        values[index] = value;
        let bad = Weights::new(tensors, values).unwrap();
        let mut group: Vec<(&Weights, u64)> = updates.iter().map(|(weights, samples)| (weights, *samples)).collect();
        let mut without = empty(&bad);
        prop_assert!(without.add_all(&group).iter().all(Result::is_ok));

        let place = at.index(group.len());
        group.insert(place, (&bad, LIMITS.max_samples));
        let mut with = empty(&bad);
        let reason = AddError::TooLarge { tensor: "w".into(), index, value, limit: LIMITS.max_abs };
        prop_assert_eq!(&with.add_all(&group)[place], &Err(reason));
        prop_assert_eq!(&with.sums, &without.sums);
        prop_assert_eq!((with.updates(), with.samples()), (without.updates(), without.samples()));
    }
}
