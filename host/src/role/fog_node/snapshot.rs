//! A node's memory as it is stored: everything that its readings have made of it, and up to which
//! offsets.
//!
//! After a restart the node reads on from the snapshot's offsets; what it had published beyond them
//! it does not publish again. With other columns in the manifest it begins again behind them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fedhost_bus::TopicId;
use fedhost_domain::fog::window::{LabelledRows, Window};
use fedhost_domain::model::{PluginId, TensorSpec, Weights};
use fedhost_domain::reading::{Decoder, Fields};
use serde::{Deserialize, Serialize};

use super::pipeline::{Pipeline, Windows};
use super::resume::Positions;
use crate::role::engine::Saved;
use crate::role::sequence::Seen;
use fedhost_plugin::CallError;

/// When the next snapshot is due.
pub(super) struct SnapshotSchedule {
    every_rows: u64,
    rows: u64,
}

impl SnapshotSchedule {
    /// Fewer rows than this are not worth a snapshot.
    const ROWS_MIN: usize = 1_000;

    /// One each time that the rows of the training window have changed.
    pub(super) fn new(window_rows: usize) -> Self {
        Self {
            every_rows: window_rows.max(Self::ROWS_MIN) as u64,
            rows: 0,
        }
    }

    /// Counts records that were handled.
    pub(super) fn count(&mut self, rows: u64) {
        self.rows += rows;
    }

    pub(super) fn is_due(&self) -> bool {
        self.rows >= self.every_rows
    }

    /// A snapshot was taken.
    pub(super) fn reset(&mut self) {
        self.rows = 0;
    }
}

/// As it is stored, in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// Next offset to read, by partition.
    offsets: BTreeMap<u32, u64>,
    /// The topic to which the offsets belong.
    #[serde(default)]
    topic_id: Option<TopicId>,
    columns: Vec<String>,
    features: Vec<String>,
    /// Whose state that of the sources is.
    #[serde(default)]
    preprocessor: Option<PluginId>,
    sources: BTreeMap<String, State>,
    ended_sensors: BTreeSet<String>,
    #[serde(default)]
    seen: Seen,
    training: Option<StoredWindow>,
    held_out: Option<StoredWindow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    tensors: Vec<TensorSpec>,
    data: Floats,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredWindow {
    first: u64,
    values: Floats,
    labels: Floats,
}

/// 32-bit floats to the last bit, NaN too: base64 of their little-endian bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Floats(Vec<f32>);

impl From<Floats> for String {
    fn from(floats: Floats) -> Self {
        let bytes: Vec<u8> = floats
            .0
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Floats {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        let (values, rest) = bytes.as_chunks::<4>();
        if rest.is_empty() {
            Ok(Self(
                values.iter().copied().map(f32::from_le_bytes).collect(),
            ))
        } else {
            Err("cut short".into())
        }
    }
}

impl Snapshot {
    /// Asks every preprocessor for its state, which also becomes the checkpoint to begin again
    /// from.
    pub(super) fn take(pipeline: &mut Pipeline, positions: Positions) -> Result<Self, CallError> {
        let saved = pipeline.engine.save()?;
        let sources = saved.sources.iter();
        Ok(Self {
            offsets: positions.next,
            topic_id: positions.topic_id,
            columns: saved.columns,
            features: saved.features,
            preprocessor: saved.preprocessor,
            sources: sources
                .map(|(source, state)| (source.clone(), State::of(state)))
                .collect(),
            ended_sensors: pipeline.ended_sensors.clone(),
            seen: pipeline.seen.clone(),
            training: pipeline
                .windows
                .as_ref()
                .map(|windows| StoredWindow::of(&windows.training)),
            held_out: pipeline
                .windows
                .as_ref()
                .map(|windows| StoredWindow::of(&windows.held_out)),
        })
    }

    /// Up to where readings are in it.
    pub(super) fn positions(&self) -> Positions {
        Positions {
            topic_id: self.topic_id.clone(),
            next: self.offsets.clone(),
        }
    }

    /// The columns that it was taken with; none before the first reading.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Puts a fresh pipeline behind the readings of this snapshot, without what was learnt from
    /// them.
    pub(super) fn begin_again(self, pipeline: &mut Pipeline) {
        pipeline.ended_sensors = self.ended_sensors;
        pipeline.seen = self.seen;
    }

    /// Puts a fresh pipeline where this snapshot was taken. Returns for which sources another
    /// component than that of the snapshot begins again, because it cannot continue from what is
    /// stored.
    pub(super) fn restore(
        self,
        pipeline: &mut Pipeline,
        fields: Fields,
    ) -> Result<Vec<String>, String> {
        let mut sources = BTreeMap::new();
        for (source, state) in self.sources {
            let state =
                Weights::new(state.tensors, state.data.0).map_err(|error| error.to_string())?;
            sources.insert(source, state);
        }
        let width = self.features.len();
        if let (Some(training), Some(held_out)) = (self.training, self.held_out) {
            pipeline.windows = Some(Windows {
                training: training.restore(width, pipeline.sizes.training),
                held_out: held_out.restore(width, pipeline.sizes.held_out),
            });
        }
        pipeline.decoder = Decoder::new(fields, self.columns.clone());
        let saved = Saved {
            columns: self.columns,
            features: self.features,
            preprocessor: self.preprocessor,
            sources,
        };
        let anew = pipeline
            .engine
            .restore(saved)
            .map_err(|error| error.to_string())?;
        pipeline.ended_sensors = self.ended_sensors;
        pipeline.seen = self.seen;
        Ok(anew)
    }
}

impl State {
    fn of(weights: &Weights) -> Self {
        Self {
            tensors: weights.tensors().to_vec(),
            data: Floats(weights.data().to_vec()),
        }
    }
}

impl StoredWindow {
    fn of(window: &Window) -> Self {
        let LabelledRows { values, labels } = window.copy_all();
        Self {
            first: window.range().start,
            values: Floats(values),
            labels: Floats(labels),
        }
    }

    fn restore(self, width: usize, capacity: usize) -> Window {
        let rows = LabelledRows {
            values: self.values.0,
            labels: self.labels.0,
        };
        Window::restore(width, capacity, self.first, &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_survive_to_the_last_bit() {
        let values = vec![0.1, -0.0, f32::MIN_POSITIVE / 2.0, f32::NAN, f32::MAX];
        let text = String::from(Floats(values.clone()));
        let read = Floats::try_from(text).unwrap();
        let bits = |values: &[f32]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&read.0), bits(&values));
        assert!(
            Floats::try_from("AAA=".to_owned()).is_err(),
            "two bytes are no float"
        );
    }
}
