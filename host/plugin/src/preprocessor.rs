//! An open preprocessor, which turns the rows of one source, in order, into rows of other columns.

use fedhost_base::hint::explain;
use std::collections::HashSet;

use fedhost_domain::model::Weights;

use super::batch::Batch;
use super::bindings::preprocessing;
use super::bindings::types::BatchResult;
use super::component::{Opening, Plugin};
use super::conversion::{NAME_MAX_BYTES, lend, take};
use super::failure::CallError;
use super::guest::Guest;
use super::limits::size;
use super::sandbox::Usage;
use super::text::is_name;

/// One instance; sees one source's rows from their start. Calls block: make them through
/// [`super::worker::run`].
pub struct Preprocessor {
    guest: Guest<preprocessing::Guest>,
    output_columns: Vec<String>,
    columns_max: usize,
}

impl Preprocessor {
    pub(super) fn open(plugin: &Plugin, opening: Opening<'_>) -> Result<Self, CallError> {
        const CALL: &str = "preprocessor.open";
        let indices = plugin
            .exports
            .preprocessing
            .as_ref()
            .ok_or_else(|| plugin.lacks(CALL, "preprocessing"))?;
        let columns_max = size(u64::from(plugin.limits.output_columns)).max(opening.columns.len());
        let guest = Guest::open(
            plugin,
            opening,
            CALL,
            |store, instance| indices.load(store, instance),
            |exports, store, columns, parameters| {
                exports.preprocessor().call_open(store, columns, parameters)
            },
        )?;
        let mut opened = Self {
            guest,
            output_columns: Vec::new(),
            columns_max,
        };
        opened.ask_for_columns()?;
        Ok(opened)
    }

    /// Names of the columns that [`Self::transform`] returns; they may change with [`Self::fit`]
    /// and [`Self::restore`].
    #[must_use]
    pub fn output_columns(&self) -> &[String] {
        &self.output_columns
    }

    /// Learns from rows.
    ///
    /// # Errors
    /// The plug-in declines or fails.
    pub fn fit(&mut self, input: &Batch) -> Result<(), CallError> {
        const CALL: &str = "preprocessor.fit";
        self.guest.check_columns(CALL, input)?;
        let fit = |exports: &preprocessing::Guest, store: &mut _, session| {
            exports
                .preprocessor()
                .call_fit(store, session, input.as_param())
        };
        self.guest.call(CALL, fit, Ok)?;
        self.ask_for_columns()
    }

    /// Returns the rows in the output columns: the same number of rows, NaN for a missing value,
    /// labels unchanged.
    ///
    /// # Errors
    /// The plug-in declines, fails, or returns another number of rows.
    pub fn transform(&mut self, input: &Batch) -> Result<Batch, CallError> {
        const CALL: &str = "preprocessor.transform";
        self.guest.check_columns(CALL, input)?;
        let width = self.output_columns.len();
        self.guest.call(
            CALL,
            |exports, store, session| {
                exports
                    .preprocessor()
                    .call_transform(store, session, input.as_param())
            },
            |output| same_rows(input, output, width),
        )
    }

    /// Returns its state; one without state returns a tensor of shape `[0]`.
    ///
    /// # Errors
    /// The plug-in declines, fails, or returns numbers that are not finite.
    pub fn save(&mut self) -> Result<Weights, CallError> {
        const CALL: &str = "preprocessor.save";
        self.guest.call(
            CALL,
            |exports, store, session| exports.preprocessor().call_save(store, session),
            take,
        )
    }

    /// Restores a saved state.
    ///
    /// # Errors
    /// The plug-in declines or fails.
    pub fn restore(&mut self, state: &Weights) -> Result<(), CallError> {
        self.guest.call(
            "preprocessor.restore",
            |exports, store, session| {
                lend(state, |state| {
                    exports.preprocessor().call_restore(store, session, state)
                })
            },
            Ok,
        )?;
        self.ask_for_columns()
    }

    /// Returns what it has used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }

    /// Whether a failed call has ended it, so that a new one has to be opened.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.guest.is_dead()
    }

    fn ask_for_columns(&mut self) -> Result<(), CallError> {
        const CALL: &str = "preprocessor.output-columns";
        let columns_max = self.columns_max;
        self.output_columns = self.guest.call(
            CALL,
            |exports, store, session| {
                exports
                    .preprocessor()
                    .call_output_columns(store, session)
                    .map(Ok)
            },
            |columns| column_names(columns, columns_max),
        )?;
        Ok(())
    }
}

fn same_rows(input: &Batch, output: BatchResult, width: usize) -> Result<Batch, String> {
    if usize::try_from(output.rows) != Ok(input.rows()) {
        return Err(format!(
            "it returned {} rows for {}",
            output.rows,
            input.rows()
        ));
    }
    // Labels belong to the host; those that the guest returns are ignored.
    let labels = input.labels().map(<[f32]>::to_vec);
    Batch::new(input.rows(), width, output.values, labels)
        .map_err(|error| format!("it returned an invalid batch: {}", explain(&error)))
}

fn column_names(columns: Vec<String>, max: usize) -> Result<Vec<String>, String> {
    if !(1..=max).contains(&columns.len()) {
        return Err(format!(
            "it announced {} columns, 1 to {max} are allowed\nhint: raise limits.output_columns",
            columns.len()
        ));
    }
    let mut seen = HashSet::with_capacity(columns.len());
    match columns
        .iter()
        .position(|name| !is_name(name, NAME_MAX_BYTES) || !seen.insert(name))
    {
        None => Ok(columns),
        Some(index) => Err(format!(
            "the name of its column {index} is empty, too long, not printable or already taken"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_columns_is_bounded() {
        let names = |count: usize| (0..count).map(|index| format!("c{index}")).collect();
        assert!(column_names(names(3), 3).is_ok());
        let refused = column_names(names(4), 3).unwrap_err();
        assert!(refused.contains("limits.output_columns"), "{refused}");
        assert!(column_names(names(0), 3).is_err());
    }
}
