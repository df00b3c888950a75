use fedhost_guest::{Parameter, Random, Session, Value};
use proptest::prelude::*;

use super::*;

type Encoder = Session<Autoencoder>;

fn open(columns: usize, parameters: &[(&str, f64)], seed: u64) -> Encoder {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = parameters.iter().map(|&(name, value)| Parameter {
        name: name.into(),
        value: Value::Number(value),
    });
    Session::open_model(&names, given.collect(), seed).unwrap()
}

fn train(model: &mut Encoder, batch: &Batch, epochs: u32) -> Report {
    model
        .train(batch.clone(), epochs, &mut |_| Signal::Proceed)
        .unwrap()
}

/// Four columns in odd units that all follow one number.
fn rows(count: usize, seed: u64) -> Batch {
    let mut random = Random::new(seed);
    let row = |_| {
        let place = 2.0 * random.unit() - 1.0;
        [place, 1_000.0 - 50.0 * place, 0.01 * place, 7.0 * place]
    };
    Batch::new(4, (0..count).flat_map(row).collect())
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
fn it_copies_what_it_knows_and_nothing_else() {
    let mut model = open(4, &[], 7);
    let (first, last) = (
        train(&mut model, &rows(500, 1), 1),
        train(&mut model, &rows(500, 1), 50),
    );
    assert_eq!(last.samples, 500);
    assert!(
        last.loss < 0.1 && last.loss < first.loss / 3.0,
        "{} then {}",
        first.loss,
        last.loss
    );
    let scores = model
        .score(Batch::new(
            4,
            vec![0.5, 975.0, 0.005, 3.5, 0.5, 1_025.0, 0.005, 3.5],
        ))
        .unwrap();
    assert!(scores[0] < 0.1 && scores[1] > 0.4, "{scores:?}");
}

#[test]
fn a_federation_learns_it_too() {
    let mut global: Option<Weights> = None;
    for round in 0..40 {
        let updates: Vec<Weights> = (0..3)
            .map(|node| {
                let mut model = open(4, &[], 100 * round + node);
                global
                    .iter()
                    .for_each(|global| model.load(global.clone()).unwrap());
                train(&mut model, &rows(300, node), 1);
                model.save().unwrap()
            })
            .collect();
        global = Some(mean_of(&updates));
    }
    let mut model = open(4, &[], 0);
    model.load(global.unwrap()).unwrap();
    let scores = model.score(rows(100, 9)).unwrap();
    assert!(scores.iter().sum::<f32>() < 10.0, "{scores:?}");
}

#[test]
fn the_hidden_layer_is_half_as_wide_as_the_row_unless_it_is_given() {
    let shape = |columns, parameters: &[(&str, f64)]| {
        open(columns, parameters, 0).save().unwrap().tensors[2]
            .shape
            .clone()
    };
    assert_eq!(shape(8, &[]), [4, 8]);
    assert_eq!(shape(1, &[]), [1, 1]);
    assert_eq!(shape(8, &[("hidden", 3.0)]), [3, 8]);
}

#[test]
fn rows_labelled_anomalous_are_not_learnt_from() {
    let batch = rows(4, 1).with_labels(vec![0.0, 1.0, 0.0, 1.0]);
    let normal = Batch::new(4, [&batch.values[..4], &batch.values[8..12]].concat());
    let (mut with, mut without) = (open(4, &[], 7), open(4, &[], 7));
    assert_eq!(train(&mut with, &batch, 2), train(&mut without, &normal, 2));
    assert_eq!(with.save(), without.save());
}

#[test]
fn rows_it_cannot_learn_from_are_refused() {
    let nothing = Err(Error::InvalidInput(
        "there are no normal rows to learn from".into(),
    ));
    for batch in [
        Batch::new(4, vec![]),
        rows(2, 1).with_labels(vec![1.0, 1.0]),
    ] {
        assert_eq!(
            open(4, &[], 0).train(batch, 1, &mut |_| Signal::Proceed),
            nothing
        );
    }
}

#[test]
fn one_row_and_constant_columns_are_learnt_from() {
    let mut model = open(4, &[], 7);
    train(&mut model, &rows(1, 1), 3);
    assert_eq!(
        model.score(Batch::new(4, vec![1.0, f32::NAN, f32::INFINITY, -9e9])),
        model.score(rows(1, 2))
    );
    assert_eq!(model.score(Batch::new(4, vec![])), Ok(vec![]));
}

#[test]
fn what_is_missing_counts_as_the_mean_and_wild_values_stay_finite() {
    let mut model = open(4, &[], 7);
    train(&mut model, &rows(100, 1), 5);
    let mean: Vec<f32> = model.save().unwrap().data[..4].to_vec();
    assert_eq!(
        model.score(Batch::new(4, vec![f32::NAN; 4])),
        model.score(Batch::new(4, mean))
    );
    let wild = model
        .score(Batch::new(4, vec![f32::MAX, f32::MIN, f32::MAX, 0.0]))
        .unwrap();
    assert!(wild[0].is_finite() && wild[0] > 1e9, "{wild:?}");
}

#[test]
fn a_failed_training_or_load_leaves_the_model_as_it_was() {
    let mut model = open(2, &[("learning_rate", 1.0)], 0);
    let mut weights = model.save().unwrap();
    weights.data[2..4].fill(1.0);
    let last = weights.data.len() - 1;
    weights.data[last] = f32::MAX;
    model.load(weights).unwrap();
    let before = model.save();
    let found = model.train(Batch::new(2, vec![1.0; 4]), 1, &mut |_| Signal::Proceed);
    assert!(matches!(found, Err(Error::Diverged(_))), "{found:?}");
    assert!(matches!(
        model.score(Batch::new(2, vec![1.0; 2])),
        Err(Error::Diverged(_))
    ));
    assert!(matches!(
        model.load(open(3, &[], 0).save().unwrap()),
        Err(Error::InvalidState(_))
    ));
    assert_eq!(model.save(), before);
}

#[test]
fn a_stop_keeps_the_epochs_so_far() {
    let mut stopped = open(4, &[], 7);
    let signal = &mut |progress: Progress| {
        if progress.epoch == 2 {
            Signal::Stop
        } else {
            Signal::Proceed
        }
    };
    let report = stopped.train(rows(100, 1), 10, signal).unwrap();
    let mut short = open(4, &[], 7);
    assert_eq!(train(&mut short, &rows(100, 1), 2), report);
    assert_eq!(short.save(), stopped.save());
}

proptest! {
    #[test]
    fn training_depends_on_its_arguments_only(seed in any::<u64>(), data in any::<u64>(), epochs in 1_u32..4) {
        let batch = rows(100, data);
        let mut busy = open(4, &[], seed);
        train(&mut busy, &rows(50, data ^ 1), 2);
        let mut fresh = open(4, &[], seed);
        fresh.load(busy.save().unwrap()).unwrap();
        prop_assert_eq!(train(&mut fresh, &batch, epochs), train(&mut busy, &batch, epochs));
        prop_assert_eq!(fresh.save(), busy.save());
    }

    #[test]
    fn where_batches_are_cut_changes_no_score(data in any::<u64>(), cut in 0_usize..100) {
        let batch = rows(100, data);
        let mut model = open(4, &[], 7);
        train(&mut model, &batch, 2);
        let (head, tail) = batch.values.split_at(4 * cut);
        let parts = [head, tail].map(|part| model.score(Batch::new(4, part.to_vec())).unwrap());
        prop_assert_eq!(parts.concat(), model.score(batch).unwrap());
    }
}
