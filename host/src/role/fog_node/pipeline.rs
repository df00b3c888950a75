//! What a node makes of a batch of readings: decodes it, runs the rows through the engine, and keeps
//! the labelled ones in its windows.
//!
//! Calls guests, so it runs on a guest thread.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost_base::event::RunEvent;
use fedhost_base::hint::explain;
use fedhost_bus::Record;
use fedhost_domain::fog::window::Window;
use fedhost_domain::model::PluginId;
use fedhost_domain::reading::{Decoder, ReadingError};
use fedhost_plugin::CallError;
use serde_json::Value;

use crate::role::engine::{
    Engine, FailedRows, Outcome, Progress, RetryPolicy, Rows, Scores, Stopped, Work,
};
use crate::role::message::{END, END_OF_SENSOR, HELD_OUT};
use crate::role::sequence::{self, Seen};

/// Everything that a node's readings have made of it.
pub(super) struct Pipeline {
    pub(super) engine: Engine,
    pub(super) decoder: Decoder,
    pub(super) ended_sensors: BTreeSet<String>,
    /// Records that came already.
    pub(super) seen: Seen,
    /// Present from the first prepared row on.
    pub(super) windows: Option<Windows>,
    pub(super) sizes: Sizes,
    /// Whether rows without a label are trained on.
    pub(super) keeps_unlabelled: bool,
}

/// Rows to train and to evaluate on, as models see them.
#[derive(Debug)]
pub(super) struct Windows {
    pub(super) training: Window,
    pub(super) held_out: Window,
}

/// Capacities of the windows, in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) training: usize,
    pub(super) held_out: usize,
}

impl Sizes {
    /// Bytes of a window at the most: a plug-in decides how wide its rows are.
    const WINDOW_BYTES_MAX: usize = 256 << 20;

    /// At most as many rows of `columns` values as the memory for a window holds.
    fn fit(self, columns: usize) -> Self {
        let rows_max = Self::WINDOW_BYTES_MAX / (4 * columns.saturating_add(1));
        Self {
            training: self.training.min(rows_max),
            held_out: self.held_out.min(rows_max),
        }
    }
}

/// A batch of readings under way.
pub(super) struct Batch {
    /// An engine's row id is the index of a reading.
    readings: Vec<DecodedReading>,
    refused: Vec<Refused>,
    work: Work,
}

/// A reading beside its numbers.
pub(super) struct DecodedReading {
    /// Which record of the batch.
    pub(super) record: usize,
    pub(super) sensor: Arc<str>,
    /// As the sensor wrote it.
    pub(super) timestamp: Value,
    /// Whether the row is anomalous, when that is known.
    pub(super) label: Option<bool>,
    held_out: bool,
}

/// How far a batch has come.
pub(super) enum Processed {
    /// To its end.
    Done(Processing),
    /// To where a plug-in is needed whose circuit breaker is open.
    Paused(Batch),
}

/// What became of a batch.
pub(super) struct Processing {
    /// Readings that have a score, or that came before there was a model.
    pub(super) scored: Vec<Scored>,
    pub(super) refused: Vec<Refused>,
    /// Labelled rows added to the training window.
    pub(super) labelled: u64,
    /// One for every failed try.
    pub(super) failures: Vec<CallError>,
}

/// A row and its score.
pub(super) struct Scored {
    pub(super) reading: DecodedReading,
    /// `None` before the first global model.
    pub(super) score: Option<f32>,
    /// The global model that gave the score, 0 when there is none.
    pub(super) round: u64,
}

/// A record that could not be used.
pub(super) struct Refused {
    /// Which record of the batch.
    pub(super) record: usize,
    pub(super) stage: &'static str,
    pub(super) reason: String,
    pub(super) detail: String,
    /// What failed with it.
    pub(super) component: Option<PluginId>,
    /// How often it was tried.
    pub(super) attempts: u32,
}

impl Batch {
    /// Records that no preprocessor has handled yet.
    pub(super) fn to_preprocess(&self) -> impl Iterator<Item = usize> {
        self.records_of(self.work.to_preprocess())
    }

    /// Records that are not scored yet.
    pub(super) fn to_score(&self) -> impl Iterator<Item = usize> {
        self.records_of(self.work.to_score())
    }

    fn records_of(&self, ids: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
        ids.filter_map(|id| Some(self.readings.get(id)?.record))
    }

    /// What has failed since the last call.
    pub(super) fn take_failures(&mut self) -> Vec<CallError> {
        self.work.take_failures()
    }
}

impl Pipeline {
    /// Takes the records in order.
    ///
    /// # Errors
    /// The node is to stop. A part of the batch was taken already, so this pipeline must be
    /// dropped.
    pub(super) fn process(
        &mut self,
        records: &[Record],
        retry: &RetryPolicy,
    ) -> Result<Processed, Stopped> {
        let batch = self.decode(records);
        self.resume(batch, retry)
    }

    /// Continues with a batch, at first or after a pause.
    ///
    /// # Errors
    /// As [`Self::process`].
    pub(super) fn resume(
        &mut self,
        mut batch: Batch,
        retry: &RetryPolicy,
    ) -> Result<Processed, Stopped> {
        match self.engine.run(&mut batch.work, retry)? {
            Progress::Paused => Ok(Processed::Paused(batch)),
            Progress::Done => Ok(Processed::Done(self.finish(batch))),
        }
    }

    fn decode(&mut self, records: &[Record]) -> Batch {
        let mut rows = Rows::with_capacity(records.len());
        let mut readings = Vec::with_capacity(records.len());
        let mut refused = Vec::new();
        let mut ended_sources = Vec::new();
        if self.decoder.columns().is_empty() {
            let readings = records.iter().filter(|record| record.header(END).is_none());
            self.decoder
                .fix_columns(readings.map(|record| (&*record.value, record.key.as_deref())));
        }
        for (index, record) in records.iter().enumerate() {
            if !self.seen.is_new(record) {
                continue;
            }
            if let Some(what) = record.header(END) {
                let name = name_of(record);
                if what == END_OF_SENSOR {
                    self.ended_sensors.insert(name);
                } else {
                    ended_sources.push(name);
                }
                continue;
            }
            self.note_further_rows(record);
            let decoded =
                self.decoder
                    .decode(&record.value, record.key.as_deref(), rows.values_mut());
            match decoded {
                Ok(reading) => readings.push(DecodedReading {
                    record: index,
                    sensor: rows.push(&reading.sensor, readings.len()),
                    timestamp: reading.timestamp,
                    label: reading.label,
                    held_out: record.header(HELD_OUT).is_some(),
                }),
                Err(error) => refused.push(undecodable(index, &error)),
            }
        }
        self.engine.set_columns(self.decoder.columns());
        Batch {
            readings,
            refused,
            work: Work::new(rows, ended_sources),
        }
    }

    /// A sensor that had ended may be given more rows.
    fn note_further_rows(&mut self, record: &Record) {
        if self.ended_sensors.is_empty() {
            return;
        }
        if let Some((sensor, _)) = sequence::number_of(record) {
            self.ended_sensors.remove(sensor);
        }
    }

    /// Keeps the prepared rows, and pairs scores and failures with their readings.
    fn finish(&mut self, batch: Batch) -> Processing {
        let Batch {
            readings,
            mut refused,
            work,
        } = batch;
        let outcome = work.into_outcome();
        let labelled = self.keep(&readings, &outcome);
        for failed in &outcome.failed {
            refused.extend(refused_rows(&readings, failed));
        }
        Processing {
            scored: scored(readings, outcome.prepared.ids, outcome.scores),
            refused,
            labelled,
            failures: outcome.failures,
        }
    }

    /// Keeps rows to train and to evaluate on; returns how many rows the training window gained.
    fn keep(&mut self, readings: &[DecodedReading], outcome: &Outcome) -> u64 {
        let width = self.engine.features().len();
        if width == 0 {
            return 0;
        }
        let windows = match &mut self.windows {
            Some(windows) => windows,
            none => {
                let sizes = self.sizes.fit(width);
                if sizes != self.sizes {
                    warn_of_narrow_window(&self.engine, sizes, width);
                }
                none.insert(Windows {
                    training: Window::new(width, sizes.training),
                    held_out: Window::new(width, sizes.held_out),
                })
            }
        };
        let mut labelled = 0;
        let prepared = &outcome.prepared;
        for (id, features) in prepared.ids.iter().zip(prepared.values.chunks_exact(width)) {
            let Some(row) = readings.get(*id) else {
                continue;
            };
            match (row.label, row.held_out) {
                (None, false) if self.keeps_unlabelled => {
                    windows.training.push(features, false);
                    labelled += 1;
                }
                (None, _) => {}
                (Some(anomalous), true) => windows.held_out.push(features, anomalous),
                (Some(anomalous), false) => {
                    windows.training.push(features, anomalous);
                    labelled += 1;
                }
            }
        }
        labelled
    }
}

fn warn_of_narrow_window(engine: &Engine, sizes: Sizes, columns: usize) {
    let plugins = engine.plugins();
    plugins.announcer.announce(RunEvent::Warned {
        part: plugins.node.to_string(),
        detail: format!(
            "prepared rows have {columns} columns, so only {} labelled and {} held-out rows are kept",
            sizes.training, sizes.held_out
        ),
    });
}

/// The source or the sensor that a record without columns names.
fn name_of(record: &Record) -> String {
    record
        .key
        .as_deref()
        .map(String::from_utf8_lossy)
        .unwrap_or_default()
        .into_owned()
}

fn undecodable(record: usize, error: &ReadingError) -> Refused {
    Refused {
        record,
        stage: "decode",
        reason: error.code().to_owned(),
        detail: explain(error),
        component: None,
        attempts: 1,
    }
}

fn refused_rows(readings: &[DecodedReading], failed: &FailedRows) -> impl Iterator<Item = Refused> {
    let readings = failed.ids.iter().filter_map(|&id| readings.get(id));
    readings.map(|reading| Refused {
        record: reading.record,
        stage: failed.stage.name(),
        reason: failed.error.kind.code().to_owned(),
        detail: failed.error.to_string(),
        component: failed.component.clone(),
        attempts: failed.attempts,
    })
}

/// Readings with their scores. `ids` are in ascending order.
fn scored(readings: Vec<DecodedReading>, ids: Vec<usize>, scores: Scores) -> Vec<Scored> {
    let (round, scores) = match scores {
        Scores::Failed => return Vec::new(),
        Scores::NoModel => (0, Vec::new()),
        Scores::Scored { version, scores } => (version, scores),
    };
    let mut ids = ids.into_iter().peekable();
    let mut scores = scores.into_iter();
    let prepared = readings
        .into_iter()
        .enumerate()
        .filter_map(|(id, reading)| ids.next_if_eq(&id).map(|_| reading));
    prepared
        .map(|reading| Scored {
            reading,
            score: scores.next(),
            round,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_wide_rows_stay_within_their_memory() {
        let wanted = Sizes {
            training: 20_000,
            held_out: 2_000,
        };
        assert_eq!(wanted.fit(8), wanted);
        let narrow = wanted.fit(16_000);
        assert_eq!((narrow.training, narrow.held_out), (4_194, 2_000));
        assert!(narrow.training * 16_001 * 4 <= Sizes::WINDOW_BYTES_MAX);
        assert_eq!(wanted.fit(usize::MAX / 8).training, 0);
    }
}
