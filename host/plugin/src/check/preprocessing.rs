//! Promises of preprocessors beyond those of [`super::stream`].

use super::Check;
use super::bench::Bench;
use super::fault::{Fault, Trial};

pub(super) fn checks<'a>() -> [Check<Bench<'a>>; 3] {
    [
        Check {
            name: "columns",
            promise: "every instance returns the same columns",
            run: columns,
        },
        Check {
            name: "fit",
            promise: "`fit` and `transform` lead to the same state",
            run: fit,
        },
        Check {
            name: "labels",
            promise: "labels do not change the result",
            run: labels,
        },
    ]
}

fn columns(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "opened two instances with the same columns and parameters, and restored the first one's state in the second",
        expected: "the same output columns",
        remedy: "make the output columns depend on columns, parameters and state only",
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
        remedy: "use the same code for both; the default `fit` of the Rust SDK does",
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
        remedy: "do not read labels in a preprocessor: a live stream has none",
    };
    let rows = bench.rows(2);
    let mut without = trial.call(bench.preprocessor(&bench.setup.parameters))?;
    let mut with = trial.call(bench.preprocessor(&bench.setup.parameters))?;
    let width = without.output_columns().len();
    let without = trial.call(without.transform(&rows.all()))?;
    let with = trial.call(with.transform(&rows.labelled()))?;
    trial.same_numbers(without.values(), with.values(), width)
}
