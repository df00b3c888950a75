//! Parameters of a plug-in, checked against its description before a guest gets them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::bindings::types;
use super::descriptor::{Descriptor, ParameterSpec};

/// Parameters by name, as a manifest gives them.
pub type Parameters = BTreeMap<String, Value>;

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number; also accepted where a number is expected.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// Text.
    Text(String),
}

impl Value {
    /// Returns its type for error messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
        }
    }

    /// Returns it as a number, if it is one.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "ranges are given as f64; beyond 2^53 the nearest one decides"
    )]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Boolean(_) | Self::Text(_) => None,
        }
    }

    pub(super) fn as_param(&self) -> types::ValueParam<'_> {
        match self {
            Self::Boolean(value) => types::ValueParam::Boolean(*value),
            Self::Integer(value) => types::ValueParam::Integer(*value),
            Self::Number(value) => types::ValueParam::Number(*value),
            Self::Text(value) => types::ValueParam::Text(value),
        }
    }
}

impl From<types::ValueResult> for Value {
    fn from(value: types::ValueResult) -> Self {
        match value {
            types::ValueResult::Boolean(value) => Self::Boolean(value),
            types::ValueResult::Integer(value) => Self::Integer(value),
            types::ValueResult::Number(value) => Self::Number(value),
            types::ValueResult::Text(value) => Self::Text(value),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

/// A checked parameter, or one with its default value.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value, of the right type and within its range.
    pub value: Value,
}

/// What is wrong with one parameter.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum ParameterProblem {
    /// The plug-in has no such parameter.
    #[error("parameter {name:?} is unknown")]
    #[diagnostic(help("{}", remedy(nearest.as_deref(), known)))]
    Unknown {
        /// The name that was given.
        name: String,
        /// The most similar name among the plug-in's parameters, if one is similar.
        nearest: Option<String>,
        /// All parameters of the plug-in.
        known: Vec<String>,
    },
    /// The value is of another kind than the plug-in expects.
    #[error("parameter {name:?} is {given}, which is not {expected}")]
    Kind {
        /// Which.
        name: String,
        /// The value given.
        given: Value,
        /// The expected type.
        expected: &'static str,
    },
    /// The value is out of range.
    #[error("parameter {name:?} is {given}, which is not {}", range(*.minimum, *.maximum))]
    Range {
        /// Which.
        name: String,
        /// The value given.
        given: Value,
        /// The least value that is allowed.
        minimum: Option<f64>,
        /// The greatest value that is allowed.
        maximum: Option<f64>,
    },
    /// The text is not among those that are allowed.
    #[error("parameter {name:?} is {given}, which is none of {}", choices.join(", "))]
    Choice {
        /// Which.
        name: String,
        /// The value given.
        given: Value,
        /// What is allowed.
        choices: Vec<String>,
    },
}

fn remedy(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None if known.is_empty() => "this plug-in has no parameters".to_owned(),
        None => format!("there are {}", known.join(", ")),
    }
}

fn range(minimum: Option<f64>, maximum: Option<f64>) -> String {
    match (minimum, maximum) {
        (Some(minimum), Some(maximum)) => format!("from {minimum} to {maximum}"),
        (Some(minimum), None) => format!("at least {minimum}"),
        (None, Some(maximum)) => format!("at most {maximum}"),
        (None, None) => "finite".to_owned(),
    }
}

/// Checks all parameters, and fills in defaults, in the plug-in's order.
pub(super) fn check(
    descriptor: &Descriptor,
    given: &Parameters,
) -> Result<Vec<Parameter>, Vec<ParameterProblem>> {
    let mut problems: Vec<ParameterProblem> = unknown(descriptor, given).collect();
    let mut checked = Vec::with_capacity(descriptor.parameters.len());
    for spec in &descriptor.parameters {
        match given
            .get(&spec.name)
            .map_or(Ok(spec.default.clone()), |value| check_one(spec, value))
        {
            Ok(value) => checked.push(Parameter {
                name: spec.name.clone(),
                value,
            }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(checked)
    } else {
        Err(problems)
    }
}

fn unknown(descriptor: &Descriptor, given: &Parameters) -> impl Iterator<Item = ParameterProblem> {
    let known: Vec<String> = descriptor
        .parameters
        .iter()
        .map(|spec| spec.name.clone())
        .collect();
    given
        .keys()
        .filter(move |name| !descriptor.parameters.iter().any(|spec| spec.name == **name))
        .map(move |name| {
            let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            ParameterProblem::Unknown {
                name: name.clone(),
                nearest,
                known: known.clone(),
            }
        })
}

/// The name that was probably meant.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILAR: f64 = 0.75;
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, known)| known)
}

/// Returns the value with the type that the plug-in expects, or what is wrong with it.
pub(super) fn check_one(spec: &ParameterSpec, given: &Value) -> Result<Value, ParameterProblem> {
    let name = || spec.name.clone();
    let value = match (&spec.default, given) {
        (Value::Boolean(_), Value::Boolean(_))
        | (Value::Integer(_), Value::Integer(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Text(_), Value::Text(_)) => given.clone(),
        (Value::Number(_), Value::Integer(_)) => given
            .as_number()
            .map_or_else(|| given.clone(), Value::Number),
        (expected, _) => {
            return Err(ParameterProblem::Kind {
                name: name(),
                given: given.clone(),
                expected: expected.kind(),
            });
        }
    };
    if let Some(number) = value.as_number() {
        let data = spec.minimum.is_none_or(|minimum| number >= minimum)
            && spec.maximum.is_none_or(|maximum| number <= maximum)
            && number.is_finite();
        if !data {
            let (minimum, maximum) = (spec.minimum, spec.maximum);
            return Err(ParameterProblem::Range {
                name: name(),
                given: value,
                minimum,
                maximum,
            });
        }
    }
    match &value {
        Value::Text(text) if !spec.choices.is_empty() && !spec.choices.contains(text) => {
            Err(ParameterProblem::Choice {
                name: name(),
                given: value,
                choices: spec.choices.clone(),
            })
        }
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, default: Value) -> ParameterSpec {
        ParameterSpec {
            name: name.into(),
            summary: String::new(),
            default,
            minimum: None,
            maximum: None,
            choices: vec![],
        }
    }

    fn descriptor() -> Descriptor {
        let rate = ParameterSpec {
            minimum: Some(0.0),
            maximum: Some(1.0),
            ..spec("learning-rate", Value::Number(0.1))
        };
        let window = ParameterSpec {
            minimum: Some(1.0),
            ..spec("window", Value::Integer(200))
        };
        let choices = vec!["mean".to_owned(), "median".to_owned()];
        let centre = ParameterSpec {
            choices,
            ..spec("centre", Value::Text("mean".into()))
        };
        let parameters = vec![rate, window, centre, spec("robust", Value::Boolean(false))];
        Descriptor {
            name: "p".into(),
            version: semver::Version::new(0, 1, 0),
            summary: String::new(),
            parameters,
        }
    }

    fn given(pairs: &[(&str, Value)]) -> Parameters {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn defaults_fill_what_is_not_given_in_the_plugins_order() {
        let checked = check(&descriptor(), &given(&[("window", Value::Integer(5))])).unwrap();
        let values: Vec<String> = checked
            .iter()
            .map(|it| format!("{}={}", it.name, it.value))
            .collect();
        assert_eq!(
            values,
            [
                "learning-rate=0.1",
                "window=5",
                "centre=\"mean\"",
                "robust=false"
            ]
        );
    }

    #[test]
    fn a_whole_number_is_accepted_as_a_number_but_not_the_reverse() {
        let checked = check(
            &descriptor(),
            &given(&[("learning-rate", Value::Integer(1))]),
        )
        .unwrap();
        assert_eq!(checked[0].value, Value::Number(1.0));
        assert!(check(&descriptor(), &given(&[("window", Value::Number(5.0))])).is_err());
    }

    #[test]
    fn all_problems_are_returned_together_with_hints() {
        let problems = check(
            &descriptor(),
            &given(&[
                ("learning_rate", Value::Number(0.5)),
                ("centre", Value::Text("mode".into())),
                ("robust", Value::Integer(1)),
                ("window", Value::Integer(0)),
            ]),
        )
        .unwrap_err();
        let words: Vec<String> = problems
            .iter()
            .map(|problem| fedhost_base::hint::explain(problem))
            .collect();
        assert_eq!(
            words,
            [
                "parameter \"learning_rate\" is unknown\nhint: did you mean \"learning-rate\"?",
                "parameter \"window\" is 0, which is not at least 1",
                "parameter \"centre\" is \"mode\", which is none of mean, median",
                "parameter \"robust\" is 1, which is not true or false",
            ]
        );
    }

    #[test]
    fn nan_is_in_no_range() {
        assert!(
            check(
                &descriptor(),
                &given(&[("learning-rate", Value::Number(f64::NAN))])
            )
            .is_err()
        );
    }
}
