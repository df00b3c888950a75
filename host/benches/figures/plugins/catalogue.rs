//! Each plug-in of the catalogue as a component, beside the same Rust code compiled natively:
//! nanoseconds a row.
//!
//! Both are given the same rows in turn, and must come to the same bits.

use fedhost_guest::{Detector, Preprocessor, Session, Signal, Trainer};
use fedhost_plugin::{Engine, Plugin};

use super::rows::{bits, hosted, labelled, names, native, native_weights};
use super::{SEED, built, loader, open};
use crate::measure::{Document, Figure, interleaved};

const COLUMNS: usize = 16;
/// In one call: what a node scores at a time, and what it trains on.
const ROWS: [usize; 2] = [1_000, 10_000];
/// Rows in one measurement, in as many calls as it takes.
const ROWS_TIMED: usize = 20_000;

pub(crate) fn figures(engine: &Engine, document: &mut Document) {
    let load = |name: &str| loader(engine).load(&built(name)).unwrap();
    document.extend(model::<logistic_regression::LogisticRegression>(&load(
        "logistic-regression",
    )));
    document.extend(model::<mlp_classifier::MlpClassifier>(&load(
        "mlp-classifier",
    )));
    document.extend(model::<autoencoder::Autoencoder>(&load("autoencoder")));
    document.extend(model::<pca_t2q::PcaT2Q>(&load("pca-t2q")));
    document.extend(scored::<half_space_trees::HalfSpaceTrees>(&load(
        "half-space-trees",
    )));
    document.extend(scored::<isolation_forest::IsolationForest>(&load(
        "isolation-forest",
    )));
    document.extend(scored::<robust_zscore::RobustZscore>(&load(
        "robust-zscore",
    )));
    document.extend(scored::<ewma::Ewma>(&load("ewma")));
    document.extend(prepared::<standard_scaler::StandardScaler>(&load(
        "standard-scaler",
    )));
    document.extend(prepared::<robust_scaler::RobustScaler>(&load(
        "robust-scaler",
    )));
    document.extend(prepared::<baseline_deviation::BaselineDeviation>(&load(
        "baseline-deviation",
    )));
    document.extend(prepared::<window_features::WindowFeatures>(&load(
        "window-features",
    )));
}

fn model<T: Trainer + Detector>(plugin: &Plugin) -> Vec<Figure> {
    [
        ROWS.map(|rows| train::<T>(plugin, rows)),
        ROWS.map(|rows| score::<T>(plugin, rows, true)),
    ]
    .concat()
}

fn scored<T: Detector>(plugin: &Plugin) -> Vec<Figure> {
    ROWS.map(|rows| score::<T>(plugin, rows, false)).into()
}

fn prepared<T: Preprocessor>(plugin: &Plugin) -> Vec<Figure> {
    ROWS.map(|rows| prepare::<T>(plugin, rows)).into()
}

/// One epoch a call, each from the weights that the one before left.
fn train<T: Trainer>(plugin: &Plugin, rows: usize) -> Figure {
    let (values, labels) = labelled(rows, COLUMNS);
    let batch = hosted(&values, Some(&labels), COLUMNS);
    let mut component = open(plugin, COLUMNS, |opening| plugin.open_trainer(opening)).unwrap();
    let mut session: Session<T> = Session::open_model(&names(COLUMNS), vec![], SEED).unwrap();
    let figure = side_by_side(
        &format!("train_{}_{rows}", plugin.id().name),
        rows,
        || drop(component.train(&batch, 1).unwrap()),
        || {
            let batch = native(&values, Some(&labels), COLUMNS);
            session.train(batch, 1, &mut |_| Signal::Proceed).unwrap();
        },
    );
    assert_eq!(
        bits(component.save().unwrap().data()),
        bits(&session.save().unwrap().data),
        "{}",
        plugin.id()
    );
    figure
}

fn score<T: Detector>(plugin: &Plugin, rows: usize, is_trained: bool) -> Figure {
    let (values, labels) = labelled(rows, COLUMNS);
    let batch = hosted(&values, None, COLUMNS);
    let mut component = open(plugin, COLUMNS, |opening| plugin.open_detector(opening)).unwrap();
    let mut session: Session<T> = Session::open_model(&names(COLUMNS), vec![], SEED).unwrap();
    if is_trained {
        let mut trainer = open(plugin, COLUMNS, |opening| plugin.open_trainer(opening)).unwrap();
        trainer
            .train(&hosted(&values, Some(&labels), COLUMNS), 1)
            .unwrap();
        let trained = trainer.save().unwrap();
        component.load(&trained).unwrap();
        session.load(native_weights(&trained)).unwrap();
    }
    let (mut hosted_scores, mut native_scores) = (Vec::new(), Vec::new());
    let figure = side_by_side(
        &format!("score_{}_{rows}", plugin.id().name),
        rows,
        || hosted_scores = component.score(&batch).unwrap(),
        || native_scores = session.score(native(&values, None, COLUMNS)).unwrap(),
    );
    assert_eq!(
        bits(&hosted_scores),
        bits(&native_scores),
        "{}",
        plugin.id()
    );
    figure
}

fn prepare<T: Preprocessor>(plugin: &Plugin, rows: usize) -> Figure {
    let (values, _) = labelled(rows, COLUMNS);
    let batch = hosted(&values, None, COLUMNS);
    let mut component = open(plugin, COLUMNS, |opening| plugin.open_preprocessor(opening)).unwrap();
    let mut session: Session<T> = Session::open_preprocessor(&names(COLUMNS), vec![]).unwrap();
    let (mut hosted_rows, mut native_rows) = (Vec::new(), Vec::new());
    let figure = side_by_side(
        &format!("prepare_{}_{rows}", plugin.id().name),
        rows,
        || hosted_rows = component.transform(&batch).unwrap().into_parts().0,
        || {
            native_rows = session
                .transform(native(&values, None, COLUMNS))
                .unwrap()
                .values
        },
    );
    assert_eq!(bits(&hosted_rows), bits(&native_rows), "{}", plugin.id());
    figure
}

fn side_by_side(
    name: &str,
    rows: usize,
    mut component: impl FnMut(),
    mut native: impl FnMut(),
) -> Figure {
    let calls = ROWS_TIMED / rows;
    let [component, native] = interleaved([
        Box::new(|| (0..calls).for_each(|_| component())),
        Box::new(|| (0..calls).for_each(|_| native())),
    ]);
    let a_row = |seconds: f64| seconds / (calls * rows) as f64 * 1e9;
    Figure::beside(
        name,
        a_row(component),
        "ns/row",
        "the same code natively",
        a_row(native),
    )
}
