//! Promises of trainers.

use super::Check;
use super::bench::Bench;
use super::fault::{Fault, Trial};
use super::rows::{ROWS, Rows};
use super::stream::{declined, foreign};
use crate::batch::Batch;
use crate::failure::{CallError, Kind, Refusal};
use crate::trainer::Report;
use fedhost_base::hint::explain;

const EPOCHS: u32 = 3;

pub(super) fn checks<'a>() -> [Check<Bench<'a>>; 11] {
    [
        Check {
            name: "determinism",
            promise: "the same rows and seed give the same weights",
            run: determinism,
        },
        Check {
            name: "save-load",
            promise: "a loaded model trains like the one that was saved",
            run: save_load,
        },
        Check {
            name: "shapes",
            promise: "models of all nodes have tensors of the same names and shapes",
            run: shapes,
        },
        Check {
            name: "foreign-weights",
            promise: "weights of another plug-in are declined",
            run: foreign_weights,
        },
        Check {
            name: "learns",
            promise: "it learns from labelled rows, and counts them",
            run: learns,
        },
        Check {
            name: "progress",
            promise: "a training reports its progress",
            run: progress,
        },
        Check {
            name: "stop",
            promise: "it stops early when asked to",
            run: stop,
        },
        Check {
            name: "zero-rows",
            promise: "a batch of 0 rows changes nothing",
            run: zero_rows,
        },
        Check {
            name: "one-row",
            promise: "it trains on one row, or declines it with an error",
            run: one_row,
        },
        Check {
            name: "constant-columns",
            promise: "columns that never change are accepted",
            run: constant_columns,
        },
        Check {
            name: "missing-values",
            promise: "missing values are accepted",
            run: missing_values,
        },
    ]
}

fn determinism(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained two instances with the same seed on the same 600 rows for 3 epochs",
        expected: "the same weights, bit for bit, and the same report",
        remedy: "derive all randomness from the seed, and do not iterate over containers without a fixed order",
    };
    let train = || {
        let mut trainer = bench.open_trainer()?;
        let report = trainer.train(&bench.rows(1).labelled(), EPOCHS)?;
        Ok((report, trainer.save()?))
    };
    let (first_report, first_weights) = trial.call(train())?;
    let (second_report, second_weights) = trial.call(train())?;
    trial.same_weights(&first_weights, &second_weights)?;
    trial.holds(first_report == second_report, || {
        format!("a report of {first_report:?}, then of {second_report:?}")
    })
}

fn save_load(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a model, saved it, loaded it in a new instance, and trained both on the same 600 rows",
        expected: "the same weights from both, bit for bit",
        remedy: "keep only the weights between two trainings: the host may repeat a training on another instance",
    };
    let mut original = trial.call(bench.open_trainer())?;
    trial.call(original.train(&bench.rows(1).labelled(), EPOCHS))?;
    let saved = trial.call(original.save())?;
    let mut restored = trial.call(bench.open_trainer())?;
    trial.call(restored.load(&saved))?;
    trial.same_weights(&saved, &trial.call(restored.save())?)?;
    let further_rows = bench.rows(5).labelled();
    for trainer in [&mut original, &mut restored] {
        trial.call(trainer.train(&further_rows, EPOCHS))?;
    }
    trial.same_weights(&trial.call(original.save())?, &trial.call(restored.save())?)
}

fn shapes(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "saved an untrained model, a trained one, and one with another seed trained on other rows",
        expected: "tensors of the same names and shapes",
        remedy: "make names and shapes depend on columns and parameters only; otherwise models cannot be averaged",
    };
    let untrained = trial.call(trial.call(bench.open_trainer())?.save())?;
    trial.same_shape(&untrained, &trial.call(bench.trained(&bench.rows(1)))?)?;
    let mut other = trial.call(bench.trainer(&bench.setup.parameters, bench.setup.seed ^ 0xa5))?;
    trial.call(other.train(&Rows::waves(bench.columns(), ROWS / 2, 9).labelled(), 1))?;
    trial.same_shape(&untrained, &trial.call(other.save())?)
}

fn foreign_weights(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "loaded weights with one tensor \"of-another-plug-in\" of 3 values",
        expected: "an error such as invalid-state",
        remedy: "compare names and shapes before using any of it (`Weights::tensors` in the Rust SDK)",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    declined(&trial, trainer.load(&foreign(&trial)?))
}

fn learns(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained it on 600 ordinary rows, labelled, every 11th anomalous",
        expected: "a sample count from 1 to 600, and changed weights",
        remedy: "count every row once, not once an epoch; a model with 0 samples is not sent",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    let before = trial.call(trainer.save())?;
    let report = trial.call(trainer.train(&bench.rows(1).labelled(), EPOCHS))?;
    trial.holds(report.samples > 0, || "a report of 0 samples".to_owned())?;
    let after = trial.call(trainer.save())?;
    trial.holds(before.data() != after.data(), || {
        "unchanged weights".to_owned()
    })
}

fn progress(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained it for 3 epochs, and counted its calls of `host.progress`",
        expected: "one after every epoch; at least one if the trainer makes a single pass",
        remedy: "report after every epoch: users see the progress of a training by it, and the host can stop one",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    let before = bench.reports();
    trial.call(trainer.train(&bench.rows(1).labelled(), EPOCHS))?;
    let reports = bench.reports() - before;
    trial.holds(reports > 0, || "none".to_owned())
}

fn stop(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained it for 50 epochs, and answered its first `host.progress` with `stop`",
        expected: "it returns at once and successfully, with the model so far",
        remedy: "leave the loop over the epochs when `progress` returns stop",
    };
    let mut trainer = trial.call(bench.cancelled_trainer())?;
    let before = bench.reports();
    trial.call(trainer.train(&bench.rows(1).labelled(), 50))?;
    let reports = bench.reports() - before;
    trial.holds(reports <= 1, || format!("{} further reports", reports - 1))
}

fn zero_rows(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a model further on a batch of 0 rows",
        expected: "a report of 0 samples or an error invalid-input, and unchanged weights",
        remedy: "return early when there are no rows; do not divide by their number",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    trial.call(trainer.train(&bench.rows(1).labelled(), 1))?;
    let before = trial.call(trainer.save())?;
    let labelled = Batch::new(0, bench.columns(), Vec::new(), Some(Vec::new()));
    let labelled = labelled.map_err(|error| trial.fault(explain(&error)))?;
    trained_or_declined(&trial, trainer.train(&labelled, EPOCHS))?;
    trial.same_weights(&before, &trial.call(trainer.save())?)
}

fn one_row(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a new instance on one row",
        expected: "a report or an error invalid-input, and finite weights",
        remedy: "do not use the variance of a single row",
    };
    train_on(
        bench,
        &trial,
        &Rows::waves(bench.columns(), 1, 1).labelled(),
    )
}

fn constant_columns(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a new instance on 600 rows in which no column changes, as from stuck sensors",
        expected: "a report, and finite weights",
        remedy: "do not divide by a deviation or a range of 0",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    trial.call(trainer.train(&Rows::constant(bench.columns(), ROWS).labelled(), EPOCHS))?;
    trial.call(trainer.save()).map(drop)
}

fn missing_values(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a new instance on 600 rows with NaN, the mark of a missing value, in every fifth value",
        expected: "a report of at least 1 sample, and finite weights",
        remedy: "skip values that are not finite, and keep them out of sums",
    };
    let gaps = |row: usize, column: usize, value: f32| {
        if (row + column).is_multiple_of(5) {
            f32::NAN
        } else {
            value
        }
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    let report = trial.call(trainer.train(&bench.rows(1).with(gaps).labelled(), EPOCHS))?;
    trial.call(trainer.save())?;
    trial.holds(report.samples > 0, || "a report of 0 samples".to_owned())?;
    let nothing = Trial {
        done: "trained a new instance on 600 rows in which every value is missing",
        expected: "a report or an error invalid-input, and finite weights",
        remedy: trial.remedy,
    };
    train_on(
        bench,
        &nothing,
        &bench.rows(1).with(|_, _, _| f32::NAN).labelled(),
    )
}

fn train_on(bench: &Bench<'_>, trial: &Trial, rows: &Batch) -> Result<(), Fault> {
    let mut trainer = trial.call(bench.open_trainer())?;
    trained_or_declined(trial, trainer.train(rows, EPOCHS))?;
    trial.call(trainer.save()).map(drop)
}

/// Returns a fault unless the training succeeded or its rows were declined: a trainer may decline
/// rows from which it cannot learn.
fn trained_or_declined(trial: &Trial, outcome: Result<Report, CallError>) -> Result<(), Fault> {
    match outcome {
        Ok(_) => Ok(()),
        Err(error) if error.kind == Kind::Refused(Refusal::InvalidInput) => Ok(()),
        Err(error) => Err(trial.failed(&error)),
    }
}
