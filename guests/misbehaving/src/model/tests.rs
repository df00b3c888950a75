use super::*;
use crate::act::CHOICES;
use fedhost_guest::{Parameter, Session, Value};

fn open(act: &str) -> Session<Misbehaving> {
    let parameters = vec![Parameter {
        name: "act".into(),
        value: Value::Text(act.into()),
    }];
    Session::open_model(&["a".into(), "b".into()], parameters, 0).unwrap()
}

fn batch() -> Batch {
    Batch::new(2, vec![1.0, 2.0, 3.0, 4.0])
}

#[test]
fn with_nothing_to_break_it_is_a_model_like_others() {
    let mut model = open("none");
    let report = model.train(batch(), 3, &mut |_| Signal::Proceed).unwrap();
    assert_eq!((report.samples, report.loss), (2, 0.25));
    assert_eq!(model.score(batch()).unwrap(), [6.0, 10.0]);

    let mut heir = open("none");
    heir.load(model.save().unwrap()).unwrap();
    assert_eq!(heir.save(), model.save());
}

#[test]
fn bad_weights_are_bad() {
    for act in [
        "huge-weights",
        "nan-weights",
        "wrong-shape-weights",
        "data-shorter-than-shape",
        "no-tensors",
    ] {
        let saved = open(act).save().unwrap();
        assert!(
            matches!(open("none").load(saved), Err(Error::InvalidState(_))),
            "{act}"
        );
    }
}

#[test]
fn bad_scores_are_bad() {
    assert_eq!(open("too-many-scores").score(batch()).unwrap().len(), 3);
    assert_eq!(open("too-few-scores").score(batch()).unwrap().len(), 1);
    assert_eq!(
        open("huge-output").score(batch()).unwrap().len(),
        HUGE_FLOATS
    );
    assert!(
        open("nan-scores")
            .score(batch())
            .unwrap()
            .iter()
            .all(|score| score.is_nan())
    );
    assert_eq!(
        open("infinite-scores").score(batch()).unwrap(),
        [f32::INFINITY; 2]
    );
}

#[test]
fn a_row_can_say_what_to_do() {
    let number = |act| CHOICES.iter().position(|choice| *choice == act).unwrap() as f32;
    let mut model = open("as-the-rows-say");
    let mut scores = |first| {
        model
            .score(Batch::new(2, vec![first, 0.5]))
            .map(|scores| scores.len())
    };
    assert_eq!(
        (scores(number("none")), scores(number("too-many-scores"))),
        (Ok(1), Ok(2))
    );
    assert!(matches!(scores(number("error")), Err(Error::Other(_))));
    assert_eq!(scores(f32::NAN), Ok(1), "what is no number is none of them");
}

#[test]
fn a_missing_value_harms_the_well_behaved_model_not() {
    let gap = || Batch::new(2, vec![f32::NAN, 2.0]);
    assert_eq!(open("none").score(gap()).unwrap(), [2.0]);
    assert!(open("lets-nan-in").score(gap()).unwrap()[0].is_nan());
}

#[test]
fn it_goes_on_after_a_stop_only_when_told_to() {
    let epochs_run = |act| {
        let mut run = 0;
        let stop = &mut |_| {
            run += 1;
            Signal::Stop
        };
        open(act).train(batch(), 5, stop).unwrap();
        run
    };
    assert_eq!((epochs_run("none"), epochs_run("ignore-stop")), (1, 5));
}

#[test]
fn every_act_is_a_choice_once() {
    let mut names = CHOICES.to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CHOICES.len());
}
