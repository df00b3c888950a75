use proptest::prelude::*;

use super::*;

/// How many records went by before the cap was exceeded, and what it said.
fn first_excess(
    mut cap: Cap,
    records: impl IntoIterator<Item = bool>,
) -> Option<(usize, Exceeded)> {
    let verdicts = records.into_iter().map(|used| cap.record(used));
    verdicts
        .enumerate()
        .find_map(|(index, verdict)| Some((index + 1, verdict.err()?)))
}

#[test]
fn bad_records_at_the_start_do_not_exceed_the_cap() {
    // (window, share, records until all bad ones exceed the cap)
    for (records, share, seen) in [
        (1000, 0.5, 100),
        (200, 0.5, 20),
        (50, 0.0, 20),
        (8, 0.5, 8),
        (1, 0.0, 1),
    ] {
        let (at, exceeded) =
            first_excess(Cap::new(records, share), std::iter::repeat_n(false, 2000)).unwrap();
        assert_eq!(
            (at, exceeded.dead, exceeded.of),
            (seen, seen as u64, seen as u64),
            "{records} records, {share}"
        );
    }
}

#[test]
fn exactly_the_share_is_allowed_and_one_more_is_not() {
    let mut cap = Cap::new(100, 0.5);
    for index in 0..100 {
        assert_eq!(cap.record(index % 2 == 0), Ok(()), "record {index}");
    }
    // The oldest was a good one: now 51 of 100 are bad.
    assert_eq!(
        cap.record(false),
        Err(Exceeded {
            dead: 51,
            of: 100,
            share: 0.5
        })
    );
    assert_eq!(
        Exceeded {
            dead: 51,
            of: 100,
            share: 0.5
        }
        .to_string(),
        "51 of the last 100 records could not be used, more than the share of 0.5 that is allowed"
    );
}

#[test]
fn a_batch_reports_the_first_excess_and_counts_all_records() {
    let mut cap = Cap::new(20, 0.5);
    let batch = [[false; 11].as_slice(), &[true; 9], &[false; 5], &[true; 15]].concat();
    assert_eq!(
        cap.record_all(batch),
        Err(Exceeded {
            dead: 11,
            of: 20,
            share: 0.5
        })
    );
    assert_eq!(
        cap.record_all([true; 20]),
        Ok(()),
        "by then 15 good ones were the newest"
    );
}

#[test]
fn a_score_that_left_the_window_has_no_effect() {
    let mut cap = Cap::new(40, 0.25);
    for _ in 0..5 {
        assert!((0..30).all(|_| cap.record(true).is_ok()));
        assert!(
            (0..10).all(|_| cap.record(false).is_ok()),
            "10 of 40 are a quarter"
        );
    }
}

#[test]
fn a_share_of_one_or_an_empty_window_allows_everything() {
    for cap in [Cap::new(100, 1.0), Cap::new(0, 0.0)] {
        assert_eq!(first_excess(cap, std::iter::repeat_n(false, 1000)), None);
    }
}

#[test]
fn pauses_double_up_to_the_longest_and_end_with_the_last_attempt() {
    let retries = Retries {
        retries: 4,
        first_ms: 50,
        longest_ms: 300,
    };
    // (attempt, jitter, pause)
    let cases = [
        (1, 1.0, Some(50)),
        (2, 1.0, Some(100)),
        (3, 1.0, Some(200)),
        (4, 1.0, Some(300)),
        (5, 1.0, None),
        (1, 0.0, Some(25)),
        (4, 0.5, Some(225)),
        (4, f64::NAN, Some(300)),
    ];
    for (attempt, jitter, pause) in cases {
        assert_eq!(
            retries.pause_ms(attempt, jitter),
            pause,
            "try {attempt}, jitter {jitter}"
        );
    }
    assert_eq!(
        Retries {
            retries: 0,
            first_ms: 50,
            longest_ms: 300
        }
        .pause_ms(1, 0.5),
        None
    );
}

proptest! {
    #[test]
    fn the_cap_agrees_with_counting_the_window_anew(
        records in 0_u32..80,
        share in 0.0_f64..=1.0,
        stream in prop::collection::vec(prop::bool::weighted(0.6), 0..300),
    ) {
        let mut cap = Cap::new(records, share);
        for seen in 1..=stream.len() {
            let window = &stream[seen.saturating_sub(records as usize)..seen];
            let dead = window.iter().filter(|used| !**used).count();
            let due = window.len() >= (records as usize / 10).max(20).min(records as usize);
            let exceeded = due && dead as f64 > share * window.len() as f64;
            let verdict = cap.record(stream[seen - 1]);
            prop_assert_eq!(verdict.is_err(), exceeded);
            if let Err(Exceeded { dead: said, of, .. }) = verdict {
                prop_assert_eq!((said, of), (dead as u64, window.len() as u64));
            }
        }
    }

    #[test]
    fn a_pause_is_between_half_and_all_of_what_is_due(
        retries in 0_u32..100,
        first_ms in 0_u64..100_000,
        longest_ms in any::<u64>(),
        attempt in 1_u32..200,
        jitter in 0.0_f64..1.0,
    ) {
        let pause = Retries { retries, first_ms, longest_ms }.pause_ms(attempt, jitter);
        prop_assert_eq!(pause.is_some(), attempt <= retries);
        let due = u128::from(first_ms) << (attempt - 1).min(64);
        let due = due.min(u128::from(longest_ms));
        if let Some(pause) = pause {
            // One part in 2^53 is lost where a pause is a float.
            let pause = u128::from(pause);
            prop_assert!(pause <= due && (pause + 1) * 2 + due / (1 << 50) >= due, "{} of {}", pause, due);
        }
    }
}
