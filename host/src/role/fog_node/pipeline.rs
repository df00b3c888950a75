//! What happens to a batch of readings: decoded, preprocessed source by source, scored, kept in the windows.
//!
//! Calls guests, so it runs on a guest thread. Its outcome depends on the records alone, never on where batches are cut.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fedhost_domain::fog::window::Window;
use fedhost_domain::model::Weights;
use fedhost_domain::reading::{Decoder, Reading};

use super::plugins::Plugins;
use crate::bus::Record;
use crate::plugin::{Batch, CallError, Detector, Preprocessor};
use crate::role::message::{END, END_OF_SENSOR, HELD_OUT};

/// Everything that a node's readings have made of it.
pub(super) struct Pipeline {
    pub(super) plugins: Arc<Plugins>,
    pub(super) decoder: Decoder,
    /// Names of the values that models see; empty before the first reading.
    pub(super) features: Vec<String>,
    pub(super) sources: HashMap<String, Preprocessor>,
    /// State of preprocessors at the last snapshot, to begin again from after a failed call.
    pub(super) checkpoints: HashMap<String, Weights>,
    pub(super) ended_sensors: BTreeSet<String>,
    /// Present from the first reading on.
    pub(super) windows: Option<Windows>,
    pub(super) sizes: Sizes,
    pub(super) scorer: Scorer,
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

/// The newest global model, and a detector that has it loaded.
#[derive(Default)]
pub(super) struct Scorer {
    pub(super) global: Option<(u64, Arc<Weights>)>,
    detector: Option<Detector>,
}

/// What became of a batch.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) scored: Vec<Scored>,
    pub(super) refused: Vec<Refused>,
    /// Labelled rows added to the training window.
    pub(super) labelled: u64,
    pub(super) failures: Vec<CallError>,
}

/// A row and its score.
pub(super) struct Scored {
    /// Which record of the batch.
    pub(super) record: usize,
    pub(super) reading: Reading,
    /// `None` before the first global model, and when the detector failed.
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
}

struct Row {
    record: usize,
    reading: Reading,
    held_out: bool,
    features: Vec<f32>,
}

impl Pipeline {
    /// Takes the records in order.
    pub(super) fn process(&mut self, records: &[Record]) -> Outcome {
        let mut outcome = Outcome::default();
        let mut rows = Vec::with_capacity(records.len());
        let mut ended_sources = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match self.decode(record) {
                Ok(Decoded::Row(reading)) => {
                    let held_out = record.header(HELD_OUT).is_some();
                    rows.push(Row { record: index, reading: *reading, held_out, features: Vec::new() });
                }
                Ok(Decoded::SourceEnd(source)) => ended_sources.push(source),
                Ok(Decoded::SensorEnd(sensor)) => drop(self.ended_sensors.insert(sensor)),
                Err((reason, detail)) => {
                    outcome.refused.push(Refused { record: index, stage: "decode", reason, detail });
                }
            }
        }
        let rows = self.preprocess(rows, &mut outcome);
        // A source that ends has had its last row in this batch or before.
        for source in ended_sources {
            self.sources.remove(&source);
            self.checkpoints.remove(&source);
        }
        self.keep(&rows, &mut outcome);
        self.score(rows, &mut outcome);
        outcome
    }

    fn decode(&mut self, record: &Record) -> Result<Decoded, (String, String)> {
        if let Some(what) = record.header(END) {
            let name = record.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            return Ok(if what == END_OF_SENSOR { Decoded::SensorEnd(name) } else { Decoded::SourceEnd(name) });
        }
        let reading = self.decoder.decode(&record.value);
        reading
            .map(|reading| Decoded::Row(Box::new(reading)))
            .map_err(|error| (error.code().to_owned(), error.to_string()))
    }

    /// One call a source; the rows come back in their own order.
    fn preprocess(&mut self, mut rows: Vec<Row>, outcome: &mut Outcome) -> Vec<Row> {
        let mut by_source: Vec<(String, Vec<usize>)> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            match by_source.iter_mut().find(|(source, _)| *source == row.reading.sensor) {
                Some((_, indices)) => indices.push(index),
                None => by_source.push((row.reading.sensor.clone(), vec![index])),
            }
        }
        for (source, indices) in by_source {
            match self.transform(&source, &rows, &indices) {
                Ok(features) => distribute(&mut rows, &indices, &features),
                Err(error) => {
                    self.sources.remove(&source);
                    outcome.refused.extend(indices.iter().filter_map(|&index| rows.get(index)).map(|row| Refused {
                        record: row.record,
                        stage: "preprocess",
                        reason: error.kind.code().to_owned(),
                        detail: error.to_string(),
                    }));
                    outcome.failures.push(error);
                }
            }
        }
        rows.retain(|row| !row.features.is_empty());
        rows
    }

    fn transform(&mut self, source: &str, rows: &[Row], indices: &[usize]) -> Result<Batch, CallError> {
        let values =
            indices.iter().filter_map(|&index| rows.get(index)).flat_map(|row| row.reading.values.iter().copied());
        let batch = self.plugins.batch(self.decoder.columns().len(), values.collect(), None)?;
        if self.plugins.preprocess.is_none() {
            if self.windows.is_none() {
                self.settle_features(self.decoder.columns().to_vec());
            }
            return Ok(batch);
        }
        let preprocessor = match self.sources.remove(source) {
            Some(preprocessor) => preprocessor,
            None => self.open_source(source)?,
        };
        let preprocessor = self.sources.entry(source.to_owned()).or_insert(preprocessor);
        preprocessor.transform(&batch)
    }

    fn open_source(&mut self, source: &str) -> Result<Preprocessor, CallError> {
        let checkpoint = self.checkpoints.get(source);
        let preprocessor = self.plugins.open_preprocessor(source, self.decoder.columns(), checkpoint)?;
        self.settle_features(preprocessor.output_columns().to_vec());
        Ok(preprocessor)
    }

    /// All sources have the same columns and parameters, so the first one's features are everyone's.
    fn settle_features(&mut self, features: Vec<String>) {
        if self.features.is_empty() {
            self.features = features;
        }
        let (width, sizes) = (self.features.len(), self.sizes);
        self.windows.get_or_insert_with(|| Windows {
            training: Window::new(width, sizes.training),
            held_out: Window::new(width, sizes.held_out),
        });
    }

    fn keep(&mut self, rows: &[Row], outcome: &mut Outcome) {
        let Some(windows) = &mut self.windows else { return };
        for row in rows {
            match (row.reading.label, row.held_out) {
                (None, _) => {}
                (Some(anomalous), true) => windows.held_out.push(&row.features, anomalous),
                (Some(anomalous), false) => {
                    windows.training.push(&row.features, anomalous);
                    outcome.labelled += 1;
                }
            }
        }
    }

    fn score(&mut self, rows: Vec<Row>, outcome: &mut Outcome) {
        if rows.is_empty() {
            return;
        }
        let values = rows.iter().flat_map(|row| row.features.iter().copied()).collect();
        let scores = self.scorer.score(&self.plugins, &self.features, values).unwrap_or_else(|error| {
            outcome.failures.push(error);
            None
        });
        let round = self.scorer.global.as_ref().map_or(0, |(round, _)| *round);
        let mut scores = scores.map(Vec::into_iter);
        outcome.scored.extend(rows.into_iter().map(|row| Scored {
            record: row.record,
            reading: row.reading,
            score: scores.as_mut().and_then(Iterator::next),
            round,
        }));
    }
}

enum Decoded {
    Row(Box<Reading>),
    SourceEnd(String),
    SensorEnd(String),
}

fn distribute(rows: &mut [Row], indices: &[usize], features: &Batch) {
    for (&index, values) in indices.iter().zip(features.values().chunks(features.columns().max(1))) {
        if let Some(row) = rows.get_mut(index) {
            row.features = values.to_vec();
        }
    }
}

impl Scorer {
    /// From now on rows are scored with this global model.
    pub(super) fn renew(&mut self, round: u64, weights: Arc<Weights>) {
        self.global = Some((round, weights));
        self.detector = None;
    }

    /// `None` before the first global model. A failed detector is opened anew for the next batch.
    fn score(
        &mut self,
        plugins: &Plugins,
        features: &[String],
        values: Vec<f32>,
    ) -> Result<Option<Vec<f32>>, CallError> {
        let Some((_, weights)) = &self.global else { return Ok(None) };
        let batch = plugins.batch(features.len(), values, None)?;
        let mut detector = match self.detector.take() {
            Some(detector) => detector,
            None => plugins.open_detector(features, weights)?,
        };
        let scores = detector.score(&batch)?;
        self.detector = Some(detector);
        Ok(Some(scores))
    }
}
