//! The parameters of one instance, checked against what the descriptor declares.

use crate::descriptor::Kind;
use crate::{Error, Parameter, ParameterSpec, Result, Setting, Value};

/// Checked parameters. Reading one that was not given gives its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    given: Vec<Parameter>,
}

impl Parameters {
    /// Checks names, types, ranges and choices. A whole number may stand for a [`Value::Number`],
    /// and a number without a fraction for a [`Value::Integer`]: manifests and JSON do not
    /// distinguish them.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] naming the parameter and what is legal.
    pub fn check(declared: &[ParameterSpec], given: Vec<Parameter>) -> Result<Self> {
        let mut checked: Vec<Parameter> = Vec::with_capacity(given.len());
        for Parameter { name, value } in given {
            let Some(spec) = declared.iter().find(|spec| spec.name == name) else {
                return Err(Error::InvalidParameter(unknown(&name, declared)));
            };
            if checked.iter().any(|other| other.name == name) {
                return Err(Error::InvalidParameter(format!("{name:?} is given twice")));
            }
            let value = accept(spec, value)?;
            checked.push(Parameter { name, value });
        }
        Ok(Self { given: checked })
    }

    /// The value given for a setting, or its default.
    #[must_use]
    pub fn get<'a, T: Kind + 'a>(&'a self, setting: &Setting<T>) -> T::Read<'a> {
        let given = self
            .given
            .iter()
            .find(|parameter| parameter.name == setting.name);
        given
            .and_then(|parameter| T::read(&parameter.value))
            .unwrap_or_else(|| setting.default.into_read())
    }
}

fn accept(spec: &ParameterSpec, value: Value) -> Result<Value> {
    let value = match (&spec.default, value) {
        (Value::Number(_), Value::Integer(whole)) => Value::Number(whole as f64),
        (Value::Integer(_), Value::Number(number)) => {
            whole(number).map_or(Value::Number(number), Value::Integer)
        }
        (_, value) => value,
    };
    let legal = match (&spec.default, &value) {
        (Value::Boolean(_), Value::Boolean(_)) => true,
        (Value::Integer(_), Value::Integer(whole)) => within(spec, *whole as f64),
        (Value::Number(_), Value::Number(number)) => number.is_finite() && within(spec, *number),
        (Value::Text(_), Value::Text(text)) => {
            spec.choices.is_empty() || spec.choices.contains(text)
        }
        _ => false,
    };
    if legal {
        return Ok(value);
    }
    Err(Error::InvalidParameter(format!(
        "{:?} is {}, legal: {}",
        spec.name,
        shown(&value),
        range(spec)
    )))
}

fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = (1_u64 << 53) as f64;
    (number.fract() == 0.0 && number.abs() <= LIMIT).then_some(number as i64)
}

fn within(spec: &ParameterSpec, number: f64) -> bool {
    spec.minimum.is_none_or(|minimum| number >= minimum)
        && spec.maximum.is_none_or(|maximum| number <= maximum)
}

fn unknown(name: &str, declared: &[ParameterSpec]) -> String {
    let known: Vec<&str> = declared.iter().map(|spec| spec.name.as_str()).collect();
    let known = if known.is_empty() {
        "none".into()
    } else {
        known.join(", ")
    };
    format!("there is no {name:?}, known: {known}")
}

fn range(spec: &ParameterSpec) -> String {
    let kind = match spec.default {
        Value::Boolean(_) => return "true or false".into(),
        Value::Text(_) if spec.choices.is_empty() => return "a text".into(),
        Value::Text(_) => return spec.choices.join(", "),
        Value::Integer(_) => "a whole number",
        Value::Number(_) => "a number",
    };
    match (spec.minimum, spec.maximum) {
        (Some(minimum), Some(maximum)) => format!("{kind} from {minimum} to {maximum}"),
        (Some(minimum), None) => format!("{kind} from {minimum}"),
        (None, Some(maximum)) => format!("{kind} up to {maximum}"),
        (None, None) => kind.into(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Text(value) => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Descriptor;

    const RATE: Setting<f64> = Setting::number("rate", "step", 0.05, 1e-6..=1.0);
    const ROWS: Setting<i64> = Setting::integer("rows", "how many", 32, 1..=1024);
    const SIDE: Setting<&str> = Setting::choice("side", "which", "both", &["both", "above"]);
    const NOTE: Setting<&str> = Setting::text("note", "anything", "");
    const FAST: Setting<bool> = Setting::flag("fast", "hurry", false);

    fn open(given: &[(&str, Value)]) -> Result<Parameters> {
        let descriptor = Descriptor::new("x", "0.1.0", "a test");
        let declared = descriptor
            .with(&RATE)
            .with(&ROWS)
            .with(&SIDE)
            .with(&NOTE)
            .with(&FAST)
            .parameters;
        let given = given.iter().map(|(name, value)| Parameter {
            name: (*name).into(),
            value: value.clone(),
        });
        Parameters::check(&declared, given.collect())
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let parameters = open(&[]).unwrap();
        assert_eq!(parameters.get(&RATE), 0.05);
        assert_eq!(parameters.get(&ROWS), 32);
        assert_eq!(parameters.get(&SIDE), "both");
        assert!(!parameters.get(&FAST));
    }

    #[test]
    fn what_is_given_is_read_back() {
        let given = [
            ("rate", Value::Integer(1)),
            ("rows", Value::Number(64.0)),
            ("side", Value::Text("above".into())),
            ("note", Value::Text("free".into())),
            ("fast", Value::Boolean(true)),
        ];
        let parameters = open(&given).unwrap();
        assert_eq!(parameters.get(&RATE), 1.0);
        assert_eq!(parameters.get(&ROWS), 64);
        assert_eq!(parameters.get(&SIDE), "above");
        assert_eq!(parameters.get(&NOTE), "free");
        assert!(parameters.get(&FAST));
    }

    #[test]
    fn a_refusal_names_the_parameter_and_what_is_legal() {
        let text = |text: &str| Value::Text(text.into());
        let cases = [
            (
                "lr",
                Value::Number(0.1),
                "there is no \"lr\", known: rate, rows, side, note, fast",
            ),
            (
                "rate",
                Value::Number(7.0),
                "\"rate\" is 7, legal: a number from 0.000001 to 1",
            ),
            (
                "rate",
                Value::Number(f64::NAN),
                "\"rate\" is NaN, legal: a number from 0.000001 to 1",
            ),
            (
                "rate",
                text("fast"),
                "\"rate\" is \"fast\", legal: a number from 0.000001 to 1",
            ),
            (
                "rows",
                Value::Integer(0),
                "\"rows\" is 0, legal: a whole number from 1 to 1024",
            ),
            (
                "rows",
                Value::Number(1.5),
                "\"rows\" is 1.5, legal: a whole number from 1 to 1024",
            ),
            (
                "side",
                text("below"),
                "\"side\" is \"below\", legal: both, above",
            ),
            (
                "note",
                Value::Boolean(true),
                "\"note\" is true, legal: a text",
            ),
            (
                "fast",
                Value::Integer(1),
                "\"fast\" is 1, legal: true or false",
            ),
        ];
        for (name, value, complaint) in cases {
            assert_eq!(
                open(&[(name, value)]),
                Err(Error::InvalidParameter(complaint.into()))
            );
        }
        let twice = open(&[("rows", Value::Integer(1)), ("rows", Value::Integer(2))]);
        assert_eq!(
            twice,
            Err(Error::InvalidParameter("\"rows\" is given twice".into()))
        );
    }
}
