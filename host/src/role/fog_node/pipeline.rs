//! What a node makes of a batch of readings: decodes it, runs the rows through the engine, and keeps
//! the labelled ones in its windows.
//!
//! Calls guests, so it runs on a guest thread.

use std::collections::BTreeSet;

use fedhost_bus::Record;
use fedhost_domain::fog::window::Window;
use fedhost_domain::model::PluginId;
use fedhost_domain::reading::{Decoder, Reading, ReadingError};
use fedhost_plugin::CallError;

use crate::role::engine::{
    Engine, FailedRows, Outcome, Progress, RetryPolicy, Rows, Scores, Stopped, Work,
};
use crate::role::message::{END, END_OF_SENSOR, HELD_OUT};
use crate::role::sequence::Seen;

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
}

/// Labelled rows, as models see them.
#[derive(Debug)]
pub(super) struct Windows {
    pub(super) training: Window,
    pub(super) held_out: Window,
}

/// Capacities of the windows, in rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) training: usize,
    pub(super) held_out: usize,
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
    pub(super) reading: Reading,
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
            match self.decoder.decode(&record.value, rows.values_mut()) {
                Ok(reading) => {
                    rows.push(&reading.sensor, readings.len());
                    readings.push(DecodedReading {
                        record: index,
                        reading,
                        held_out: record.header(HELD_OUT).is_some(),
                    });
                }
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

    /// Returns how many rows the training window gained.
    fn keep(&mut self, readings: &[DecodedReading], outcome: &Outcome) -> u64 {
        let width = self.engine.features().len();
        if width == 0 {
            return 0;
        }
        let sizes = self.sizes;
        let windows = self.windows.get_or_insert_with(|| Windows {
            training: Window::new(width, sizes.training),
            held_out: Window::new(width, sizes.held_out),
        });
        let mut labelled = 0;
        let prepared = &outcome.prepared;
        for (id, features) in prepared.ids.iter().zip(prepared.values.chunks_exact(width)) {
            let Some(row) = readings.get(*id) else {
                continue;
            };
            match (row.reading.label, row.held_out) {
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
        detail: error.to_string(),
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
