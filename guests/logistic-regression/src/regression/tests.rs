use fedhost_guest::{Error, Parameter, Random, Session, Value};
use proptest::prelude::*;

use super::*;

type Regression = Session<LogisticRegression>;

fn open(columns: usize, parameters: &[(&str, f64)], seed: u64) -> Regression {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = parameters.iter().map(|&(name, value)| Parameter {
        name: name.into(),
        value: Value::Number(value),
    });
    Session::open_model(&names, given.collect(), seed).unwrap()
}

fn train(model: &mut Regression, batch: &Batch, epochs: u32) -> Report {
    model
        .train(batch.clone(), epochs, &mut |_| Signal::Proceed)
        .unwrap()
}

/// Two columns; a row is anomalous when the first is above 1, and the second is noise.
fn rows(count: usize, seed: u64) -> Batch {
    let mut random = Random::new(seed);
    let values: Vec<f32> = (0..2 * count).map(|_| 6.0 * random.unit() - 3.0).collect();
    let labels = values
        .chunks(2)
        .map(|row| f32::from(row[0] > 1.0))
        .collect();
    Batch::new(2, values).with_labels(labels)
}

#[test]
fn it_learns_what_can_be_told_by_a_line() {
    let mut model = open(2, &[], 7);
    let first = train(&mut model, &rows(500, 1), 1);
    let last = train(&mut model, &rows(500, 1), 50);
    assert_eq!((first.samples, last.samples), (500, 500));
    assert!(
        last.loss < first.loss / 2.0,
        "{} then {}",
        first.loss,
        last.loss
    );
    assert!(last.metrics[0].value > 0.95, "{:?}", last.metrics);

    let scores = model
        .score(Batch::new(2, vec![2.0, 0.0, 0.0, 0.0, 2.0, -3.0]))
        .unwrap();
    assert!(
        scores[0] > 0.0 && scores[1] < 0.0 && scores[2] > 0.0,
        "{scores:?}"
    );
}

#[test]
fn a_step_is_the_mean_gradient() {
    // At zero weights both rows have probability 1/2, so the slopes are -1/2 and 1/2.
    let mut model = open(1, &[("learning_rate", 0.5), ("l2", 0.0)], 0);
    let report = train(
        &mut model,
        &Batch::new(1, vec![1.0, 0.0]).with_labels(vec![1.0, 0.0]),
        1,
    );
    assert_eq!(model.save().unwrap().data, [0.125, 0.0]);
    assert!((report.loss - 2.0_f64.ln()).abs() < 1e-6);
}

#[test]
fn l2_pulls_the_weights_and_not_the_bias() {
    let trained = |l2| {
        let mut model = open(2, &[("l2", l2)], 7);
        let report = train(&mut model, &rows(500, 1), 20);
        let data = model.save().unwrap().data;
        (data[0].abs(), report.loss)
    };
    let ((free, free_loss), (pulled, pulled_loss)) = (trained(0.0), trained(1.0));
    assert!(pulled < free / 2.0, "{pulled} of {free}");
    assert!(pulled_loss > free_loss);
}

#[test]
fn large_values_do_not_throw_it_off() {
    let mut batch = rows(500, 1);
    batch.values.iter_mut().for_each(|value| *value *= 1_000.0);
    let report = train(&mut open(2, &[], 7), &batch, 50);
    assert!(report.metrics[0].value > 0.9, "{report:?}");
}

#[test]
fn rows_of_one_class_are_learnt_from() {
    for label in [0.0, 1.0] {
        let batch = rows(64, 1).with_labels(vec![label; 64]);
        let mut model = open(2, &[], 7);
        let report = train(&mut model, &batch, 20);
        assert!(report.loss < 0.5, "{report:?}");
        let scores = model.score(batch).unwrap();
        assert!(scores.iter().all(|&score| (score > 0.0) == (label > 0.0)));
    }
}

#[test]
fn what_is_missing_counts_as_zero() {
    let batch = |gap| Batch::new(2, vec![1.0, gap, gap, -1.0]).with_labels(vec![1.0, 0.0]);
    let trained = |gap| {
        let mut model = open(2, &[], 7);
        let report = train(&mut model, &batch(gap), 3);
        (report.loss, model.save(), model.score(batch(gap)))
    };
    for gap in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(trained(gap), trained(0.0));
    }
}

#[test]
fn sure_scores_are_still_told_apart() {
    let mut model = open(1, &[], 0);
    model
        .load(
            Weights::default()
                .with("weight", &[1], &[1.0])
                .with("bias", &[1], &[0.0]),
        )
        .unwrap();
    let scores = model
        .score(Batch::new(1, vec![30.0, 40.0, -120.0, -130.0]))
        .unwrap();
    assert_eq!(scores, [30.0, 40.0, -120.0, -130.0]);
}

#[test]
fn rows_it_cannot_learn_from_are_refused() {
    let cases = [
        (
            Batch::new(2, vec![1.0; 4]),
            "there are no labels to learn from",
        ),
        (
            Batch::new(2, vec![]).with_labels(vec![]),
            "there are no rows to learn from",
        ),
        (
            Batch::new(2, vec![1.0; 4]).with_labels(vec![0.0, 2.0]),
            "the label of row 1 is 2, legal: 0 or 1",
        ),
        (
            Batch::new(2, vec![1.0; 4]).with_labels(vec![f32::NAN, 1.0]),
            "the label of row 0 is NaN, legal: 0 or 1",
        ),
    ];
    for (batch, complaint) in cases {
        let found = open(2, &[], 0).train(batch, 1, &mut |_| Signal::Proceed);
        assert_eq!(found, Err(Error::InvalidInput(complaint.into())));
    }
}

#[test]
fn a_failed_training_leaves_the_model_as_it_was() {
    let mut model = open(1, &[("l2", 0.0)], 0);
    model
        .load(
            Weights::default()
                .with("weight", &[1], &[f32::MAX])
                .with("bias", &[1], &[0.0]),
        )
        .unwrap();
    let before = model.save();
    let found = model.train(
        Batch::new(1, vec![f32::MAX]).with_labels(vec![0.0]),
        1,
        &mut |_| Signal::Proceed,
    );
    assert!(matches!(found, Err(Error::Diverged(_))), "{found:?}");
    assert_eq!(model.save(), before);
    assert!(matches!(
        model.score(Batch::new(1, vec![f32::MAX])),
        Err(Error::Diverged(_))
    ));
}

#[test]
fn a_stop_keeps_the_epochs_so_far() {
    let mut seen = Vec::new();
    let mut stopped = open(2, &[], 7);
    let signal = &mut |progress: Progress| {
        seen.push((progress.epoch, progress.epochs));
        if progress.epoch == 2 {
            Signal::Stop
        } else {
            Signal::Proceed
        }
    };
    let report = stopped.train(rows(100, 1), 10, signal).unwrap();
    assert_eq!(seen, [(1, 10), (2, 10)]);

    let mut short = open(2, &[], 7);
    assert_eq!(train(&mut short, &rows(100, 1), 2), report);
    assert_eq!(short.save(), stopped.save());
}

#[test]
fn weights_of_another_width_are_refused() {
    let saved = open(3, &[], 0).save().unwrap();
    assert!(matches!(
        open(2, &[], 0).load(saved),
        Err(Error::InvalidState(_))
    ));
}

proptest! {
    #[test]
    fn training_depends_on_its_arguments_only(seed in any::<u64>(), data in any::<u64>(), epochs in 1_u32..4) {
        let batch = rows(100, data);
        let mut busy = open(2, &[], seed);
        train(&mut busy, &rows(50, data ^ 1), 2);
        let mut fresh = open(2, &[], seed);
        fresh.load(busy.save().unwrap()).unwrap();
        prop_assert_eq!(train(&mut fresh, &batch, epochs), train(&mut busy, &batch, epochs));
        prop_assert_eq!(fresh.save(), busy.save());
    }

    #[test]
    fn where_batches_are_cut_changes_no_score(data in any::<u64>(), cut in 0_usize..100) {
        let batch = rows(100, data);
        let mut model = open(2, &[], 7);
        train(&mut model, &batch, 2);
        let (head, tail) = batch.values.split_at(2 * cut);
        let parts = [head, tail].map(|part| model.score(Batch::new(2, part.to_vec())).unwrap());
        prop_assert_eq!(parts.concat(), model.score(Batch::new(2, batch.values)).unwrap());
    }
}
