//! Rows of numbers from several sources, as one row-major matrix.

use std::sync::Arc;

/// Rows on their way into the engine. A row's id means something to the caller only.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Row after row; NaN is a missing value.
    pub(super) values: Vec<f32>,
    /// One a row.
    pub(super) ids: Vec<usize>,
    /// The distinct sources in the order of their first rows, each with its rows.
    pub(super) sources: Vec<(Arc<str>, Vec<usize>)>,
    /// The source of the newest row.
    newest: usize,
}

impl Rows {
    /// No rows, with room for some.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            ids: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    /// The matrix, to which the values of the next row are appended before [`Self::push`].
    pub(crate) fn values_mut(&mut self) -> &mut Vec<f32> {
        &mut self.values
    }

    /// Adds a row whose values are in the matrix already. Returns its source's shared name.
    pub(crate) fn push(&mut self, source: &str, id: usize) -> Arc<str> {
        let row = self.ids.len();
        self.ids.push(id);
        let is_newest = self
            .sources
            .get(self.newest)
            .is_some_and(|(name, _)| **name == *source);
        if !is_newest {
            let known = self.sources.iter().position(|(name, _)| **name == *source);
            self.newest = known.unwrap_or(self.sources.len());
        }
        match self.sources.get_mut(self.newest) {
            Some((name, rows)) => {
                rows.push(row);
                Arc::clone(name)
            }
            None => {
                let name: Arc<str> = source.into();
                self.sources.push((Arc::clone(&name), vec![row]));
                name
            }
        }
    }
}
