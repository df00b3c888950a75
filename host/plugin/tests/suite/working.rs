//! Real plug-ins through the real boundary.

use fedhost_plugin::{Batch, Context, Detector, Limits, Parameters, Plugin, Preprocessor, Trainer};

use crate::harness::{Recorder, columns, opening, plugin};

const COLUMNS: usize = 3;

fn open<T>(plugin: &Plugin, open: impl FnOnce(fedhost_plugin::Opening<'_>) -> T) -> T {
    opening(
        plugin,
        &columns(COLUMNS),
        &Parameters::new(),
        Context::new("test", Recorder::default().sink()),
        open,
    )
}

/// Rows of a fixed sequence; the second half lies far from the first and is labelled 1.
fn separable(rows: usize) -> Batch {
    let noise = |index: usize| (((index * 7919) % 1000) as f32 / 1000.0) - 0.5;
    let far = |row: usize| if row >= rows / 2 { 4.0 } else { 0.0 };
    let values = (0..rows * COLUMNS)
        .map(|index| noise(index) + far(index / COLUMNS))
        .collect();
    let labels = (0..rows)
        .map(|row| if row >= rows / 2 { 1.0 } else { 0.0 })
        .collect();
    Batch::new(rows, COLUMNS, values, Some(labels)).unwrap()
}

fn trainer(plugin: &Plugin) -> Trainer {
    open(plugin, |opening| plugin.open_trainer(opening)).unwrap()
}

fn detector(plugin: &Plugin) -> Detector {
    open(plugin, |opening| plugin.open_detector(opening)).unwrap()
}

fn preprocessor(plugin: &Plugin) -> Preprocessor {
    open(plugin, |opening| plugin.open_preprocessor(opening)).unwrap()
}

#[test]
fn training_on_separable_rows_lowers_the_loss_and_tells_the_classes_apart() {
    let plugin = plugin("logistic-regression", Limits::default());
    let (rows, mut trainer) = (separable(400), trainer(&plugin));
    let first = trainer.train(&rows, 1).unwrap();
    let last = (0..20)
        .map(|_| trainer.train(&rows, 1).unwrap())
        .last()
        .unwrap();
    assert!(
        last.loss < first.loss,
        "{} is not below {}",
        last.loss,
        first.loss
    );
    assert_eq!(last.samples, 400);

    let mut detector = detector(&plugin);
    detector.load(&trainer.save().unwrap()).unwrap();
    let scores = detector.score(&rows).unwrap();
    let (normal, anomalous) = scores.split_at(200);
    let highest = normal.iter().copied().fold(f32::MIN, f32::max);
    let lowest = anomalous.iter().copied().fold(f32::MAX, f32::min);
    assert!(lowest > highest, "{lowest} is not above {highest}");
}

#[test]
fn the_same_training_gives_the_same_bits() {
    let plugin = plugin("logistic-regression", Limits::default());
    let model = || {
        let mut trainer = trainer(&plugin);
        trainer.train(&separable(400), 3).unwrap();
        trainer.save().unwrap().sha256()
    };
    assert_eq!(model(), model());
}

#[test]
fn a_saved_model_scores_as_the_one_it_was_saved_from() {
    let plugin = plugin("logistic-regression", Limits::default());
    let mut trainer = trainer(&plugin);
    trainer.train(&separable(200), 2).unwrap();
    let (mut one, mut other) = (detector(&plugin), detector(&plugin));
    one.load(&trainer.save().unwrap()).unwrap();
    other.load(&one.save().unwrap()).unwrap();
    assert_eq!(
        one.score(&separable(100)).unwrap(),
        other.score(&separable(100)).unwrap()
    );
}

/// Rows `from..to` of a batch.
fn part(batch: &Batch, from: usize, to: usize) -> Batch {
    let values = batch.values()[from * COLUMNS..to * COLUMNS].to_vec();
    let labels = batch.labels().map(|labels| labels[from..to].to_vec());
    Batch::new(to - from, COLUMNS, values, labels).unwrap()
}

/// Bits, so that missing values compare too.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn how_rows_are_cut_into_batches_changes_nothing() {
    for name in ["standard-scaler", "baseline-deviation"] {
        let plugin = plugin(name, Limits::default());
        let rows = separable(600);
        let fitted = || {
            let mut preprocessor = preprocessor(&plugin);
            preprocessor.fit(&part(&rows, 0, 300)).unwrap();
            preprocessor
        };
        let whole = fitted().transform(&rows).unwrap();
        assert_eq!(
            (whole.rows(), whole.labels()),
            (600, rows.labels()),
            "{name}"
        );
        for size in [1, 7, 256] {
            let mut preprocessor = fitted();
            let mut pieces = Vec::new();
            for from in (0..600).step_by(size) {
                let piece = preprocessor
                    .transform(&part(&rows, from, (from + size).min(600)))
                    .unwrap();
                pieces.extend(bits(piece.values()));
            }
            assert_eq!(pieces, bits(whole.values()), "{name} in batches of {size}");
        }
    }
}

#[test]
fn a_restored_preprocessor_goes_on_where_the_saved_one_stood() {
    for name in ["standard-scaler", "baseline-deviation"] {
        let plugin = plugin(name, Limits::default());
        let rows = separable(600);
        let mut one = preprocessor(&plugin);
        one.fit(&part(&rows, 0, 300)).unwrap();
        one.transform(&part(&rows, 0, 450)).unwrap();
        let state = one.save().unwrap();
        let mut other = preprocessor(&plugin);
        other.restore(&state).unwrap();
        assert_eq!(other.output_columns(), one.output_columns(), "{name}");
        let rest = part(&rows, 450, 600);
        let (expected, found) = (
            one.transform(&rest).unwrap(),
            other.transform(&rest).unwrap(),
        );
        assert_eq!(bits(found.values()), bits(expected.values()), "{name}");
    }
}

#[test]
fn an_instance_tells_what_it_has_used() {
    let plugin = plugin("standard-scaler", Limits::default());
    let mut preprocessor = preprocessor(&plugin);
    let before = preprocessor.usage();
    preprocessor.fit(&separable(100)).unwrap();
    let after = preprocessor.usage();
    assert!(after.calls > before.calls && after.busy > before.busy);
    assert!(
        (65_536..=plugin.limits().memory_bytes).contains(&after.peak_memory_bytes),
        "{after:?}"
    );
}
