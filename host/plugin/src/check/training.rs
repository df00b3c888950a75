//! What trainers promise.

use super::Check;
use super::bench::Bench;
use super::fault::{Fault, Trial};
use super::rows::{ROWS, Rows};
use super::stream::{declined, foreign};
use crate::batch::Batch;
use crate::failure::{CallError, Kind, Refusal};
use crate::trainer::Report;

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
            promise: "a loaded model is trained on as the one that was saved",
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
            promise: "labelled rows are learnt from, and counted",
            run: learns,
        },
        Check {
            name: "progress",
            promise: "a training reports its progress",
            run: progress,
        },
        Check {
            name: "stop",
            promise: "it stops early when it is asked to",
            run: stop,
        },
        Check {
            name: "zero-rows",
            promise: "a batch without rows changes nothing",
            run: zero_rows,
        },
        Check {
            name: "one-row",
            promise: "one row is trained on, or declined in words",
            run: one_row,
        },
        Check {
            name: "constant-columns",
            promise: "columns that never change are fine",
            run: constant_columns,
        },
        Check {
            name: "missing-values",
            promise: "missing values are fine",
            run: missing_values,
        },
    ]
}

fn determinism(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained two instances with the same seed on the same 600 rows for 3 epochs",
        expected: "the same weights, bit for bit, and the same report",
        mend: "take everything random from the seed, and iterate over no container whose order varies",
    };
    let train = || {
        let mut trainer = bench.open_trainer()?;
        let report = trainer.train(&bench.rows(1).labelled(), EPOCHS)?;
        Ok((report, trainer.save()?))
    };
    let (first, second) = (trial.call(train())?, trial.call(train())?);
    trial.same_weights(&first.1, &second.1)?;
    trial.holds(first.0 == second.0, || {
        format!("a report of {:?}, then of {:?}", first.0, second.0)
    })
}

fn save_load(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a model, saved it, loaded it in a new instance, and trained both on the same 600 rows",
        expected: "the same weights from both, bit for bit",
        mend: "keep nothing from one training to the next but the weights: the host may do a training over again elsewhere",
    };
    let (first, then) = (bench.rows(1).labelled(), bench.rows(5).labelled());
    let mut stayed = trial.call(bench.open_trainer())?;
    trial.call(stayed.train(&first, EPOCHS))?;
    let saved = trial.call(stayed.save())?;
    let mut heir = trial.call(bench.open_trainer())?;
    trial.call(heir.load(&saved))?;
    trial.same_weights(&saved, &trial.call(heir.save())?)?;
    for trainer in [&mut stayed, &mut heir] {
        trial.call(trainer.train(&then, EPOCHS))?;
    }
    trial.same_weights(&trial.call(stayed.save())?, &trial.call(heir.save())?)
}

fn shapes(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "saved an untrained model, a trained one, and one of another seed trained on other rows",
        expected: "tensors of the same names and shapes",
        mend: "let names and shapes depend on columns and parameters only, or nodes' models cannot be averaged",
    };
    let untrained = trial.call(trial.call(bench.open_trainer())?.save())?;
    trial.same_shape(&untrained, &trial.call(bench.trained(&bench.rows(1)))?)?;
    let mut other = trial.call(bench.trainer(&bench.setup.parameters, bench.setup.seed ^ 0xa5))?;
    trial.call(other.train(&Rows::waves(bench.columns(), ROWS / 2, 9).labelled(), 1))?;
    trial.same_shape(&untrained, &trial.call(other.save())?)
}

fn foreign_weights(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "handed it weights with one tensor \"of-another-plug-in\" of 3 values",
        expected: "an error such as invalid-state",
        mend: "compare names and shapes before taking anything over (`Weights::tensors` in the Rust SDK)",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    declined(&trial, trainer.load(&foreign(&trial)?))
}

fn learns(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained it on 600 ordinary rows, labelled, every 11th anomalous",
        expected: "a sample count from 1 to 600, and other weights than before",
        mend: "count every row learnt from once, however many epochs there were; 0 keeps a result from being sent",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    let before = trial.call(trainer.save())?;
    let report = trial.call(trainer.train(&bench.rows(1).labelled(), EPOCHS))?;
    trial.holds(report.samples > 0, || "a report of 0 samples".to_owned())?;
    let after = trial.call(trainer.save())?;
    trial.holds(before.data() != after.data(), || {
        "the weights it had before".to_owned()
    })
}

fn progress(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained it for 3 epochs, and counted its calls of `host.progress`",
        expected: "one after every epoch; one in all when the rows are gone over once",
        mend: "report after every epoch: it is how people see a training, and how the host stops one",
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
        expected: "it returns at once, as a success, with what there is",
        mend: "leave the loop over the epochs when `progress` says stop",
    };
    let mut trainer = trial.call(bench.cancelled_trainer())?;
    let before = bench.reports();
    trial.call(trainer.train(&bench.rows(1).labelled(), 50))?;
    let reports = bench.reports() - before;
    trial.holds(reports <= 1, || {
        format!("it reported {} times more", reports - 1)
    })
}

fn zero_rows(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a model further on a batch of 0 rows",
        expected: "a report of 0 samples or an error invalid-input, and the weights as they were",
        mend: "return early when there are no rows; beware of dividing by their number",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    trial.call(trainer.train(&bench.rows(1).labelled(), 1))?;
    let before = trial.call(trainer.save())?;
    let labelled = Batch::new(0, bench.columns(), Vec::new(), Some(Vec::new()));
    let labelled = labelled.map_err(|error| trial.fault(error.to_string()))?;
    trained_or_declined(&trial, trainer.train(&labelled, EPOCHS))?;
    trial.same_weights(&before, &trial.call(trainer.save())?)
}

fn one_row(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a new instance on one row",
        expected: "a report or an error invalid-input, and finite weights",
        mend: "beware of variances of a single row",
    };
    train_on(
        bench,
        &trial,
        &Rows::waves(bench.columns(), 1, 1).labelled(),
    )
}

fn constant_columns(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a new instance on 600 rows in which no column ever changes, as of sensors that are stuck",
        expected: "a report, and finite weights",
        mend: "beware of dividing by a deviation or a range of 0",
    };
    let mut trainer = trial.call(bench.open_trainer())?;
    trial.call(trainer.train(&Rows::constant(bench.columns(), ROWS).labelled(), EPOCHS))?;
    trial.call(trainer.save()).map(drop)
}

fn missing_values(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "trained a new instance on 600 rows with NaN, the mark of a missing value, in every fifth value",
        expected: "a report of at least 1 sample, and finite weights",
        mend: "pass over values that are not finite, and let none of them into a sum",
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
        mend: trial.mend,
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

/// Rows that there is little to learn from may be declined, in words.
fn trained_or_declined(trial: &Trial, outcome: Result<Report, CallError>) -> Result<(), Fault> {
    match outcome {
        Ok(_) => Ok(()),
        Err(error) if error.kind == Kind::Refused(Refusal::InvalidInput) => Ok(()),
        Err(error) => Err(trial.failed(&error)),
    }
}
