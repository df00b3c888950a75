use fedhost_guest::{Error, Parameter, Random, Session, Value};
use proptest::prelude::*;

use super::*;

type Mlp = Session<MlpClassifier>;

fn open(columns: usize, parameters: &[(&str, f64)], seed: u64) -> Mlp {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = parameters.iter().map(|&(name, value)| Parameter {
        name: name.into(),
        value: Value::Number(value),
    });
    Session::open_model(&names, given.collect(), seed).unwrap()
}

fn train(model: &mut Mlp, batch: &Batch, epochs: u32) -> Report {
    model
        .train(batch.clone(), epochs, &mut |_| Signal::Proceed)
        .unwrap()
}

/// Two columns in odd units; a row is anomalous when just one of them is above its middle, which no
/// line can separate.
fn rows(count: usize, seed: u64) -> Batch {
    let mut random = Random::new(seed);
    let values: Vec<f32> = (0..count)
        .flat_map(|_| [5_000.0 + 10.0 * random.unit(), 0.01 * random.unit()])
        .collect();
    let labels = values
        .chunks(2)
        .map(|row| f32::from((row[0] > 5_005.0) != (row[1] > 0.005)))
        .collect();
    Batch::new(2, values).with_labels(labels)
}

fn mean_of(models: &[Weights]) -> Weights {
    let at = |index: usize| {
        models.iter().map(|model| model.data[index]).sum::<f32>() / models.len() as f32
    };
    Weights {
        tensors: models[0].tensors.clone(),
        data: (0..models[0].data.len()).map(at).collect(),
    }
}

#[test]
fn it_learns_what_no_line_can_tell() {
    let mut model = open(2, &[("learning_rate", 0.02)], 7);
    let report = train(&mut model, &rows(1_000, 1), 60);
    assert_eq!(report.samples, 1_000);
    assert!(report.metrics[0].value > 0.93, "{report:?}");
    let corners = vec![
        5_009.0, 0.001, 5_001.0, 0.009, 5_001.0, 0.001, 5_009.0, 0.009,
    ];
    let scores = model.score(Batch::new(2, corners)).unwrap();
    assert!(
        scores[0] > 0.0 && scores[1] > 0.0 && scores[2] < 0.0 && scores[3] < 0.0,
        "{scores:?}"
    );
}

#[test]
fn a_federation_learns_it_too() {
    let mut global: Option<Weights> = None;
    for round in 0..60 {
        let updates: Vec<Weights> = (0..3)
            .map(|node| {
                let mut model = open(2, &[("learning_rate", 0.02)], 100 * round + node);
                global
                    .iter()
                    .for_each(|global| model.load(global.clone()).unwrap());
                train(&mut model, &rows(400, node), 1);
                model.save().unwrap()
            })
            .collect();
        global = Some(mean_of(&updates));
    }
    let (mut model, batch) = (open(2, &[], 0), rows(500, 9));
    model.load(global.unwrap()).unwrap();
    let scores = model
        .score(Batch {
            labels: None,
            ..batch.clone()
        })
        .unwrap();
    let right = scores
        .iter()
        .zip(batch.labels.unwrap())
        .filter(|(score, label)| (**score > 0.0) == (*label > 0.0));
    assert!(right.count() > 450);
}

#[test]
fn scales_are_measured_once() {
    let mut model = open(2, &[], 7);
    train(&mut model, &rows(100, 1), 1);
    let scales = |model: &Mlp| model.save().unwrap().data[..4].to_vec();
    let before = scales(&model);
    let mut elsewhere = rows(100, 2);
    elsewhere.values.iter_mut().for_each(|value| *value *= 3.0);
    train(&mut model, &elsewhere, 1);
    assert_eq!(scales(&model), before);
}

#[test]
fn rows_of_one_class_and_constant_columns_are_learnt_from() {
    for label in [0.0, 1.0] {
        let batch = Batch::new(2, vec![3.0; 128]).with_labels(vec![label; 64]);
        let mut model = open(2, &[("learning_rate", 0.05)], 7);
        train(&mut model, &batch, 20);
        let scores = model
            .score(Batch::new(2, vec![3.0, 3.0, 9.0, -9.0]))
            .unwrap();
        assert!(
            scores.iter().all(|&score| (score > 0.0) == (label > 0.0)),
            "{scores:?}"
        );
    }
}

#[test]
fn what_is_missing_counts_as_the_mean() {
    let mut model = open(2, &[], 7);
    let mut batch = Batch::new(1, vec![1.0, 2.0, 3.0, 8.0]).with_labels(vec![0.0, 1.0]);
    batch.rows = 2;
    train(&mut model, &batch, 3);
    let mean = model.score(Batch::new(2, vec![2.0, 5.0])).unwrap();
    for gap in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(model.score(Batch::new(2, vec![gap, gap])).unwrap(), mean);
    }
}

#[test]
fn l2_pulls_the_weights() {
    let length = |l2| {
        let mut model = open(2, &[("l2", l2)], 7);
        train(&mut model, &rows(500, 1), 20);
        let data = model.save().unwrap().data;
        kernels::dot(&data[4..], &data[4..])
    };
    assert!(length(1.0) < length(0.0) / 4.0);
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
    ];
    for (batch, complaint) in cases {
        let found = open(2, &[], 0).train(batch, 1, &mut |_| Signal::Proceed);
        assert_eq!(found, Err(Error::InvalidInput(complaint.into())));
    }
}

#[test]
fn a_failed_training_or_load_leaves_the_model_as_it_was() {
    let mut model = open(1, &[("hidden", 1.0), ("l2", 1.0)], 0);
    let mut weights = model.save().unwrap();
    weights.data[1] = 1.0;
    weights.data[5] = f32::MAX;
    weights.data[6] = f32::MAX;
    model.load(weights).unwrap();
    let before = model.save();
    let found = model.train(
        Batch::new(1, vec![10.0]).with_labels(vec![0.0]),
        1,
        &mut |_| Signal::Proceed,
    );
    assert!(matches!(found, Err(Error::Diverged(_))), "{found:?}");
    assert!(matches!(
        model.score(Batch::new(1, vec![10.0])),
        Err(Error::Diverged(_))
    ));
    assert!(matches!(
        model.load(open(2, &[], 0).save().unwrap()),
        Err(Error::InvalidState(_))
    ));
    assert_eq!(model.save(), before);
}

#[test]
fn a_stop_keeps_the_epochs_so_far() {
    let mut stopped = open(2, &[], 7);
    let signal = &mut |progress: Progress| {
        if progress.epoch == 2 {
            Signal::Stop
        } else {
            Signal::Proceed
        }
    };
    let report = stopped.train(rows(100, 1), 10, signal).unwrap();
    let mut short = open(2, &[], 7);
    assert_eq!(train(&mut short, &rows(100, 1), 2), report);
    assert_eq!(short.save(), stopped.save());
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
