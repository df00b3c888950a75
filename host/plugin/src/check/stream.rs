//! Promises that preprocessors and detectors share: both turn a stream of rows into numbers, and
//! keep a state.

use fedhost_domain::model::{TensorSpec, Weights};

use super::Check;
use super::fault::{Fault, Trial};
use super::rows::{ROWS, Rows};
use crate::batch::Batch;
use crate::detector::Detector;
use crate::failure::{CallError, Kind};
use crate::preprocessor::Preprocessor;

/// A preprocessor or a detector.
pub(super) trait Stream {
    /// Returns all numbers for a batch.
    fn feed(&mut self, rows: &Batch) -> Result<Vec<f32>, CallError>;
    fn save(&mut self) -> Result<Weights, CallError>;
    fn restore(&mut self, state: &Weights) -> Result<(), CallError>;
}

impl Stream for Preprocessor {
    fn feed(&mut self, rows: &Batch) -> Result<Vec<f32>, CallError> {
        Ok(self.transform(rows)?.into_parts().0)
    }
    fn save(&mut self) -> Result<Weights, CallError> {
        self.save()
    }
    fn restore(&mut self, state: &Weights) -> Result<(), CallError> {
        self.restore(state)
    }
}

impl Stream for Detector {
    fn feed(&mut self, rows: &Batch) -> Result<Vec<f32>, CallError> {
        self.score(rows)
    }
    fn save(&mut self) -> Result<Weights, CallError> {
        self.save()
    }
    fn restore(&mut self, state: &Weights) -> Result<(), CallError> {
        self.load(state)
    }
}

/// Opens a stream without state.
pub(super) type Open<'a> = Box<dyn Fn() -> Result<Box<dyn Stream>, CallError> + 'a>;

/// What a stream returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Rows,
    Scores,
}

/// A component as a preprocessor or as a detector.
pub(super) struct Stage<'a> {
    pub(super) columns: usize,
    pub(super) output: Output,
    pub(super) open: Open<'a>,
}

pub(super) fn checks<'a>() -> [Check<Stage<'a>>; 9] {
    [
        Check {
            name: "determinism",
            promise: "the same rows give the same bits",
            run: determinism,
        },
        Check {
            name: "batch-split",
            promise: "results do not depend on how rows are cut into batches",
            run: batch_split,
        },
        Check {
            name: "save-restore",
            promise: "a restored state continues exactly",
            run: save_restore,
        },
        Check {
            name: "state-shape",
            promise: "the tensors of the state keep their names and shapes",
            run: state_shape,
        },
        Check {
            name: "foreign-state",
            promise: "the state of another plug-in is declined",
            run: foreign_state,
        },
        Check {
            name: "zero-rows",
            promise: "a batch of 0 rows changes nothing",
            run: zero_rows,
        },
        Check {
            name: "one-row",
            promise: "one row is enough for a result",
            run: one_row,
        },
        Check {
            name: "constant-columns",
            promise: "columns that never change are accepted",
            run: constant_columns,
        },
        Check {
            name: "missing-values",
            promise: "missing values are accepted, and have no lasting effect",
            run: missing_values,
        },
    ]
}

impl Stage<'_> {
    fn rows(&self) -> Rows {
        Rows::waves(self.columns, ROWS, 2)
    }

    /// Returns how many numbers a row has.
    fn width(&self, numbers: &[f32], rows: usize) -> usize {
        if self.output == Output::Scores {
            1
        } else {
            numbers.len() / rows.max(1)
        }
    }

    /// Feeds all rows to a new stream, in batches whose sizes cycle through `sizes`.
    fn feed_in(&self, trial: &Trial, rows: &Rows, sizes: &[usize]) -> Result<Vec<f32>, Fault> {
        let mut stream = trial.call((self.open)())?;
        feed_from(trial, stream.as_mut(), rows, 0, sizes)
    }
}

fn feed_from(
    trial: &Trial,
    stream: &mut dyn Stream,
    rows: &Rows,
    from: usize,
    sizes: &[usize],
) -> Result<Vec<f32>, Fault> {
    let (mut out, mut next) = (Vec::new(), from);
    for &size in sizes.iter().cycle() {
        if next >= rows.count() {
            break;
        }
        out.extend(trial.call(stream.feed(&rows.part(next, size)))?);
        next += size;
    }
    Ok(out)
}

fn determinism(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave the same 600 rows to two instances with the same columns, parameters and seed",
        expected: "the same bits from both",
        remedy: "derive all randomness from the seed, and do not iterate over containers without a fixed order",
    };
    let rows = stage.rows();
    let first = stage.feed_in(&trial, &rows, &[ROWS])?;
    let second = stage.feed_in(&trial, &rows, &[ROWS])?;
    trial.same_numbers(&first, &second, stage.width(&first, ROWS))
}

fn batch_split(stage: &Stage<'_>) -> Result<(), Fault> {
    let remedy = "compute a row's result from itself and earlier rows only, and keep what is needed of earlier rows in \
                the instance, not in the batch";
    let by_one = Trial {
        done: "gave the same 600 rows in one batch, then row by row to a second instance",
        expected: "the same bits both times",
        remedy,
    };
    let in_pieces = Trial {
        done: "gave the same 600 rows in one batch, then in batches of 0 to 64 rows",
        ..by_one
    };
    let rows = stage.rows();
    let whole = stage.feed_in(&by_one, &rows, &[ROWS])?;
    let width = stage.width(&whole, ROWS);
    by_one.same_numbers(&whole, &stage.feed_in(&by_one, &rows, &[1])?, width)?;
    in_pieces.same_numbers(
        &whole,
        &stage.feed_in(&in_pieces, &rows, &[3, 0, 64, 1, 17, 2])?,
        width,
    )
}

fn save_restore(stage: &Stage<'_>) -> Result<(), Fault> {
    const CUT: usize = 377;
    let trial = Trial {
        done: "saved after 377 rows, restored in a new instance, and gave both the 223 rows that follow",
        expected: "the same bits from both, and the same state afterwards",
        remedy: "save everything that later rows depend on, also counters and random generators, and 64-bit values \
               without loss (`state` in the Rust SDK)",
    };
    let rows = stage.rows();
    let mut first = trial.call((stage.open)())?;
    trial.call(first.feed(&rows.part(0, CUT)))?;
    let saved = trial.call(first.save())?;
    let mut second = trial.call((stage.open)())?;
    trial.call(second.restore(&saved))?;
    trial.same_weights(&saved, &trial.call(second.save())?)?;
    let original = feed_from(&trial, first.as_mut(), &rows, CUT, &[ROWS])?;
    let restored = feed_from(&trial, second.as_mut(), &rows, CUT, &[ROWS])?;
    trial.same_numbers(&original, &restored, stage.width(&original, ROWS - CUT))?;
    trial.same_weights(&trial.call(first.save())?, &trial.call(second.save())?)
}

fn state_shape(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "saved before any row, after 1 row, and after 600",
        expected: "tensors of the same names and shapes each time",
        remedy: "make names and shapes depend on columns and parameters only: pad what grows, and store its length",
    };
    let rows = stage.rows();
    let mut stream = trial.call((stage.open)())?;
    let empty = trial.call(stream.save())?;
    trial.call(stream.feed(&rows.part(0, 1)))?;
    trial.same_shape(&empty, &trial.call(stream.save())?)?;
    feed_from(&trial, stream.as_mut(), &rows, 1, &[ROWS])?;
    trial.same_shape(&empty, &trial.call(stream.save())?)
}

fn foreign_state(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "restored a state with one tensor \"of-another-plug-in\" of 3 values, after 10 rows",
        expected: "an error such as invalid-state, and an unchanged instance",
        remedy: "compare names and shapes before using any of it (`Weights::tensors` in the Rust SDK)",
    };
    let rows = stage.rows();
    let mut stream = trial.call((stage.open)())?;
    trial.call(stream.feed(&rows.part(0, 10)))?;
    let before = trial.call(stream.save())?;
    declined(&trial, stream.restore(&foreign(&trial)?))?;
    trial.same_weights(&before, &trial.call(stream.save())?)
}

/// Returns weights that no plug-in has saved.
pub(super) fn foreign(trial: &Trial) -> Result<Weights, Fault> {
    let tensor = TensorSpec {
        name: "of-another-plug-in".to_owned(),
        shape: vec![3],
    };
    Weights::new(vec![tensor], vec![0.25; 3]).map_err(|error| trial.fault(error.to_string()))
}

/// Returns a fault unless the guest declined.
pub(super) fn declined(trial: &Trial, outcome: Result<(), CallError>) -> Result<(), Fault> {
    match outcome {
        Err(error) if matches!(error.kind, Kind::Refused(_)) => Ok(()),
        Err(error) => Err(trial.failed(&error)),
        Ok(()) => Err(trial.fault("it was accepted")),
    }
}

fn zero_rows(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave it a batch of 0 rows, at the beginning and after 10 rows",
        expected: "no numbers, and an unchanged state",
        remedy: "return early when there are no rows; do not divide by their number",
    };
    let rows = stage.rows();
    let nothing = Batch::empty(stage.columns);
    let mut stream = trial.call((stage.open)())?;
    for before in [0, 10] {
        trial.call(stream.feed(&rows.part(0, before)))?;
        let state = trial.call(stream.save())?;
        let out = trial.call(stream.feed(&nothing))?;
        trial.holds(out.is_empty(), || format!("{} numbers", out.len()))?;
        trial.same_weights(&state, &trial.call(stream.save())?)?;
    }
    Ok(())
}

fn one_row(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave a new instance one row",
        expected: "a result for that row without NaN",
        remedy: "choose a result for rows before there is anything to compare with, such as 0",
    };
    let mut stream = trial.call((stage.open)())?;
    let out = trial.call(stream.feed(&stage.rows().part(0, 1)))?;
    no_nan(&trial, &out)
}

fn constant_columns(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave it 600 rows in which no column changes, as from stuck sensors",
        expected: "a result for every row without NaN",
        remedy: "do not divide by a deviation or a range of 0",
    };
    let rows = Rows::constant(stage.columns, ROWS);
    no_nan(&trial, &stage.feed_in(&trial, &rows, &[1, 50])?)
}

fn missing_values(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave it 600 rows with NaN, the mark of a missing value, in some of rows 0 to 199",
        expected: "a result for every row, and no NaN in the last 100",
        remedy: "skip values that are not finite, and keep them out of sums",
    };
    let gaps = |row: usize, column: usize, value: f32| {
        let missing =
            row < 200 && (row < 2 || (row + column).is_multiple_of(5) || (100..120).contains(&row));
        if missing { f32::NAN } else { value }
    };
    let rows = stage.rows().with(gaps);
    let out = stage.feed_in(&trial, &rows, &[1, 50])?;
    let width = stage.width(&out, ROWS);
    no_nan(&trial, out.get((ROWS - 100) * width..).unwrap_or_default())
}

fn no_nan(trial: &Trial, out: &[f32]) -> Result<(), Fault> {
    match out.iter().position(|value| value.is_nan()) {
        None => Ok(()),
        Some(at) => Err(trial.fault(format!("number {at} of {} is NaN", out.len()))),
    }
}

#[cfg(test)]
mod tests;
