//! Nothing from a guest reaches the host unchecked.

use fedhost_domain::model::{TensorSpec, Weights};
use fedhost_plugin::{Kind, Limits, Refusal};

use crate::harness::{Scene, pairs};

const ROWS: [[f32; 2]; 2] = [[1.0, 2.0], [3.0, 4.0]];

fn scene(act: &str) -> Scene {
    Scene::new(act, Limits::default())
}

#[test]
fn scores_that_are_not_one_finite_number_a_row_are_dropped_and_the_instance_lives_on() {
    let cases = [
        ("too-many-scores", "3 scores for 2 rows"),
        ("too-few-scores", "1 scores for 2 rows"),
        ("huge-output", "4194304 scores for 2 rows"),
        ("nan-scores", "score of row 0 is NaN"),
    ];
    for (act, words) in cases {
        let mut detector = scene(act).detector();
        let error = detector.score(&pairs(&ROWS)).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidOutput, "{act}: {error}");
        assert!(error.detail.contains(words), "{act}: {error}");
        assert!(!detector.is_dead() && detector.save().is_ok(), "{act}");
    }
}

#[test]
fn weights_that_are_no_model_never_get_out() {
    let cases = [
        ("nan-weights", "is NaN"),
        ("data-shorter-than-shape", "need 3 values, but there are 2"),
        ("overflowing-shape", "but there are 1"),
        ("nameless-tensor", "tensor"),
        ("repeated-tensor", "already taken"),
        ("no-tensors", "no tensors"),
    ];
    for (act, words) in cases {
        let error = scene(act).trainer().save().unwrap_err();
        assert_eq!(error.kind, Kind::InvalidOutput, "{act}: {error}");
        assert!(error.detail.contains(words), "{act}: {error}");
    }
}

#[test]
fn a_model_keeps_its_shape() {
    let good = scene("none").trainer().save().unwrap();
    let mut trainer = scene("wrong-shape-weights").trainer();
    trainer.load(&good).unwrap();
    let error = trainer.save().unwrap_err();
    assert_eq!(error.kind, Kind::InvalidOutput);
    assert!(
        error
            .detail
            .contains("expected tensors weight[2], bias[1], found weight[2], bias[1], surplus[2]"),
        "{error}"
    );
}

#[test]
fn a_model_of_another_shape_is_declined_and_the_next_one_still_fits() {
    let mut trainer = scene("none").trainer();
    let other = Weights::new(
        vec![TensorSpec {
            name: "w".into(),
            shape: vec![1],
        }],
        vec![0.0],
    )
    .unwrap();
    assert_eq!(
        trainer.load(&other).unwrap_err().kind,
        Kind::Refused(Refusal::InvalidState),
        "by the guest"
    );
    let model = trainer.save().unwrap();
    assert_eq!(
        trainer.load(&other).unwrap_err().kind,
        Kind::Refused(Refusal::InvalidState),
        "by the host"
    );
    trainer.load(&model).unwrap();
}

#[test]
fn a_loss_that_is_no_number_is_no_report() {
    let error = scene("nan-loss")
        .trainer()
        .train(&pairs(&ROWS), 1)
        .unwrap_err();
    assert_eq!(error.kind, Kind::InvalidOutput);
    assert!(error.detail.contains("a loss of NaN"), "{error}");
}

#[test]
fn a_guests_own_error_keeps_its_kind_and_the_instance_lives_on() {
    let mut detector = scene("error").detector();
    let error = detector.score(&pairs(&ROWS)).unwrap_err();
    assert_eq!(error.kind, Kind::Refused(Refusal::Other));
    assert_eq!(
        error.to_string(),
        "plug-in misbehaving failed in detector.score (other): asked to fail, and failing"
    );
    assert!(detector.save().is_ok());
}

#[test]
fn a_batch_of_other_columns_never_reaches_the_guest() {
    let mut detector = scene("trap").detector();
    let batch = fedhost_plugin::Batch::new(1, 3, vec![0.0; 3], None).unwrap();
    let error = detector.score(&batch).unwrap_err();
    assert_eq!(error.kind, Kind::Refused(Refusal::InvalidInput));
    assert!(
        error.detail.contains("3 columns") && !detector.is_dead(),
        "{error}"
    );
}

#[test]
fn no_rows_have_no_scores() {
    assert_eq!(
        scene("none").detector().score(&pairs(&[])).unwrap(),
        Vec::<f32>::new()
    );
}

#[test]
fn a_plug_in_is_opened_only_as_what_it_is() {
    let scene = scene("none");
    let Err(error) = scene.open(|opening| scene.plugin.open_preprocessor(opening)) else {
        panic!("a model was opened as a preprocessor");
    };
    assert!(
        error
            .detail
            .contains("it has no preprocessing; it exports training, detection"),
        "{error}"
    );
}
