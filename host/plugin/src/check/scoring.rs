//! What a model's detector promises besides: it takes over what its trainer has learnt, and any
//! mean of such.

use fedhost_domain::model::Weights;

use super::Check;
use super::bench::Bench;
use super::fault::{Fault, Trial};

pub(super) fn checks<'a>() -> [Check<Bench<'a>>; 2] {
    [
        Check {
            name: "takes-model",
            promise: "the detector takes over the trainer's weights",
            run: takes_model,
        },
        Check {
            name: "takes-mean",
            promise: "trainer and detector take over a mean of models",
            run: takes_mean,
        },
    ]
}

fn takes_model(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained two models on other rows, and loaded one after the other into one detector between batches",
        expected: "600 finite scores from each",
        mend: "let trainer and detector share one way to save and load weights",
    };
    let mut detector = trial.call(bench.detector(&bench.setup.parameters))?;
    let rows = bench.rows(4).all();
    for seed in [1, 5] {
        let model = trial.call(bench.trained(&bench.rows(seed)))?;
        trial.call(detector.load(&model))?;
        trial.call(detector.score(&rows))?;
    }
    Ok(())
}

fn takes_mean(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained two models on other rows, as two nodes do, took the mean of every weight, and loaded it",
        expected: "trainer and detector take it, train on and score",
        mend: "keep in the weights only what a mean leaves meaningful: no counters, codes or bits of wider numbers",
    };
    let first = trial.call(bench.trained(&bench.rows(1)))?;
    let second = trial.call(bench.trained(&bench.rows(5)))?;
    trial.same_shape(&first, &second)?;
    let mean = mean(&trial, &first, &second)?;
    let mut trainer = trial.call(bench.open_trainer())?;
    trial.call(trainer.load(&mean))?;
    trial.call(trainer.train(&bench.rows(1).labelled(), 1))?;
    trial.call(trainer.save())?;
    let mut detector = trial.call(bench.detector(&bench.setup.parameters))?;
    trial.call(detector.load(&mean))?;
    trial.call(detector.score(&bench.rows(4).all())).map(drop)
}

fn mean(trial: &Trial, first: &Weights, second: &Weights) -> Result<Weights, Fault> {
    let data = first
        .data()
        .iter()
        .zip(second.data())
        .map(|(left, right)| left / 2.0 + right / 2.0)
        .collect();
    Weights::new(first.tensors().to_vec(), data).map_err(|error| trial.fault(error.to_string()))
}
