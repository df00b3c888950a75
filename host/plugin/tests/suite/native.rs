//! A component comes to the bits that its code comes to natively: what a plug-in's author tests at
//! home is what runs, and a training can be repeated anywhere.
//!
//! Rows are of a width that every path of the kernels is taken for, and some of their values are
//! missing.

use fedhost_domain::model::Weights;
use fedhost_guest::{Detector, Preprocessor, Random, Session, Signal, Trainer};
use fedhost_plugin::{Batch, Context, Limits, Opening, Parameters, Plugin};

use crate::harness::{Recorder, columns, opening, plugin};

/// A block of 32, half of one, a vector of 4, and 1.
const COLUMNS: usize = 53;
/// Cut into batches of odd sizes; enough for every plug-in's window or baseline.
const BATCHES: [usize; 4] = [1, 97, 500, 302];
/// What the harness opens with.
const SEED: u64 = 7;

fn open<T>(plugin: &Plugin, open: impl FnOnce(Opening<'_>) -> T) -> T {
    let context = Context::new("test", Recorder::default().sink());
    opening(plugin, &columns(COLUMNS), &Parameters::new(), context, open)
}

fn component(name: &str) -> Plugin {
    plugin(name, Limits::default())
}

/// Rows around 0, and around 3 in every seventh, which is labelled.
fn batches() -> Vec<Batch> {
    let mut random = Random::new(1);
    let mut value = |row: usize| {
        let normal = random.unit() + random.unit() - 1.0;
        if random.below(200) == 0 {
            f32::NAN
        } else {
            normal + if row.is_multiple_of(7) { 3.0 } else { 0.0 }
        }
    };
    let label = |row: usize| f32::from(u8::from(row.is_multiple_of(7)));
    let mut batch = |rows: usize| {
        let values = (0..rows * COLUMNS)
            .map(|index| value(index / COLUMNS))
            .collect();
        Batch::new(rows, COLUMNS, values, Some((0..rows).map(label).collect())).unwrap()
    };
    BATCHES.map(&mut batch).into()
}

fn native(batch: &Batch) -> fedhost_guest::Batch {
    let native = fedhost_guest::Batch::new(COLUMNS, batch.values().to_vec());
    batch
        .labels()
        .map_or(native.clone(), |labels| native.with_labels(labels.to_vec()))
}

fn native_weights(weights: &Weights) -> fedhost_guest::Weights {
    let tensors = weights.tensors().iter();
    let tensors = tensors.map(|spec| fedhost_guest::TensorSpec {
        name: spec.name.clone(),
        shape: spec.shape.clone(),
    });
    fedhost_guest::Weights {
        tensors: tensors.collect(),
        data: weights.data().to_vec(),
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Trains both on each batch, from the weights that the one before left; the model.
fn trains<T: Trainer>(name: &str) -> Weights {
    let plugin = component(name);
    let mut hosted = open(&plugin, |opening| plugin.open_trainer(opening)).unwrap();
    let mut session: Session<T> = Session::open_model(&columns(COLUMNS), vec![], SEED).unwrap();
    for batch in batches().iter().skip(1) {
        let found = hosted.train(batch, 2).unwrap();
        let expected = session
            .train(native(batch), 2, &mut |_| Signal::Proceed)
            .unwrap();
        assert_eq!(
            (found.samples, found.loss.to_bits()),
            (expected.samples, expected.loss.to_bits()),
            "{name}"
        );
        let (found, expected) = (hosted.save().unwrap(), session.save().unwrap());
        assert_eq!(
            bits(found.data()),
            bits(&expected.data),
            "weights of {name}"
        );
    }
    hosted.save().unwrap()
}

/// Scores all batches by both; what they have learnt by then.
fn scores<T: Detector>(name: &str, model: Option<&Weights>) {
    let plugin = component(name);
    let mut hosted = open(&plugin, |opening| plugin.open_detector(opening)).unwrap();
    let mut session: Session<T> = Session::open_model(&columns(COLUMNS), vec![], SEED).unwrap();
    if let Some(model) = model {
        hosted.load(model).unwrap();
        session.load(native_weights(model)).unwrap();
    }
    for batch in batches() {
        let (found, expected) = (
            hosted.score(&batch).unwrap(),
            session.score(native(&batch)).unwrap(),
        );
        assert_eq!(bits(&found), bits(&expected), "scores of {name}");
    }
    assert_eq!(
        bits(hosted.save().unwrap().data()),
        bits(&session.save().unwrap().data),
        "state of {name}"
    );
}

fn prepares<T: Preprocessor>(name: &str) {
    let plugin = component(name);
    let mut hosted = open(&plugin, |opening| plugin.open_preprocessor(opening)).unwrap();
    let mut session: Session<T> = Session::open_preprocessor(&columns(COLUMNS), vec![]).unwrap();
    let batches = batches();
    hosted.fit(&batches[1]).unwrap();
    session.fit(native(&batches[1])).unwrap();
    for batch in &batches {
        let (found, expected) = (
            hosted.transform(batch).unwrap(),
            session.transform(native(batch)).unwrap(),
        );
        assert_eq!(
            bits(found.values()),
            bits(&expected.values),
            "rows of {name}"
        );
    }
    assert_eq!(
        bits(hosted.save().unwrap().data()),
        bits(&session.save_state().unwrap().data),
        "state of {name}"
    );
}

fn trains_and_scores<T: Trainer + Detector>(name: &str) {
    scores::<T>(name, Some(&trains::<T>(name)));
}

#[test]
fn models_train_to_the_bits_of_native_code_and_score_with_them() {
    trains_and_scores::<logistic_regression::LogisticRegression>("logistic-regression");
    trains_and_scores::<mlp_classifier::MlpClassifier>("mlp-classifier");
    trains_and_scores::<autoencoder::Autoencoder>("autoencoder");
    trains_and_scores::<pca_t2q::PcaT2Q>("pca-t2q");
}

#[test]
fn detectors_score_with_the_bits_of_native_code() {
    scores::<half_space_trees::HalfSpaceTrees>("half-space-trees", None);
    scores::<isolation_forest::IsolationForest>("isolation-forest", None);
    scores::<robust_zscore::RobustZscore>("robust-zscore", None);
    scores::<ewma::Ewma>("ewma", None);
}

#[test]
fn preprocessors_give_the_bits_of_native_code() {
    prepares::<standard_scaler::StandardScaler>("standard-scaler");
    prepares::<robust_scaler::RobustScaler>("robust-scaler");
    prepares::<baseline_deviation::BaselineDeviation>("baseline-deviation");
    prepares::<window_features::WindowFeatures>("window-features");
}
