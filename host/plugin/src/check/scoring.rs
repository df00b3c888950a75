//! Promises of a model's detector beyond those of [`super::stream`]: it loads the weights of its
//! trainer, and means of such weights.

use fedhost_domain::model::Weights;

use super::Check;
use super::bench::Bench;
use super::fault::{Fault, Trial};

pub(super) fn checks<'a>() -> [Check<Bench<'a>>; 2] {
    [
        Check {
            name: "takes-model",
            promise: "the detector loads the trainer's weights",
            run: takes_model,
        },
        Check {
            name: "takes-mean",
            promise: "trainer and detector load a mean of models",
            run: takes_mean,
        },
    ]
}

fn takes_model(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained two models on different rows, and loaded one after the other into one detector between batches",
        expected: "600 finite scores from each",
        remedy: "use the same code to save and load weights in trainer and detector",
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
        done: "trained two models on different rows, as two nodes do, and loaded the mean of their weights",
        expected: "trainer and detector load it, then train and score",
        remedy: "keep only values in the weights that can be averaged: no counters, codes or bits of wider numbers",
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
