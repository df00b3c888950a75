//! Which rows are flagged: `quantile:0.999`, `value:3.5` or `best-f1`.

use std::fmt;
use std::str::FromStr;

use super::ThresholdFrom;

/// From which score on a row is flagged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// The quantile of the training scores at this level, within 0 to 1: the score below which this
    /// share of them lies.
    Quantile(f64),
    /// This score.
    Value(f32),
    /// The score that makes the best F1 of the scored rows, chosen with their labels in view.
    BestF1,
}

impl Threshold {
    /// What it is taken from.
    #[must_use]
    pub fn taken_from(self) -> ThresholdFrom {
        match self {
            Self::Quantile(_) => ThresholdFrom::TrainingScores,
            Self::Value(_) => ThresholdFrom::Given,
            Self::BestF1 => ThresholdFrom::ScoredLabels,
        }
    }
}

/// A text names no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error(
    "\"{0}\" is no threshold\nhint: write quantile:Q with Q from 0 to 1 (quantile:0.999), value:X with a number X (value:3.5), or best-f1"
)]
pub struct ThresholdError(String);

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let found = match text.split_once(':') {
            None => (text == "best-f1").then_some(Self::BestF1),
            Some(("quantile", level)) => level
                .parse()
                .ok()
                .filter(|level| (0.0..=1.0).contains(level))
                .map(Self::Quantile),
            Some(("value", value)) => value
                .parse()
                .ok()
                .filter(|value: &f32| value.is_finite())
                .map(Self::Value),
            Some(_) => None,
        };
        found.ok_or_else(|| ThresholdError(text.to_owned()))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantile(level) => write!(f, "quantile:{level}"),
            Self::Value(value) => write!(f, "value:{value}"),
            Self::BestF1 => f.write_str("best-f1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_reads_back_as_it_was_written() {
        for text in ["quantile:0.999", "quantile:0", "value:-3.5", "best-f1"] {
            assert_eq!(
                text.parse::<Threshold>()
                    .map(|threshold| threshold.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_flags_no_row_or_cannot_be_is_refused() {
        for text in [
            "",
            "best",
            "best-f1:1",
            "quantile:1.1",
            "quantile:NaN",
            "value:inf",
            "value:",
            "0.5",
            "mean:1",
        ] {
            let error = text.parse::<Threshold>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("\"{text}\" is no threshold\nhint: ")),
                "{error}"
            );
        }
    }
}
