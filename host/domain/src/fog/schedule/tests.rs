use super::*;

const RETRY_MS: u64 = 60_000;

fn config(rows_per_round: RowsPerRound) -> Config {
    Config {
        rows_per_round,
        backlog_rows: 1_000,
        when_behind: WhenBehind::Wait,
        rounds: Some(10),
        retry_after_ms: RETRY_MS,
    }
}

fn fresh(config: Config) -> Schedule {
    Schedule::new(config, Progress::default(), 0, 0, 0)
}

fn train(base_round: u64, end_row: u64) -> Vec<Output> {
    vec![Output::Train(TrainingJob {
        base_round,
        end_row,
    })]
}

/// Carries out the training that `outputs` asks for.
fn finish(schedule: &mut Schedule, outputs: &[Output], now_ms: u64) -> Vec<Output> {
    let [Output::Train(training)] = outputs else {
        panic!("no training in {outputs:?}")
    };
    schedule.handle(now_ms, Input::Trained(*training))
}

#[test]
fn the_initial_model_is_trained_on_the_first_rows() {
    let mut schedule = fresh(config(RowsPerRound::Rows(100)));
    assert_eq!(schedule.handle(0, Input::Rows(99)), []);
    assert_eq!(schedule.handle(0, Input::Rows(1)), train(0, 100));
}

#[test]
fn a_boundary_does_not_depend_on_how_rows_arrive() {
    for batch in [1, 7, 64, 250] {
        let mut schedule = fresh(config(RowsPerRound::Rows(100)));
        let mut boundaries = Vec::new();
        for _ in 0..1_000 / batch {
            let mut outputs = schedule.handle(0, Input::Rows(batch));
            while let [Output::Train(training)] = outputs[..] {
                boundaries.push(training.end_row);
                schedule.handle(0, Input::Trained(training));
                outputs = schedule.handle(
                    0,
                    Input::Global {
                        round: training.base_round + 1,
                    },
                );
            }
        }
        let expected: Vec<u64> = (1..=boundaries.len() as u64)
            .map(|round| round * 100)
            .collect();
        assert!(boundaries.len() >= 9, "{boundaries:?}");
        assert_eq!(boundaries, expected);
    }
}

#[test]
fn a_node_trains_once_on_each_global_model() {
    let mut schedule = fresh(config(RowsPerRound::Rows(10)));
    let first = schedule.handle(0, Input::Rows(50));
    assert_eq!(
        schedule.handle(0, Input::Rows(50)),
        [],
        "one training at a time"
    );
    assert_eq!(
        finish(&mut schedule, &first, 0),
        [],
        "and none before a new global model"
    );
    assert_eq!(schedule.handle(0, Input::Global { round: 1 }), train(1, 20));
}

#[test]
fn ended_sensors_leave_a_window_that_every_global_model_is_trained_on() {
    let mut schedule = fresh(config(RowsPerRound::All));
    assert_eq!(schedule.handle(0, Input::Rows(300)), []);
    let outputs = schedule.handle(0, Input::Ended);
    assert_eq!(outputs, train(0, 300));
    assert_eq!(finish(&mut schedule, &outputs, 0), []);
    for round in 1..10 {
        let outputs = schedule.handle(0, Input::Global { round });
        assert_eq!(outputs, train(round, 300));
        finish(&mut schedule, &outputs, 0);
    }
    assert_eq!(
        schedule.handle(0, Input::Global { round: 10 }),
        [],
        "the last global model is not trained on"
    );
    assert!(schedule.is_complete());
}

#[test]
fn a_node_without_labelled_rows_never_trains() {
    let mut schedule = fresh(config(RowsPerRound::All));
    assert_eq!(schedule.handle(0, Input::Ended), []);
}

#[test]
fn silence_makes_a_node_train_again_on_newer_rows() {
    let mut schedule = fresh(config(RowsPerRound::Rows(10)));
    let first = schedule.handle(0, Input::Rows(10));
    finish(&mut schedule, &first, 5);
    assert_eq!(schedule.deadline_ms(), None, "nothing new to say yet");
    schedule.handle(6, Input::Rows(10));
    let deadline = schedule.deadline_ms().unwrap();
    assert_eq!(deadline, 5 + RETRY_MS);
    assert_eq!(schedule.handle(deadline - 1, Input::Tick), []);
    assert_eq!(schedule.handle(deadline, Input::Tick), train(0, 20));
}

#[test]
fn each_repeat_comes_after_twice_the_pause_until_a_global_model_arrives() {
    let mut schedule = fresh(config(RowsPerRound::Rows(10)));
    let mut outputs = schedule.handle(0, Input::Rows(10));
    let mut now_ms = 0;
    for repeat in 0..10 {
        finish(&mut schedule, &outputs, now_ms);
        schedule.handle(now_ms, Input::Rows(10));
        let deadline = schedule.deadline_ms().unwrap();
        assert_eq!(deadline - now_ms, RETRY_MS << repeat);
        now_ms = deadline;
        outputs = schedule.handle(now_ms, Input::Tick);
    }
    finish(&mut schedule, &outputs, now_ms);
    let outputs = schedule.handle(now_ms, Input::Global { round: 1 });
    assert_eq!(outputs, []);
    let outputs = schedule.handle(now_ms, Input::Rows(10));
    finish(&mut schedule, &outputs, now_ms);
    schedule.handle(now_ms, Input::Rows(10));
    assert_eq!(schedule.deadline_ms(), Some(now_ms + RETRY_MS));
}

#[test]
fn reading_waits_while_training_is_behind() {
    let mut schedule = fresh(config(RowsPerRound::Rows(10)));
    let first = schedule.handle(0, Input::Rows(1_010));
    assert!(!schedule.must_wait());
    schedule.handle(0, Input::Rows(1));
    assert!(schedule.must_wait());
    finish(&mut schedule, &first, 0);
    assert!(!schedule.must_wait());
}

#[test]
fn skipping_moves_training_to_the_newest_rows_and_says_so() {
    let mut schedule = fresh(Config {
        when_behind: WhenBehind::Skip,
        ..config(RowsPerRound::Rows(10))
    });
    let first = schedule.handle(0, Input::Rows(2_000));
    assert_eq!(
        first,
        [
            Output::Skipped { rows: 1_990 },
            Output::Train(TrainingJob {
                base_round: 0,
                end_row: 2_000
            })
        ],
        "the very first training takes the newest rows"
    );
    assert!(!schedule.must_wait());
}

#[test]
fn a_restarted_node_trains_on_the_same_rows() {
    let mut undisturbed = fresh(config(RowsPerRound::Rows(100)));
    let first = undisturbed.handle(0, Input::Rows(350));
    finish(&mut undisturbed, &first, 0);
    let expected = undisturbed.handle(0, Input::Global { round: 1 });

    let stored = Schedule::progress_after(TrainingJob {
        base_round: 0,
        end_row: 100,
    });
    let mut restarted = Schedule::new(config(RowsPerRound::Rows(100)), stored, 350, 1, 0);
    assert_eq!(restarted.handle(0, Input::Tick), expected);
}

#[test]
fn a_failed_training_skips_the_round() {
    let mut schedule = fresh(config(RowsPerRound::Rows(10)));
    let training = TrainingJob {
        base_round: 0,
        end_row: 10,
    };
    assert_eq!(
        schedule.handle(0, Input::Rows(30)),
        [Output::Train(training)]
    );
    assert_eq!(schedule.handle(0, Input::TrainingFailed(training)), []);
    assert_eq!(schedule.handle(0, Input::Global { round: 1 }), train(1, 20));
}
