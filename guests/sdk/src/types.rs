//! Values of arguments and results as plain Rust types, the same natively and in a component.
//!
//! Field for field these are the records of interface `types` in `wit/plugin.wit`; the generated
//! bindings use them as they are, so a `Vec<f32>` moves in and out without a copy.

use crate::Result;

/// Where one named tensor lies: its elements follow the previous tensor's in [`Weights::data`],
/// row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Unique within one [`Weights`], not empty.
    pub name: String,
    /// Extents, outermost first; an empty shape is one scalar.
    pub shape: Vec<u32>,
}

/// A model's parameters, or a preprocessor's state: named tensors, end to end in one list of finite
/// numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// What lies in `data`, in order, without gaps.
    pub tensors: Vec<TensorSpec>,
    /// All elements of all tensors.
    pub data: Vec<f32>,
}

/// Consecutive observations of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// How many observations there are; none is allowed.
    pub rows: u32,
    /// `rows` times the number of columns, row-major; a NaN is a missing value.
    pub values: Vec<f32>,
    /// One a row when known: 0 normal, 1 anomalous.
    pub labels: Option<Vec<f32>>,
}

impl Batch {
    /// A batch of whole rows; what is left after the last whole row is kept in `values` and refused
    /// by [`check`](Self::check).
    ///
    /// ```
    /// let batch = fedhost_guest::Batch::new(2, vec![1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(batch.rows, 2);
    /// ```
    #[must_use]
    pub fn new(columns: usize, values: Vec<f32>) -> Self {
        let rows = values.len().checked_div(columns).unwrap_or(0);
        Self {
            rows: u32::try_from(rows).unwrap_or(u32::MAX),
            values,
            labels: None,
        }
    }

    /// The same rows with a label each.
    #[must_use]
    pub fn with_labels(mut self, labels: Vec<f32>) -> Self {
        self.labels = Some(labels);
        self
    }

    /// Values a row; 1 when there are no rows, so that it can be a step or a chunk length.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.values
            .len()
            .checked_div(self.rows as usize)
            .unwrap_or(1)
            .max(1)
    }

    /// Whether the lists are as long as `rows` and `columns` call for.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] with what was expected and what was found.
    pub fn check(&self, columns: usize) -> Result<()> {
        let rows = self.rows as usize;
        if rows.checked_mul(columns) != Some(self.values.len()) {
            let found = self.values.len();
            return Err(Error::InvalidInput(format!(
                "{rows} rows of {columns} columns came with {found} values"
            )));
        }
        match &self.labels {
            Some(labels) if labels.len() != rows => Err(Error::InvalidInput(format!(
                "{rows} rows came with {} labels",
                labels.len()
            ))),
            _ => Ok(()),
        }
    }
}

/// A named metric, such as `accuracy`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// In lower case, words joined by underscores, the unit last.
    pub name: String,
    /// Its value.
    pub value: f64,
}

impl Metric {
    /// A metric with a name and a value.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self {
            name: name.into(),
            value,
        }
    }
}

/// A parameter's value, as a manifest gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A switch.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any finite number.
    Number(f64),
    /// Free text, or one of the declared choices.
    Text(String),
}

/// A parameter as it was given at `open`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// As declared in the descriptor.
    pub name: String,
    /// Not yet checked; see [`Parameters`](crate::Parameters).
    pub value: Value,
}

/// Why a call was refused. The instance stays as it was before the call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter is unknown, of another type or out of range.
    #[error("invalid parameter: {0}")]
    InvalidParameter(String),
    /// Columns, rows or labels are not what this plug-in can work on.
    #[error("invalid input: {0}")]
    InvalidInput(String),
    /// The weights handed to `load` or `restore` belong to another model, another shape or another
    /// version.
    #[error("invalid state: {0}")]
    InvalidState(String),
    /// Training or scoring gave a number that is not finite.
    #[error("diverged: {0}")]
    Diverged(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_as_long_as_its_rows_say() {
        let cases = [
            (
                Batch {
                    rows: 0,
                    values: vec![],
                    labels: None,
                },
                None,
            ),
            (Batch::new(2, vec![0.0; 6]).with_labels(vec![0.0; 3]), None),
            (
                Batch::new(2, vec![0.0; 5]),
                Some("2 rows of 2 columns came with 5 values"),
            ),
            (
                Batch::new(2, vec![0.0; 4]).with_labels(vec![0.0]),
                Some("2 rows came with 1 labels"),
            ),
        ];
        for (batch, complaint) in cases {
            let found = batch.check(2).err();
            assert_eq!(
                found,
                complaint.map(|text| Error::InvalidInput(text.into())),
                "{batch:?}"
            );
        }
    }
}
