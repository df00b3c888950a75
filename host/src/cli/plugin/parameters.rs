//! Parameters and limits of a plug-in on the command line.

use fedhost_base::hint::explain;
use std::sync::Arc;

use miette::{IntoDiagnostic as _, WrapErr as _, bail, miette};

use super::super::list;
use fedhost_plugin::{Limits, Loader, Parameter, Parameters, Plugin, Value};

/// From `KEY=VALUE` each; a value that is no number and no switch is text.
pub(in crate::cli) fn parse(given: &[String]) -> Result<Parameters, miette::Report> {
    given.iter().map(|text| parse_one(text)).collect()
}

fn parse_one(text: &str) -> Result<(String, Value), miette::Report> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| miette!(help = "write KEY=VALUE", "{text:?} sets nothing"))?;
    let as_is = || Value::Text(value.to_owned());
    Ok((
        name.to_owned(),
        serde_json::from_str(value).unwrap_or_else(|_| as_is()),
    ))
}

/// All parameters of a plug-in, with its defaults for those that are not given.
pub(in crate::cli) fn complete(
    plugin: &Plugin,
    given: &Parameters,
) -> Result<Vec<Parameter>, miette::Report> {
    match plugin.check_parameters(given) {
        Ok(parameters) => Ok(parameters),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(|problem| explain(problem)).collect();
            bail!("{}: {}", plugin.id().name, problems.join("\n"))
        }
    }
}

/// The limits of a run without a manifest, changed by those that are given. Two are off, because
/// they depend on this machine or on earlier calls and not on the component: the time for
/// compiling, and quarantine.
pub(in crate::cli) fn limits(given: &[String]) -> Result<Limits, miette::Report> {
    const COMPILE_MS: u64 = 600_000;
    let base = Limits {
        compile_ms: COMPILE_MS,
        failures_in_a_row: u32::MAX,
        ..Limits::default()
    };
    let mut document: serde_json::Map<_, _> =
        serde_json::from_value(serde_json::to_value(base).into_diagnostic()?).into_diagnostic()?;
    for (name, value) in parse(given)? {
        document.insert(name, serde_json::to_value(value).into_diagnostic()?);
    }
    serde_json::from_value(document.into())
        .into_diagnostic()
        .wrap_err("--limit sets what `[plugins.limits]` of a manifest can set")
}

/// A loader under these limits.
pub(in crate::cli) fn loader(given: &[String]) -> Result<Loader, miette::Report> {
    let limits = limits(given)?;
    Ok(list::loader()?.with_limits(Arc::new(move |_| limits)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_base::hint::explain_report;

    #[test]
    fn a_value_is_a_switch_a_number_or_text() {
        let given = ["a=true", "b=7", "c=0.5", "d=both", "e=", "f=x=y"].map(str::to_owned);
        let values: Vec<Value> = parse(&given).unwrap().into_values().collect();
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            values,
            [
                Value::Boolean(true),
                Value::Integer(7),
                Value::Number(0.5),
                text("both"),
                text(""),
                text("x=y")
            ]
        );
        assert!(
            explain_report(&parse(&["rate".to_owned()]).unwrap_err())
                .contains("hint: write KEY=VALUE")
        );
    }

    #[test]
    fn limits_that_are_not_given_stay_and_unknown_ones_are_refused() {
        let given = limits(&["memory_bytes=1048576".to_owned()]).unwrap();
        assert_eq!(
            (given.memory_bytes, given.output_bytes),
            (1 << 20, Limits::default().output_bytes)
        );
        assert!(
            format!("{:#}", limits(&["memory=1".to_owned()]).unwrap_err()).contains("memory_bytes")
        );
    }
}
