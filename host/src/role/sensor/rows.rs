//! What a sensor has to say, whichever kind it is: a fixed sequence of items, the same each time it
//! is opened.

use std::sync::Arc;

use super::files::FileRows;
use super::simulated::{COLUMNS, SimulatedMachine};
use super::{RowSource, SensorConfig};
use fedhost_dataset::DatasetError;

/// One item of a sensor's sequence. Items are counted, so that a restarted sensor continues where it
/// stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A row.
    Row(Row),
    /// Something that should have been a row.
    Bad(BadRow),
    /// The sequence continues with rows of another source; this one is over.
    SourceEnd {
        /// The source's name.
        sensor: String,
    },
}

/// A row of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The source's name.
    pub sensor: Arc<str>,
    /// As the source gives it; `None` is now.
    pub timestamp: Option<String>,
    /// Column names and values; `None` is a missing value.
    pub fields: Vec<(Arc<str>, Option<f64>)>,
    /// The label column's name, and whether the row is anomalous.
    pub label: Option<(Arc<str>, bool)>,
    /// Set aside to evaluate on.
    pub held_out: bool,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct BadRow {
    /// The file.
    pub file: String,
    /// Its line, from 1, or its row in a file without lines, from 0.
    pub line: u64,
    /// A short stable code.
    pub reason: &'static str,
    /// The whole story.
    pub detail: String,
}

/// Opens a sensor's sequence at its beginning. Reads files while it is iterated: not for async
/// workers. An error ends it: the options do not fit a file, and its rows would be misread.
pub fn open(config: &SensorConfig) -> Box<dyn Iterator<Item = Result<Item, DatasetError>> + Send> {
    match &config.rows {
        RowSource::Simulated(sensor) => {
            let machine = SimulatedMachine::new(sensor.seed, sensor.anomaly_rate);
            let held_out = HeldOut::new(sensor.hold_out);
            let name: Arc<str> = config.name.as_str().into();
            let columns = COLUMNS.map(Arc::<str>::from);
            let label: Arc<str> = "anomaly".into();
            let rows = (0_u64..).zip(machine).map(move |(number, row)| {
                let fields = columns
                    .iter()
                    .zip(row.values)
                    .map(|(column, value)| (Arc::clone(column), Some(tidy(value))));
                Ok(Item::Row(Row {
                    sensor: Arc::clone(&name),
                    timestamp: None,
                    fields: fields.collect(),
                    label: Some((Arc::clone(&label), row.anomalous)),
                    held_out: held_out.contains(number),
                }))
            });
            match sensor.rows {
                Some(count) => Box::new(rows.take(usize::try_from(count).unwrap_or(usize::MAX))),
                None => Box::new(rows),
            }
        }
        RowSource::Files(files) => Box::new(FileRows::new(&config.name, files)),
    }
}

/// Six significant decimals: what a real transmitter would send.
fn tidy(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The last share of every stretch of rows, so that held-out rows are as new as the others and
/// still lie together.
#[derive(Clone, Copy, Debug)]
struct HeldOut {
    from: u64,
}

impl HeldOut {
    const STRETCH: u64 = 200;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "0 to 200"
    )]
    fn new(share: f64) -> Self {
        Self {
            from: Self::STRETCH - (Self::STRETCH as f64 * share).round() as u64,
        }
    }

    fn contains(self, row: u64) -> bool {
        row % Self::STRETCH >= self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_rows_make_up_their_share() {
        for (share, expected) in [(0.0, 0), (0.2, 2_000), (0.5, 5_000)] {
            let held_out = HeldOut::new(share);
            assert_eq!(
                (0..10_000).filter(|&row| held_out.contains(row)).count(),
                expected
            );
        }
    }
}
