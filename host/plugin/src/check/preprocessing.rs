//! What preprocessors promise besides.

use super::Check;
use super::bench::Bench;
use super::fault::{Fault, Trial};

pub(super) fn checks<'a>() -> [Check<Bench<'a>>; 3] {
    [
        Check {
            name: "columns",
            promise: "the same columns come out of every instance",
            run: columns,
        },
        Check {
            name: "fit",
            promise: "fitting leaves the state that transforming leaves",
            run: fit,
        },
        Check {
            name: "labels",
            promise: "labels change nothing",
            run: labels,
        },
    ]
}

fn columns(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "opened two instances with the same columns and parameters, and restored the first one's state in the second",
        expected: "the same output columns",
        mend: "let the names that come out depend on columns, parameters and the state only",
    };
    let [mut first, mut second] = [
        trial.call(bench.preprocessor(&bench.setup.parameters))?,
        trial.call(bench.preprocessor(&bench.setup.parameters))?,
    ];
    let differ = |first: &[String], second: &[String]| {
        trial.holds(first == second, || {
            format!("{}, then {}", first.join(", "), second.join(", "))
        })
    };
    differ(first.output_columns(), second.output_columns())?;
    trial.call(first.fit(&bench.rows(2).all()))?;
    trial.call(second.restore(&trial.call(first.save())?))?;
    differ(first.output_columns(), second.output_columns())
}

fn fit(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave the same 600 rows to `fit` of one instance and to `transform` of another",
        expected: "the same saved state, bit for bit",
        mend: "let both go through the same code; the Rust SDK's `fit` does when it is left alone",
    };
    let rows = bench.rows(2).all();
    let mut fitted = trial.call(bench.preprocessor(&bench.setup.parameters))?;
    trial.call(fitted.fit(&rows))?;
    let mut transformed = trial.call(bench.preprocessor(&bench.setup.parameters))?;
    trial.call(transformed.transform(&rows))?;
    trial.same_weights(
        &trial.call(transformed.save())?,
        &trial.call(fitted.save())?,
    )
}

fn labels(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "gave the same 600 rows without labels, then with labels to a second instance",
        expected: "the same bits both times",
        mend: "do not look at labels in a preprocessor: a live stream has none",
    };
    let rows = bench.rows(2);
    let mut without = trial.call(bench.preprocessor(&bench.setup.parameters))?;
    let mut with = trial.call(bench.preprocessor(&bench.setup.parameters))?;
    let width = without.output_columns().len();
    let without = trial.call(without.transform(&rows.all()))?;
    let with = trial.call(with.transform(&rows.labelled()))?;
    trial.same_numbers(without.values(), with.values(), width)
}
