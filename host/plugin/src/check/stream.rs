//! What preprocessors and detectors promise alike: rows go in, in order, numbers come out, and a
//! state lies between.

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
    /// All numbers that come out.
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

/// Opens a stream at its beginning.
pub(super) type Open<'a> = Box<dyn Fn() -> Result<Box<dyn Stream>, CallError> + 'a>;

/// What comes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Rows,
    Scores,
}

/// A component in one of its two parts.
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
            promise: "it does not matter where batches are cut",
            run: batch_split,
        },
        Check {
            name: "save-restore",
            promise: "a saved state goes on exactly",
            run: save_restore,
        },
        Check {
            name: "state-shape",
            promise: "tensors of the state keep their names and shapes",
            run: state_shape,
        },
        Check {
            name: "foreign-state",
            promise: "a state of another plug-in is declined",
            run: foreign_state,
        },
        Check {
            name: "zero-rows",
            promise: "a batch without rows changes nothing",
            run: zero_rows,
        },
        Check {
            name: "one-row",
            promise: "the first row alone is enough",
            run: one_row,
        },
        Check {
            name: "constant-columns",
            promise: "columns that never change are fine",
            run: constant_columns,
        },
        Check {
            name: "missing-values",
            promise: "missing values are fine, and forgotten",
            run: missing_values,
        },
    ]
}

impl Stage<'_> {
    fn rows(&self) -> Rows {
        Rows::waves(self.columns, ROWS, 2)
    }

    /// Numbers a row.
    fn width(&self, numbers: &[f32], rows: usize) -> usize {
        if self.output == Output::Scores {
            1
        } else {
            numbers.len() / rows.max(1)
        }
    }

    /// Feeds all rows in batches of these sizes, over and over.
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
        mend: "take everything random from the seed, and iterate over no container whose order varies",
    };
    let (rows, whole) = (stage.rows(), [ROWS]);
    let first = stage.feed_in(&trial, &rows, &whole)?;
    let second = stage.feed_in(&trial, &rows, &whole)?;
    trial.same_numbers(&first, &second, stage.width(&first, ROWS))
}

fn batch_split(stage: &Stage<'_>) -> Result<(), Fault> {
    let mend = "let a row see earlier rows and itself only, and keep what it needs of them in the instance, not in the \
                batch";
    let by_one = Trial {
        done: "gave the same 600 rows in one batch, then row by row to a second instance",
        expected: "the same bits both times",
        mend,
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
        mend: "save everything that later rows depend on, counters and random generators too, and 64-bit values \
               exactly (`state` in the Rust SDK)",
    };
    let rows = stage.rows();
    let mut first = trial.call((stage.open)())?;
    trial.call(first.feed(&rows.part(0, CUT)))?;
    let saved = trial.call(first.save())?;
    let mut second = trial.call((stage.open)())?;
    trial.call(second.restore(&saved))?;
    trial.same_weights(&saved, &trial.call(second.save())?)?;
    let went_on = feed_from(&trial, first.as_mut(), &rows, CUT, &[ROWS])?;
    let restored = feed_from(&trial, second.as_mut(), &rows, CUT, &[ROWS])?;
    trial.same_numbers(&went_on, &restored, stage.width(&went_on, ROWS - CUT))?;
    trial.same_weights(&trial.call(first.save())?, &trial.call(second.save())?)
}

fn state_shape(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "saved before any row, after 1 row, and after 600",
        expected: "tensors of the same names and shapes each time",
        mend: "let names and shapes depend on columns and parameters only: pad what grows, and keep its length beside it",
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
        done: "handed it a state with one tensor \"of-another-plug-in\" of 3 values, after 10 rows",
        expected: "an error such as invalid-state, and the instance as it was",
        mend: "compare names and shapes before taking anything over (`Weights::tensors` in the Rust SDK)",
    };
    let rows = stage.rows();
    let mut stream = trial.call((stage.open)())?;
    trial.call(stream.feed(&rows.part(0, 10)))?;
    let before = trial.call(stream.save())?;
    declined(&trial, stream.restore(&foreign(&trial)?))?;
    trial.same_weights(&before, &trial.call(stream.save())?)
}

/// Weights that no plug-in can have saved.
pub(super) fn foreign(trial: &Trial) -> Result<Weights, Fault> {
    let tensor = TensorSpec {
        name: "of-another-plug-in".to_owned(),
        shape: vec![3],
    };
    Weights::new(vec![tensor], vec![0.25; 3]).map_err(|error| trial.fault(error.to_string()))
}

/// The guest said no, in words.
pub(super) fn declined(trial: &Trial, outcome: Result<(), CallError>) -> Result<(), Fault> {
    match outcome {
        Err(error) if matches!(error.kind, Kind::Refused(_)) => Ok(()),
        Err(error) => Err(trial.failed(&error)),
        Ok(()) => Err(trial.fault("it was taken over")),
    }
}

fn zero_rows(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave it a batch of 0 rows, at the beginning and after 10 rows",
        expected: "nothing comes out, and the state is as before",
        mend: "return early when there are no rows; beware of dividing by their number",
    };
    let (rows, nothing) = (stage.rows(), Batch::empty(stage.columns));
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
        expected: "an answer for that row without NaN",
        mend: "decide what to say before there is anything to compare with, such as 0",
    };
    let mut stream = trial.call((stage.open)())?;
    let out = trial.call(stream.feed(&stage.rows().part(0, 1)))?;
    no_nan(&trial, &out)
}

fn constant_columns(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave it 600 rows in which no column ever changes, as of sensors that are stuck",
        expected: "an answer for every row without NaN",
        mend: "beware of dividing by a deviation or a range of 0",
    };
    let rows = Rows::constant(stage.columns, ROWS);
    no_nan(&trial, &stage.feed_in(&trial, &rows, &[1, 50])?)
}

fn missing_values(stage: &Stage<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave it 600 rows with NaN, the mark of a missing value, in some of rows 0 to 199",
        expected: "an answer for every row, and no NaN in the last 100",
        mend: "pass over values that are not finite, and let none of them into a sum",
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
        Some(at) => Err(trial.fault(format!("NaN as number {at} of {}", out.len()))),
    }
}

#[cfg(test)]
mod tests;
