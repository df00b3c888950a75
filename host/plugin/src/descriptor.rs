//! A plug-in's description of itself, checked before it is used.

use serde::Serialize;

use super::bindings::metadata;
use super::parameters::{Value, check_one};
use super::text::{is_name, plain};

const NAME_MAX_BYTES: usize = 64;
const VERSION_MAX_BYTES: usize = 128;
const SUMMARY_MAX_BYTES: usize = 1000;
const PARAMETERS_MAX: usize = 128;
const CHOICES_MAX: usize = 64;
const CHOICE_MAX_BYTES: usize = 256;

/// The checked result of `describe`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Descriptor {
    /// Lower-case words joined by hyphens.
    pub name: String,
    /// Semantic version.
    pub version: semver::Version,
    /// One line.
    pub summary: String,
    /// In the plug-in's order, names unique.
    pub parameters: Vec<ParameterSpec>,
}

/// A parameter that a plug-in offers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterSpec {
    /// Unique within the plug-in.
    pub name: String,
    /// One line.
    pub summary: String,
    /// The value if none is given; its type is the parameter's type.
    pub default: Value,
    /// The least number that is allowed.
    pub minimum: Option<f64>,
    /// The greatest number that is allowed.
    pub maximum: Option<f64>,
    /// The texts that are allowed; empty allows all.
    pub choices: Vec<String>,
}

/// Why a plug-in's description is invalid.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum DescriptorError {
    /// The name cannot be used in manifests and file names.
    #[error(
        "its name {0:?} is not lower-case words joined by hyphens, of at most {NAME_MAX_BYTES} bytes"
    )]
    Name(String),
    /// The version is no semantic version.
    #[error(
        "its version {0:?} is not a semantic version such as 1.0.0, of at most {VERSION_MAX_BYTES} bytes"
    )]
    Version(String),
    /// There are too many parameters.
    #[error("it offers {0} parameters, at most {PARAMETERS_MAX} are allowed")]
    TooManyParameters(usize),
    /// A parameter contradicts itself.
    #[error("its parameter {name:?} {reason}")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Descriptor {
    /// Checks every field. Texts for people are cut, and control characters removed.
    pub(super) fn new(claimed: metadata::Descriptor) -> Result<Self, DescriptorError> {
        if !is_kebab_case(&claimed.name) {
            return Err(DescriptorError::Name(plain(&claimed.name, NAME_MAX_BYTES)));
        }
        let version = Some(&claimed.version)
            .filter(|version| version.len() <= VERSION_MAX_BYTES)
            .and_then(|version| semver::Version::parse(version).ok())
            .ok_or_else(|| DescriptorError::Version(plain(&claimed.version, NAME_MAX_BYTES)))?;
        if claimed.parameters.len() > PARAMETERS_MAX {
            return Err(DescriptorError::TooManyParameters(claimed.parameters.len()));
        }
        let mut parameters: Vec<ParameterSpec> = Vec::with_capacity(claimed.parameters.len());
        for claimed in claimed.parameters {
            let spec = ParameterSpec::new(claimed)?;
            if parameters.iter().any(|earlier| earlier.name == spec.name) {
                return Err(spec.fault("is offered twice"));
            }
            parameters.push(spec);
        }
        let summary = plain(&claimed.summary, SUMMARY_MAX_BYTES);
        Ok(Self {
            name: claimed.name,
            version,
            summary,
            parameters,
        })
    }
}

impl ParameterSpec {
    fn new(claimed: metadata::ParameterSpec) -> Result<Self, DescriptorError> {
        let spec = Self {
            name: plain(&claimed.name, NAME_MAX_BYTES),
            summary: plain(&claimed.summary, SUMMARY_MAX_BYTES),
            default: claimed.default.into(),
            minimum: claimed.minimum,
            maximum: claimed.maximum,
            choices: claimed.choices,
        };
        if !is_parameter_name(&claimed.name) {
            return Err(spec.fault(
                "has a name that is not lower-case letters, digits, hyphens and underscores",
            ));
        }
        spec.check_bounds()?;
        check_one(&spec, &spec.default)
            .map_err(|problem| spec.fault(&format!("has a bad default: {problem}")))?;
        Ok(spec)
    }

    fn check_bounds(&self) -> Result<(), DescriptorError> {
        let bounds = [self.minimum, self.maximum];
        if bounds.iter().flatten().any(|bound| !bound.is_finite()) {
            return Err(self.fault("has a bound that is not finite"));
        }
        if let (Some(minimum), Some(maximum)) = (self.minimum, self.maximum)
            && minimum > maximum
        {
            return Err(self.fault(&format!(
                "has a minimum of {minimum}, above its maximum of {maximum}"
            )));
        }
        if self.default.as_number().is_none() && bounds.iter().any(Option::is_some) {
            return Err(self.fault("has bounds although it is no number"));
        }
        if !self.choices.is_empty() && !matches!(self.default, Value::Text(_)) {
            return Err(self.fault("has choices although it is no text"));
        }
        let text_is_long =
            matches!(&self.default, Value::Text(text) if text.len() > CHOICE_MAX_BYTES);
        let choices_are_bad = self
            .choices
            .iter()
            .any(|choice| !is_name(choice, CHOICE_MAX_BYTES));
        if self.choices.len() > CHOICES_MAX || text_is_long || choices_are_bad {
            return Err(self.fault(&format!(
                "has texts that are empty, too many (over {CHOICES_MAX}) or too long (over {CHOICE_MAX_BYTES} bytes)"
            )));
        }
        Ok(())
    }

    fn fault(&self, reason: &str) -> DescriptorError {
        DescriptorError::Parameter {
            name: self.name.clone(),
            reason: reason.to_owned(),
        }
    }
}

fn is_kebab_case(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.len() <= NAME_MAX_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('-').all(word)
}

fn is_parameter_name(name: &str) -> bool {
    let legal = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    name.len() <= NAME_MAX_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::super::bindings::types::ValueResult;
    use super::*;

    fn parameter(name: &str, default: ValueResult) -> metadata::ParameterSpec {
        metadata::ParameterSpec {
            name: name.into(),
            summary: "s".into(),
            default,
            minimum: None,
            maximum: None,
            choices: vec![],
        }
    }

    fn claim(
        name: &str,
        version: &str,
        parameters: Vec<metadata::ParameterSpec>,
    ) -> metadata::Descriptor {
        metadata::Descriptor {
            name: name.into(),
            version: version.into(),
            summary: "a\u{1b}b".into(),
            parameters,
        }
    }

    #[test]
    fn a_valid_description_is_accepted_without_control_characters() {
        let rate = metadata::ParameterSpec {
            minimum: Some(0.0),
            maximum: Some(1.0),
            ..parameter("learning_rate", ValueResult::Number(0.1))
        };
        let descriptor = Descriptor::new(claim("pca-t2q", "0.1.0", vec![rate])).unwrap();
        assert_eq!(descriptor.summary, "ab");
        assert_eq!(descriptor.parameters[0].default, Value::Number(0.1));
    }

    #[test]
    fn a_name_or_version_that_cannot_be_used_is_refused() {
        for name in [
            "",
            "Upper",
            "a--b",
            "-a",
            "a-",
            "1a",
            "a b",
            &"a".repeat(65),
        ] {
            let refused = Descriptor::new(claim(name, "1.0.0", vec![])).unwrap_err();
            assert!(matches!(refused, DescriptorError::Name(_)), "{name:?}");
        }
        assert!(matches!(
            Descriptor::new(claim("a", "1.0", vec![])),
            Err(DescriptorError::Version(_))
        ));
    }

    #[test]
    fn a_parameter_that_contradicts_itself_is_refused() {
        let number = || parameter("p", ValueResult::Number(0.5));
        let text = || parameter("p", ValueResult::Text("x".into()));
        let many = vec!["x".to_owned(); CHOICES_MAX + 1];
        let cases = [
            (
                metadata::ParameterSpec {
                    minimum: Some(1.0),
                    ..number()
                },
                "bad default",
            ),
            (
                metadata::ParameterSpec {
                    minimum: Some(1.0),
                    maximum: Some(0.0),
                    ..number()
                },
                "above its maximum",
            ),
            (
                metadata::ParameterSpec {
                    maximum: Some(f64::NAN),
                    ..number()
                },
                "not finite",
            ),
            (
                metadata::ParameterSpec {
                    choices: vec!["a".into()],
                    ..number()
                },
                "no text",
            ),
            (
                metadata::ParameterSpec {
                    choices: vec!["a".into()],
                    ..text()
                },
                "none of a",
            ),
            (
                metadata::ParameterSpec {
                    minimum: Some(0.0),
                    ..text()
                },
                "no number",
            ),
            (
                metadata::ParameterSpec {
                    choices: many,
                    ..text()
                },
                "too many",
            ),
            (parameter("P", ValueResult::Boolean(true)), "lower-case"),
            (parameter("p", ValueResult::Number(f64::NAN)), "bad default"),
        ];
        for (spec, reason) in cases {
            let refused = Descriptor::new(claim("a", "1.0.0", vec![spec]))
                .unwrap_err()
                .to_string();
            assert!(
                refused.contains(reason),
                "{refused:?} should say {reason:?}"
            );
        }
        let twice = vec![number(), number()];
        assert!(
            Descriptor::new(claim("a", "1.0.0", twice))
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
    }
}
