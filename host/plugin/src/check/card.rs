//! Checks the description that a component gives of itself.

use super::Check;
use super::bench::Bench;
use super::fault::{Fault, Trial};
use super::rows::Rows;
use crate::component::Plugin;
use crate::context::Context;
use crate::descriptor::{Descriptor, DescriptorError, ParameterSpec};
use crate::failure::{CallError, Kind};
use crate::loader::stem;
use crate::parameters::{Parameter, Value};

pub(super) fn checks<'a>() -> [Check<Bench<'a>>; 3] {
    [
        Check {
            name: "describe",
            promise: "its description is the same each time",
            run: describe,
        },
        Check {
            name: "file-name",
            promise: "its file has the name of the plug-in",
            run: file_name,
        },
        Check {
            name: "parameters",
            promise: "it opens at the limits of its parameters, or returns an error that says why not",
            run: limits,
        },
    ]
}

fn describe(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "asked two new instances, and the second one twice, for `describe`",
        expected: "the same answer each time",
        remedy: "make `describe` return a constant",
    };
    let first = trial.call(bench.plugin.describe(1, bench.context()))?;
    let again = trial.call(bench.plugin.describe(2, bench.context()))?;
    let known = bench.plugin.descriptor();
    first.iter().chain(&again).try_for_each(|card| match card {
        Ok(card) => trial.holds(card == known, || {
            format!("{}, then {}", summary(known), summary(card))
        }),
        Err(error) => Err(trial.fault(error.to_string())),
    })
}

fn summary(card: &Descriptor) -> String {
    format!(
        "{} {}, {:?}, {} parameters",
        card.name,
        card.version,
        card.summary,
        card.parameters.len()
    )
}

fn file_name(bench: &Bench<'_>) -> Result<(), Fault> {
    let trial = Trial {
        done: "compared the file's name with the name that `describe` gives",
        expected: "NAME.wasm, with the NAME of `describe`",
        remedy: "rename the file, or the plug-in; in Rust `env!(\"CARGO_PKG_NAME\")` keeps them alike",
    };
    let (file, name) = (stem(bench.plugin.file()), &bench.plugin.descriptor().name);
    trial.holds(file == *name, || {
        format!("the file is {file}.wasm, the plug-in {name}")
    })
}

fn limits(bench: &Bench<'_>) -> Result<(), Fault> {
    let specs = &bench.plugin.descriptor().parameters;
    for spec in specs
        .iter()
        .filter(|spec| !bench.setup.given.contains(&spec.name))
    {
        for value in extremes(spec) {
            open_with(bench, &spec.name, &value)?;
        }
    }
    Ok(())
}

/// Returns every choice of a text, both values of a switch, or both ends of a range.
fn extremes(spec: &ParameterSpec) -> Vec<Value> {
    match &spec.default {
        Value::Boolean(_) => vec![Value::Boolean(false), Value::Boolean(true)],
        Value::Text(_) => spec.choices.iter().cloned().map(Value::Text).collect(),
        Value::Number(_) => [spec.minimum, spec.maximum]
            .into_iter()
            .flatten()
            .map(Value::Number)
            .collect(),
        // Bounds are `f64`: beyond 2^53 the nearest whole number is used.
        Value::Integer(_) => [spec.minimum, spec.maximum]
            .into_iter()
            .flatten()
            .map(|end| Value::Integer(end as i64))
            .collect(),
    }
}

fn open_with(bench: &Bench<'_>, name: &str, value: &Value) -> Result<(), Fault> {
    let trial = Trial {
        done: "",
        expected: "an instance that takes the row, or an error that says what is legal",
        remedy: "narrow the parameter's range, or return invalid-parameter for values that need more than 64 MiB",
    };
    let mut parameters = bench.setup.parameters.clone();
    for parameter in parameters
        .iter_mut()
        .filter(|parameter| parameter.name == name)
    {
        parameter.value = value.clone();
    }
    match bench.one_row(&parameters) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind, Kind::Refused(_)) => Ok(()),
        Err(error) => Err(Fault {
            done: format!("opened it with {name} = {value} and gave it one row"),
            ..trial.failed(&error)
        }),
    }
}

impl Plugin {
    /// Returns the descriptions that one new instance gives when it is asked `times` times.
    fn describe(
        &self,
        times: usize,
        context: Context,
    ) -> Result<Vec<Result<Descriptor, DescriptorError>>, CallError> {
        let mut sandbox = self.sandbox(context);
        let card = sandbox.call("instantiate", |store| {
            let instance = self.pre.instantiate(&mut *store)?;
            self.exports.metadata.load(store, &instance)
        })?;
        let ask = |_| {
            Ok(Descriptor::new(
                sandbox.call("metadata.describe", |store| card.call_describe(store))?,
            ))
        };
        (0..times).map(ask).collect()
    }
}

impl Bench<'_> {
    /// Passes one row through every part of the component.
    fn one_row(&self, parameters: &[Parameter]) -> Result<(), CallError> {
        let can = self.plugin.abilities();
        let row = Rows::waves(self.columns(), 1, 3);
        if can.preprocessing {
            self.preprocessor(parameters)?.transform(&row.all())?;
        }
        if can.training {
            let mut trainer = self.trainer(parameters, self.setup.seed)?;
            trainer.train(&row.labelled(), 1)?;
        }
        if can.detection {
            self.detector(parameters)?.score(&row.all())?;
        }
        Ok(())
    }
}
