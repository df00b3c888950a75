//! A batch of rows, as plug-ins take and return it.

use super::bindings::types::BatchParam;

/// Rows of numbers; NaN is a missing value, nothing is infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
    labels: Option<Vec<f32>>,
}

/// Why numbers are no valid batch.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum BatchError {
    /// The number of values is not rows times columns.
    #[error("{rows} rows of {columns} columns need {expected} values, but there are {found}")]
    Values {
        /// Rows announced.
        rows: usize,
        /// Columns announced.
        columns: usize,
        /// Their product, `usize::MAX` when it overflows.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The number of labels is not the number of rows.
    #[error("{rows} rows need {rows} labels, but there are {found}")]
    Labels {
        /// Rows announced.
        rows: usize,
        /// Labels given.
        found: usize,
    },
    /// More rows than one call can carry.
    #[error("{0} rows are more than a call can carry")]
    #[diagnostic(help("split the batch"))]
    TooManyRows(usize),
    /// A value is infinite.
    #[error("the value in row {row}, column {column} is infinite")]
    #[diagnostic(help("a missing value is NaN"))]
    Infinite {
        /// From 0.
        row: usize,
        /// From 0.
        column: usize,
    },
}

impl Batch {
    /// Creates a batch. `values` is row-major: `rows` times `columns` numbers. `labels` has one
    /// label a row.
    ///
    /// # Errors
    /// The lengths disagree, or a value is infinite.
    pub fn new(
        rows: usize,
        columns: usize,
        values: Vec<f32>,
        labels: Option<Vec<f32>>,
    ) -> Result<Self, BatchError> {
        let expected = rows.saturating_mul(columns);
        if values.len() != expected {
            return Err(BatchError::Values {
                rows,
                columns,
                expected,
                found: values.len(),
            });
        }
        if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != rows) {
            return Err(BatchError::Labels {
                rows,
                found: labels.len(),
            });
        }
        if u32::try_from(rows).is_err() {
            return Err(BatchError::TooManyRows(rows));
        }
        if let Some(index) = first_infinite(&values) {
            return Err(BatchError::Infinite {
                row: index / columns.max(1),
                column: index % columns.max(1),
            });
        }
        Ok(Self {
            rows,
            columns,
            values,
            labels,
        })
    }

    /// Returns a batch of 0 rows.
    #[must_use]
    pub fn empty(columns: usize) -> Self {
        Self {
            rows: 0,
            columns,
            values: Vec::new(),
            labels: None,
        }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row after row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One label a row, when known: 0 is normal, 1 is an anomaly.
    #[must_use]
    pub fn labels(&self) -> Option<&[f32]> {
        self.labels.as_deref()
    }

    /// The values and the labels.
    #[must_use]
    pub fn into_parts(self) -> (Vec<f32>, Option<Vec<f32>>) {
        (self.values, self.labels)
    }

    /// Converts it to the ABI's type. It is borrowed, so that the only copy is the one into the
    /// guest's memory.
    pub(super) fn as_param(&self) -> BatchParam<'_> {
        // `new` refuses more rows than fit.
        let rows = u32::try_from(self.rows).unwrap_or(u32::MAX);
        BatchParam {
            rows,
            values: &self.values,
            labels: self.labels.as_deref(),
        }
    }
}

/// Returns the index of the first infinite value. The common case is one pass without branches.
fn first_infinite(values: &[f32]) -> Option<usize> {
    let any = values
        .iter()
        .fold(false, |found, value| found | value.is_infinite());
    if any {
        values.iter().position(|value| value.is_infinite())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_whose_lengths_disagree_cannot_be_built() {
        let cases = [
            (
                Batch::new(2, 3, vec![0.0; 5], None),
                BatchError::Values {
                    rows: 2,
                    columns: 3,
                    expected: 6,
                    found: 5,
                },
            ),
            (
                Batch::new(usize::MAX, 2, vec![], None),
                BatchError::Values {
                    rows: usize::MAX,
                    columns: 2,
                    expected: usize::MAX,
                    found: 0,
                },
            ),
            (
                Batch::new(2, 1, vec![0.0; 2], Some(vec![1.0])),
                BatchError::Labels { rows: 2, found: 1 },
            ),
            (
                Batch::new(1 << 32, 0, vec![], None),
                BatchError::TooManyRows(1 << 32),
            ),
        ];
        for (batch, expected) in cases {
            assert_eq!(batch, Err(expected));
        }
    }

    #[test]
    fn a_missing_value_is_accepted_and_an_infinite_one_is_not() {
        assert!(Batch::new(1, 2, vec![f32::NAN, 1.0], None).is_ok());
        let infinite = Batch::new(2, 2, vec![0.0, 0.0, 0.0, f32::NEG_INFINITY], None);
        assert_eq!(infinite, Err(BatchError::Infinite { row: 1, column: 1 }));
    }
}
