use fedhost_guest::{Parameter, Random, Session, Value};
use proptest::prelude::*;

use super::*;

type Pca = Session<PcaT2Q>;

fn open(columns: usize) -> Pca {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    Session::open_model(&names, Vec::new(), 0).unwrap()
}

fn train(model: &mut Pca, batch: Batch) -> Report {
    model.train(batch, 1, &mut |_| Signal::Proceed).unwrap()
}

/// Three columns; the second follows the first.
fn rows(count: usize, seed: u64) -> Batch {
    let mut random = Random::new(seed);
    let mut noise = || 2.0 * random.unit() - 1.0;
    let row = |_| {
        let common = noise();
        [5.0 + common, 3.0 * common + 0.1 * noise(), noise()]
    };
    Batch::new(3, (0..count).flat_map(row).collect())
}

fn mean_of(models: &[(Weights, u64)]) -> Weights {
    let total: u64 = models.iter().map(|(_, rows)| rows).sum();
    let at = |index: usize| -> f64 {
        models
            .iter()
            .map(|(model, rows)| f64::from(model.data[index]) * *rows as f64)
            .sum::<f64>()
            / total as f64
    };
    let data = (0..models[0].0.data.len())
        .map(|index| at(index) as f32)
        .collect();
    Weights {
        tensors: models[0].0.tensors.clone(),
        data,
    }
}

#[test]
fn it_tells_rows_that_break_the_pattern() {
    let mut model = open(3);
    let report = train(&mut model, rows(500, 1));
    assert_eq!((report.samples, report.metrics[0].value), (500, 2.0));
    assert!(report.loss < 0.3, "{report:?}");
    let scores = model
        .score(Batch::new(3, vec![5.5, 1.5, 0.0, 5.5, -1.5, 0.0]))
        .unwrap();
    assert!(scores[0] < 1.0 && scores[1] > 10.0, "{scores:?}");
}

#[test]
fn a_federation_scores_as_one_node_with_all_rows_does() {
    let parts = [(0, 200, 1), (200, 450, 2), (450, 500, 3)].map(|(from, to, shift)| {
        let mut part = rows(500, 1);
        part.values = part.values[3 * from..3 * to]
            .iter()
            .map(|value| value + shift as f32)
            .collect();
        Batch::new(3, part.values)
    });
    let all = Batch::new(
        3,
        parts.iter().flat_map(|part| part.values.clone()).collect(),
    );
    let (mut central, mut federated) = (open(3), open(3));
    for _round in 0..3 {
        let updates = parts.clone().map(|part| {
            let mut node = open(3);
            node.load(federated.save().unwrap()).unwrap();
            let report = train(&mut node, part);
            (node.save().unwrap(), report.samples)
        });
        federated.load(mean_of(&updates)).unwrap();
        train(&mut central, all.clone());
        let [found, expected] =
            [&mut federated, &mut central].map(|model| model.score(rows(200, 9)).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() <= 1e-3 * expected.max(1.0),
                "{found} is not {expected}"
            );
        }
    }
}

#[test]
fn incomplete_and_anomalous_rows_are_not_learnt_from() {
    let gap = f32::NAN;
    let batch = Batch::new(
        2,
        vec![1.0, 2.0, gap, 9.0, 3.0, 5.0, 7.0, 7.0, 2.0, f32::INFINITY],
    );
    let batch = batch.with_labels(vec![0.0, 0.0, 0.0, 1.0, 0.0]);
    let (mut with, mut without) = (open(2), open(2));
    assert_eq!(train(&mut with, batch).samples, 2);
    train(&mut without, Batch::new(2, vec![1.0, 2.0, 3.0, 5.0]));
    assert_eq!(with.save(), without.save());
}

#[test]
fn anomalous_rows_are_learnt_from_when_asked_to() {
    let all = vec![Parameter {
        name: "normal_only".into(),
        value: Value::Boolean(false),
    }];
    let mut model: Pca = Session::open_model(&["a".into()], all, 0).unwrap();
    assert_eq!(
        train(
            &mut model,
            Batch::new(1, vec![1.0, 2.0]).with_labels(vec![0.0, 1.0])
        )
        .samples,
        2
    );
}

#[test]
fn rows_it_cannot_learn_from_are_refused_and_leave_the_model_as_it_was() {
    let mut model = open(1);
    train(&mut model, Batch::new(1, vec![1.0, 2.0]));
    let before = model.save();
    let nothing = Error::InvalidInput("there are no complete normal rows to learn from".into());
    let anomalous = Batch::new(1, vec![1.0]).with_labels(vec![1.0]);
    for batch in [
        Batch::new(1, vec![]),
        Batch::new(1, vec![f32::NAN]),
        anomalous,
    ] {
        assert_eq!(
            model.train(batch, 1, &mut |_| Signal::Proceed),
            Err(nothing.clone())
        );
    }
    let huge = model.train(Batch::new(1, vec![1e30, -1e30]), 1, &mut |_| {
        Signal::Proceed
    });
    assert!(matches!(huge, Err(Error::Diverged(_))), "{huge:?}");
    assert_eq!(model.save(), before);
}

#[test]
fn too_many_columns_and_another_width_are_refused() {
    let names: Vec<String> = (0..=COLUMNS_MAX)
        .map(|column| format!("c{column}"))
        .collect();
    assert!(matches!(
        Pca::open_model(&names, vec![], 0),
        Err(Error::InvalidInput(_))
    ));
    assert!(matches!(
        open(2).load(open(3).save().unwrap()),
        Err(Error::InvalidState(_))
    ));
}

#[test]
fn an_untrained_model_scores_nothing() {
    assert_eq!(
        open(2).score(Batch::new(2, vec![1.0, 2.0, f32::NAN, f32::MAX])),
        Ok(vec![0.0, 0.0])
    );
    assert_eq!(open(2).score(Batch::new(2, vec![])), Ok(vec![]));
}

proptest! {
    #[test]
    fn scores_depend_on_the_row_and_the_model_only(data in any::<u64>(), cut in 0_usize..100) {
        let mut model = open(3);
        train(&mut model, rows(50, data));
        let mut heir = open(3);
        heir.load(model.save().unwrap()).unwrap();
        let batch = rows(100, data ^ 1);
        let (head, tail) = batch.values.split_at(3 * cut);
        let parts = [head, tail].map(|part| heir.score(Batch::new(3, part.to_vec())).unwrap());
        prop_assert_eq!(parts.concat(), model.score(batch).unwrap());
    }

    #[test]
    fn scores_are_finite(values in proptest::collection::vec(any::<f32>(), 30), probe in any::<f32>()) {
        let mut model = open(3);
        let _ = model.train(Batch::new(3, values), 1, &mut |_| Signal::Proceed);
        let scores = model.score(Batch::new(3, vec![probe; 3])).unwrap();
        prop_assert!(scores[0].is_finite() && scores[0] >= 0.0);
    }
}
