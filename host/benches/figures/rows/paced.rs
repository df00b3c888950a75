//! Readings at a steady pace, and the time until each one's score can be read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fedhost_base::clock;
use fedhost_bus::{Bus, NewRecord, Source, Write};
use serde_json::{Value, json};

/// Of each kind.
pub(crate) const READINGS: usize = 1_000;
/// Between a reading and one of the baseline's: 100 of each a second.
pub(crate) const PACE: Duration = Duration::from_millis(5);
const TRAINING_ROWS: i64 = 400;
/// How long anything may take that a figure waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where readings go.
pub(crate) struct Readings {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) topic: Arc<str>,
}

/// Numbered by its timestamp.
pub(crate) fn reading(number: i64, label: Option<bool>) -> Value {
    let anomalous = if number % 10 == 0 { 3.0 } else { 0.0 };
    let mut reading = json!({ "timestamp": number, "node": 1, "sensor": "pump" });
    for column in 0..8 {
        reading[format!("x{column}")] = json!(anomalous + f64::from(column) / 8.0);
    }
    if let Some(label) = label {
        reading["anomaly"] = json!(u8::from(label));
    }
    reading
}

/// A record without a key.
pub(crate) fn record(topic: &Arc<str>, value: Bytes) -> NewRecord {
    NewRecord {
        topic: Arc::clone(topic),
        partition: None,
        timestamp_ms: clock::now_ms(),
        key: None,
        value,
        headers: Vec::new(),
    }
}

impl Readings {
    fn write(&self, readings: Vec<Value>) -> impl Future<Output = ()> + 'static {
        let (bus, topic) = (Arc::clone(&self.bus), Arc::clone(&self.topic));
        async move {
            let records = readings
                .into_iter()
                .map(|reading| record(&topic, reading.to_string().into()))
                .collect();
            let write = Write {
                records,
                ..Write::default()
            };
            bus.write(write).await.unwrap();
        }
    }

    /// Gives the node rows to learn from, until its scores are those of a learnt model.
    pub(crate) async fn teach(&self, scores: &mut dyn Source) {
        let rows = (0..TRAINING_ROWS).map(|row| reading(-1 - row, Some(row % 10 == 9)));
        self.write(rows.collect()).await;
        let begun = clock::now();
        while begun.elapsed() < PATIENCE {
            self.write(vec![reading(-1, None)]).await;
            let next = tokio::time::timeout(Duration::from_millis(200), next_scores(scores));
            if next.await.is_ok_and(|scores| !scores.is_empty()) {
                return;
            }
        }
        panic!("the node does not learn");
    }

    /// Seconds of each reading until its score was read; calls `between` half-way to the next one.
    pub(crate) async fn score_at_pace(
        &self,
        scores: Box<dyn Source>,
        between: impl Fn(),
    ) -> Vec<f64> {
        let received = tokio::spawn(receive(scores));
        let mut pace = tokio::time::interval(PACE);
        let mut sent = Vec::new();
        for number in 0..READINGS {
            pace.tick().await;
            sent.push(clock::now());
            tokio::spawn(self.write(vec![reading(number as i64, None)]));
            pace.tick().await;
            between();
        }
        let received = tokio::time::timeout(PATIENCE, received);
        seconds(&sent, &received.await.unwrap().unwrap())
    }
}

/// When the score of each reading was read.
async fn receive(mut scores: Box<dyn Source>) -> Vec<Instant> {
    let mut received = vec![None; READINGS];
    while received.iter().any(Option::is_none) {
        for number in next_scores(scores.as_mut()).await {
            let place = usize::try_from(number).ok();
            if let Some(place) = place.and_then(|number| received.get_mut(number)) {
                *place = Some(clock::now());
            }
        }
    }
    received.into_iter().map(Option::unwrap).collect()
}

/// Seconds from each instant to its counterpart.
pub(crate) fn seconds(sent: &[Instant], received: &[Instant]) -> Vec<f64> {
    sent.iter()
        .zip(received)
        .map(|(sent, received)| received.duration_since(*sent).as_secs_f64())
        .collect()
}

/// The numbers of the readings that the next scores are of, when they are those of a learnt model.
async fn next_scores(scores: &mut dyn Source) -> Vec<i64> {
    let records = scores.read(100).await.unwrap();
    let score = |value: &[u8]| {
        let message: Value = serde_json::from_slice(value).unwrap();
        (message["data"]["model_version"] != 0)
            .then(|| message["data"]["timestamp"].as_i64().unwrap())
    };
    records
        .iter()
        .filter_map(|record| score(&record.value))
        .collect()
}
