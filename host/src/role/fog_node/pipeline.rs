//! What happens to a batch of readings: decoded, preprocessed source by source, scored, kept in the
//! windows.
//!
//! Calls guests, so it runs on a guest thread. As long as no call fails, its outcome depends on the
//! records alone, never on where batches are cut. After a failed call an instance is opened anew,
//! and the same rows are tried again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fedhost_domain::fog::window::Window;
use fedhost_domain::model::{PluginId, Weights};
use fedhost_domain::reading::{Decoder, Reading};

use super::patience::{Failed, GaveUp, Patience, Stopped};
use super::plugins::Plugins;
use super::work::{Processed, Row, Stage, Work};
use crate::role::message::{END, END_OF_SENSOR, HELD_OUT};
use crate::role::sequence::Seen;
use fedhost_base::hint::with_hint;
use fedhost_bus::Record;
use fedhost_plugin::{Batch, CallError, Detector, Kind, Preprocessor};

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
    /// Records that came already.
    pub(super) seen: Seen,
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
    pub(super) detector: Option<Detector>,
}

/// What became of a batch.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) scored: Vec<Scored>,
    pub(super) refused: Vec<Refused>,
    /// Labelled rows added to the training window.
    pub(super) labelled: u64,
    /// One for every failed try.
    pub(super) failures: Vec<CallError>,
}

impl Outcome {
    fn refuse<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a Row>,
        stage: &'static str,
        component: Option<&PluginId>,
        failed: &Failed,
    ) {
        self.refused.extend(rows.map(|row| Refused {
            record: row.record,
            stage,
            reason: failed.error.kind.code().to_owned(),
            detail: failed.error.to_string(),
            component: component.cloned(),
            attempts: failed.attempts,
        }));
    }
}

/// A row and its score.
pub(super) struct Scored {
    /// Which record of the batch.
    pub(super) record: usize,
    pub(super) reading: Reading,
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

impl Pipeline {
    /// Takes the records in order.
    ///
    /// # Errors
    /// The node is to stop. A part of the batch was taken already, so nothing but dropping this
    /// pipeline is left to do.
    pub(super) fn process(
        &mut self,
        records: &[Record],
        patience: &Patience,
    ) -> Result<Processed, Stopped> {
        let work = self.begin(records);
        self.go_on(work, patience)
    }

    /// Goes on with a batch, at first or after a rest.
    ///
    /// # Errors
    /// As [`Self::process`].
    pub(super) fn go_on(
        &mut self,
        mut work: Work,
        patience: &Patience,
    ) -> Result<Processed, Stopped> {
        let halted = match work.stage {
            Stage::Preprocess => self
                .preprocess_and_keep(&mut work, patience)
                .and_then(|()| self.score(&mut work, patience)),
            Stage::Score => self.score(&mut work, patience),
        };
        match halted {
            Ok(()) => Ok(Processed::Done(work.outcome)),
            Err(Halt::Resting) => Ok(Processed::Resting(work)),
            Err(Halt::Stopped) => Err(Stopped),
        }
    }

    fn begin(&mut self, records: &[Record]) -> Work {
        let mut outcome = Outcome::default();
        let mut rows = Vec::with_capacity(records.len());
        let mut ended_sources = Vec::new();
        for (index, record) in records.iter().enumerate() {
            if !self.seen.is_new(record) {
                continue;
            }
            match self.decode(record) {
                Ok(Decoded::Row(reading)) => {
                    let held_out = record.header(HELD_OUT).is_some();
                    rows.push(Row {
                        record: index,
                        reading: *reading,
                        held_out,
                        features: Vec::new(),
                        refused: false,
                    });
                }
                Ok(Decoded::SourceEnd(source)) => ended_sources.push(source),
                Ok(Decoded::SensorEnd(sensor)) => drop(self.ended_sensors.insert(sensor)),
                Err((reason, detail)) => {
                    let (stage, component) = ("decode", None);
                    outcome.refused.push(Refused {
                        record: index,
                        stage,
                        reason,
                        detail,
                        component,
                        attempts: 1,
                    });
                }
            }
        }
        Work {
            rows,
            ended_sources,
            stage: Stage::Preprocess,
            attempts: 0,
            outcome,
        }
    }

    fn preprocess_and_keep(&mut self, work: &mut Work, patience: &Patience) -> Result<(), Halt> {
        self.preprocess(work, patience)?;
        // A source that ends has had its last row in this batch or before.
        for source in work.ended_sources.drain(..) {
            self.sources.remove(&source);
            self.checkpoints.remove(&source);
        }
        self.keep(&work.rows, &mut work.outcome);
        work.stage = Stage::Score;
        Ok(())
    }

    fn decode(&mut self, record: &Record) -> Result<Decoded, (String, String)> {
        if let Some(what) = record.header(END) {
            let name = record
                .key
                .as_deref()
                .map(String::from_utf8_lossy)
                .unwrap_or_default()
                .into_owned();
            return Ok(if what == END_OF_SENSOR {
                Decoded::SensorEnd(name)
            } else {
                Decoded::SourceEnd(name)
            });
        }
        let reading = self.decoder.decode(&record.value);
        reading
            .map(|reading| Decoded::Row(Box::new(reading)))
            .map_err(|error| (error.code().to_owned(), error.to_string()))
    }

    /// One call a source; rows that could not be preprocessed are left out.
    fn preprocess(&mut self, work: &mut Work, patience: &Patience) -> Result<(), Halt> {
        let Work {
            rows,
            attempts,
            outcome,
            ..
        } = work;
        let mut by_source: Vec<(String, Vec<usize>)> = Vec::new();
        for (index, row) in rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.features.is_empty() && !row.refused)
        {
            match by_source
                .iter_mut()
                .find(|(source, _)| *source == row.reading.sensor)
            {
                Some((_, indices)) => indices.push(index),
                None => by_source.push((row.reading.sensor.clone(), vec![index])),
            }
        }
        for (source, indices) in by_source {
            let of_source = || indices.iter().filter_map(|&index| rows.get(index));
            let values: Vec<f32> = of_source()
                .flat_map(|row| row.reading.values.iter().copied())
                .collect();
            let batch = self
                .plugins
                .batch(self.decoder.columns().len(), values, None);
            let transform = || self.transform(&source, batch.as_ref().map_err(Clone::clone)?);
            match patience.call(attempts, &mut outcome.failures, transform) {
                Ok(features) => distribute(rows, &indices, &features),
                Err(GaveUp::Stopped) => return Err(Halt::Stopped),
                Err(GaveUp::Resting) => return Err(Halt::Resting),
                Err(GaveUp::Failed(failed)) => {
                    outcome.refuse(
                        of_source(),
                        "preprocess",
                        self.plugins.preprocessor_id(),
                        &failed,
                    );
                    indices.iter().for_each(|&index| {
                        rows.get_mut(index)
                            .into_iter()
                            .for_each(|row| row.refused = true)
                    });
                }
            }
        }
        rows.retain(|row| !row.refused);
        Ok(())
    }

    /// An instance that fails is dropped; the next try opens another.
    fn transform(&mut self, source: &str, batch: &Batch) -> Result<Batch, CallError> {
        if self.plugins.lineup.preprocess.is_none() {
            if self.windows.is_none() {
                self.settle_features(self.decoder.columns().to_vec());
            }
            return Ok(batch.clone());
        }
        let mut preprocessor = match self.sources.remove(source) {
            Some(preprocessor) => preprocessor,
            None => self.open_source(source)?,
        };
        let features = preprocessor.transform(batch)?;
        self.check_width(&features)?;
        self.sources.insert(source.to_owned(), preprocessor);
        Ok(features)
    }

    fn open_source(&mut self, source: &str) -> Result<Preprocessor, CallError> {
        let checkpoint = self.checkpoints.get(source);
        let preprocessor =
            self.plugins
                .open_preprocessor(source, self.decoder.columns(), checkpoint)?;
        self.settle_features(preprocessor.output_columns().to_vec());
        Ok(preprocessor)
    }

    /// A component that took another one's place while the node was down may have other columns.
    fn check_width(&self, features: &Batch) -> Result<(), CallError> {
        let (expected, found) = (self.features.len(), features.columns());
        if found == expected {
            return Ok(());
        }
        let plugin = self
            .plugins
            .preprocessor_id()
            .map(|id| id.name.clone())
            .unwrap_or_default();
        let detail = with_hint(
            format_args!(
                "it returned rows of {found} columns, and this node has learnt from rows of {expected}"
            ),
            Some("begin a new federation with it, in another bus.directory or with other topics"),
        );
        Err(CallError {
            plugin,
            call: "preprocessor.transform",
            kind: Kind::InvalidOutput,
            detail,
        })
    }

    /// All sources have the same columns and parameters, so the first one's features are
    /// everyone's.
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
        let Some(windows) = &mut self.windows else {
            return;
        };
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

    /// Rows that cannot be scored are refused, though they stay in the windows: what is learnt does
    /// not depend on scores.
    fn score(&mut self, work: &mut Work, patience: &Patience) -> Result<(), Halt> {
        let Work {
            rows,
            attempts,
            outcome,
            ..
        } = work;
        if rows.is_empty() {
            return Ok(());
        }
        let values: Vec<f32> = rows
            .iter()
            .flat_map(|row| row.features.iter().copied())
            .collect();
        let Self {
            plugins,
            features,
            scorer,
            ..
        } = self;
        let batch = plugins.batch(features.len(), values, None);
        let score = || scorer.score(plugins, features, batch.as_ref().map_err(Clone::clone)?);
        let scores = match patience.call(attempts, &mut outcome.failures, score) {
            Ok(scores) => scores,
            Err(GaveUp::Stopped) => return Err(Halt::Stopped),
            Err(GaveUp::Resting) => return Err(Halt::Resting),
            Err(GaveUp::Failed(failed)) => {
                outcome.refuse(rows.iter(), "score", Some(plugins.model_id()), &failed);
                return Ok(());
            }
        };
        let round = scorer.global.as_ref().map_or(0, |(round, _)| *round);
        let mut scores = scores.map(Vec::into_iter);
        outcome.scored.extend(rows.drain(..).map(|row| Scored {
            record: row.record,
            reading: row.reading,
            score: scores.as_mut().and_then(Iterator::next),
            round,
        }));
        Ok(())
    }
}

/// Why a batch does not go on.
enum Halt {
    Stopped,
    Resting,
}

enum Decoded {
    Row(Box<Reading>),
    SourceEnd(String),
    SensorEnd(String),
}

fn distribute(rows: &mut [Row], indices: &[usize], features: &Batch) {
    for (&index, values) in indices
        .iter()
        .zip(features.values().chunks(features.columns().max(1)))
    {
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

    /// `None` before the first global model. A detector that fails is dropped; the next try opens
    /// another.
    fn score(
        &mut self,
        plugins: &Plugins,
        features: &[String],
        batch: &Batch,
    ) -> Result<Option<Vec<f32>>, CallError> {
        let Some((_, weights)) = &self.global else {
            return Ok(None);
        };
        let mut detector = match self.detector.take() {
            Some(detector) => detector,
            None => plugins.open_detector(features, weights)?,
        };
        let scores = detector.score(batch)?;
        self.detector = Some(detector);
        Ok(Some(scores))
    }
}
