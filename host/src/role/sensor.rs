//! The sensor role: puts rows on a fog node's topic, at their pace, and continues after a restart
//! where it stopped.

mod files;
pub mod rows;
pub mod simulated;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost_base::event::RunEvent;
use fedhost_domain::model::NodeId;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::message::{END_OF_SENSOR, END_OF_SOURCE, NewReading};
use super::{Context, Error, on_bus};
use fedhost_base::clock::{self, Stopwatch};
use fedhost_base::hint::hint;
use fedhost_bus::{NewRecord, Write};
use fedhost_dataset::{DatasetError, InputFile, ReadOptions};
use rows::Item;

/// Rows written together at the most.
const BATCH: usize = 500;
/// Items that are handed over together: one by one, handing over costs more than reading.
const CHUNK: usize = 100;
/// Chunks read ahead of the bus.
const CHUNKS_AHEAD: usize = 2 * BATCH / CHUNK;

/// What a sensor is given.
pub struct Service {
    /// Everyone's context.
    pub context: Context,
    /// Its name in the table of roles, such as `sensor-1-pump`.
    pub role: String,
    /// What it sends.
    pub config: SensorConfig,
    /// The topic of its fog node's readings.
    pub topic: Arc<str>,
}

/// What a sensor sends, and how fast.
#[derive(Clone, Debug)]
pub struct SensorConfig {
    /// Its name, unlike any other's.
    pub name: String,
    /// The number of the fog node that gets the rows.
    pub node: u32,
    /// Rows a second; 0 is as fast as they can be taken.
    pub rate_hz: f64,
    /// Where the rows come from.
    pub rows: RowSource,
}

/// Where a sensor's rows come from.
#[derive(Clone, Debug)]
pub enum RowSource {
    /// A simulated machine.
    Simulated(SimulatedRows),
    /// Files.
    Files(RowFiles),
}

/// Rows of a simulated machine.
#[derive(Clone, Debug)]
pub struct SimulatedRows {
    /// The same seed gives the same rows.
    pub seed: u64,
    /// Share of anomalous rows, 0 to below 1.
    pub anomaly_rate: f64,
    /// Share of rows to evaluate on, 0 to below 1.
    pub hold_out: f64,
    /// How many rows; `None` is without end.
    pub rows: Option<u64>,
}

/// Files of rows.
#[derive(Clone, Debug)]
pub struct RowFiles {
    /// To train on, in the order in which they are read.
    pub training: Vec<InputFile>,
    /// To evaluate on, read after the others.
    pub held_out: Vec<InputFile>,
    /// How they are read.
    pub options: ReadOptions,
    /// The name under which readings carry the label.
    pub label: Option<String>,
}

/// What survives a restart; written together with the rows it counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    items: u64,
    /// Records that ended the sensor; each has a number of its own.
    #[serde(default)]
    ends: u64,
    rows: u64,
    skipped: u64,
    ended: bool,
}

impl Service {
    /// Publishes rows until there are no more, or until it is stopped.
    ///
    /// # Errors
    /// The bus refused, the stored state cannot be read, or the rows would be misread.
    pub async fn run(self) -> Result<(), Error> {
        let bus = self.context.bus.as_ref();
        let stored: Option<Progress> = super::stored(bus, &self.role, &self.state_name()).await?;
        let mut progress = stored.unwrap_or_default().with_counted_end();
        self.context.started.send();
        if progress.ended && !self.has_further_rows(&progress) {
            self.announce_earlier_end(&progress);
            return Ok(());
        }
        let mut items = self.read_ahead(progress.items);
        let pace = Pace::new(self.config.rate_hz);
        let mut published = 0;
        loop {
            let due = tokio::select! {
                () = self.context.stop.cancelled() => return Ok(()),
                due = pace.wait_for(published) => due,
            };
            let batch = tokio::select! {
                () = self.context.stop.cancelled() => return Ok(()),
                batch = items.next(due) => batch,
            };
            published += batch.len() as u64;
            let over = batch.is_empty();
            let (batch, fault) = until_fault(batch);
            self.publish(&mut progress, batch, over).await?;
            if let Some(error) = fault {
                return Err(Error::Rows {
                    role: self.role.clone(),
                    hint: hint(&error),
                    error: Box::new(error),
                });
            }
            if over {
                self.announce_end(&progress);
                return Ok(());
            }
        }
    }

    fn node(&self) -> NodeId {
        NodeId::fog(self.config.node)
    }

    fn state_name(&self) -> String {
        format!("sensor/{}/{}", self.config.node, self.config.name.as_str())
    }

    /// Files are read on a thread of their own, so that a slow disk blocks no other task.
    fn read_ahead(&self, skip: u64) -> ReadAhead {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let config = self.config.clone();
        tokio::task::spawn_blocking(move || {
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            let mut items = rows::open(&config).skip(skip);
            loop {
                let chunk: VecDeque<_> = items.by_ref().take(CHUNK).collect();
                if chunk.is_empty() || sender.blocking_send(chunk).is_err() {
                    return;
                }
            }
        });
        ReadAhead {
            chunks,
            rest: VecDeque::new(),
        }
    }

    async fn publish(
        &self,
        progress: &mut Progress,
        items: Vec<Item>,
        over: bool,
    ) -> Result<(), Error> {
        let time_ms = clock::now_ms();
        let numbered = (progress.items + progress.ends..).zip(&items);
        let mut records: Vec<NewRecord> = numbered
            .filter_map(|(number, item)| self.record(item, number, time_ms))
            .collect::<Result<_, _>>()
            .map_err(|error| self.defect(&error))?;
        if over {
            let number = progress.items + progress.ends + items.len() as u64;
            let end = self
                .reading(self.config.name.as_str(), number, time_ms, None)
                .end(END_OF_SENSOR);
            records.push(end.map_err(|error| self.defect(&error))?);
        }
        progress.count(&items, over);
        let state = serde_json::to_vec(progress).map_err(|error| self.defect(&error))?;
        let state = vec![(self.state_name(), Some(Bytes::from(state)))];
        let write = Write {
            records,
            state,
            ..Write::default()
        };
        self.context
            .bus
            .write(write)
            .await
            .map_err(on_bus(&self.role))?;
        for item in items {
            self.announce_bad(item);
        }
        Ok(())
    }

    fn defect(&self, error: &serde_json::Error) -> Error {
        Error::Defect {
            role: self.role.clone(),
            reason: error.to_string(),
        }
    }

    fn record(
        &self,
        item: &Item,
        number: u64,
        time_ms: u64,
    ) -> Option<serde_json::Result<NewRecord>> {
        match item {
            Item::Row(row) => {
                let reading = self.reading(&row.sensor, number, time_ms, row.timestamp.as_deref());
                Some(reading.row(&row.fields, row.label.as_ref(), row.held_out))
            }
            Item::SourceEnd { sensor } => Some(
                self.reading(sensor, number, time_ms, None)
                    .end(END_OF_SOURCE),
            ),
            Item::Bad(_) => None,
        }
    }

    fn reading<'a>(
        &'a self,
        sensor: &'a str,
        number: u64,
        time_ms: u64,
        timestamp: Option<&'a str>,
    ) -> NewReading<'a> {
        let origin = (self.config.name.as_str(), number);
        NewReading {
            topic: &self.topic,
            node: self.config.node,
            sensor,
            time_ms,
            timestamp,
            origin,
        }
    }

    fn announce_bad(&self, item: Item) {
        if let Item::Bad(bad) = item {
            self.context.announcer.announce(RunEvent::RecordSkipped {
                source: bad.file,
                partition: 0,
                offset: bad.line,
                reason: bad.reason.to_owned(),
                detail: bad.detail,
            });
        }
    }

    /// Whether a sensor that has ended was given more rows since.
    fn has_further_rows(&self, progress: &Progress) -> bool {
        match &self.config.rows {
            RowSource::Simulated(simulated) => {
                simulated.rows.is_none_or(|rows| rows > progress.rows)
            }
            RowSource::Files(_) => false,
        }
    }

    /// A sensor that has nothing to send must not look like one that is waiting.
    fn announce_earlier_end(&self, progress: &Progress) {
        let remedy = match self.config.rows {
            RowSource::Simulated(_) => "raise `rows` for more, or give",
            RowSource::Files(_) => "give",
        };
        let detail = format!(
            "its {} rows were sent in an earlier run; {remedy} the sensor another `name` to send them again",
            progress.rows
        );
        self.context.announcer.announce(RunEvent::Warned {
            part: self.role.clone(),
            detail,
        });
    }

    fn announce_end(&self, progress: &Progress) {
        self.context.announcer.announce(RunEvent::SensorFinished {
            node: self.node(),
            sensor: self.config.name.clone(),
            rows: progress.rows,
            skipped: progress.skipped,
        });
    }
}

/// The items before a fault, and the fault.
fn until_fault(batch: Vec<Result<Item, DatasetError>>) -> (Vec<Item>, Option<DatasetError>) {
    let mut items = Vec::with_capacity(batch.len());
    for item in batch {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return (items, Some(error)),
        }
    }
    (items, None)
}

/// Items that a thread of their own reads ahead.
struct ReadAhead {
    chunks: mpsc::Receiver<VecDeque<Result<Item, DatasetError>>>,
    /// Of the chunk that was begun.
    rest: VecDeque<Result<Item, DatasetError>>,
}

impl ReadAhead {
    /// The next items, at most `max`; none when there are no more. Cancelling loses nothing.
    async fn next(&mut self, max: usize) -> Vec<Result<Item, DatasetError>> {
        if self.rest.is_empty() {
            self.rest = self.chunks.recv().await.unwrap_or_else(VecDeque::new);
        }
        while self.rest.len() < max {
            match self.chunks.try_recv() {
                Ok(chunk) => self.rest.extend(chunk),
                Err(_) => break,
            }
        }
        self.rest.drain(..max.min(self.rest.len())).collect()
    }
}

impl Progress {
    fn count(&mut self, items: &[Item], over: bool) {
        self.items += items.len() as u64;
        self.rows += items
            .iter()
            .filter(|item| matches!(item, Item::Row(_)))
            .count() as u64;
        self.skipped += items
            .iter()
            .filter(|item| matches!(item, Item::Bad(_)))
            .count() as u64;
        self.ends += u64::from(over);
        self.ended = over;
    }

    /// States of earlier versions do not count the record that ended the sensor.
    fn with_counted_end(mut self) -> Self {
        if self.ended {
            self.ends = self.ends.max(1);
        }
        self
    }
}

/// Rows a second, kept over the long run: what was missed is caught up.
struct Pace {
    rate_hz: f64,
    started: Stopwatch,
}

impl Pace {
    fn new(rate_hz: f64) -> Self {
        Self {
            rate_hz,
            started: Stopwatch::start(),
        }
    }

    /// Waits until row `published` is due; says how many may be taken by now, at least one.
    async fn wait_for(&self, published: u64) -> usize {
        if self.rate_hz <= 0.0 {
            return BATCH;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "row numbers stay far below 2^53"
        )]
        let due_at = Duration::from_secs_f64(published as f64 / self.rate_hz);
        tokio::time::sleep(due_at.saturating_sub(self.started.elapsed())).await;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let due = (self.started.elapsed().as_secs_f64() * self.rate_hz) as u64 + 1;
        usize::try_from(due.saturating_sub(published))
            .unwrap_or(BATCH)
            .clamp(1, BATCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64) -> Item {
        Item::SourceEnd {
            sensor: number.to_string(),
        }
    }

    #[tokio::test]
    async fn items_that_are_read_ahead_come_in_order_and_no_more_than_asked_for() {
        let (sender, chunks) = mpsc::channel(8);
        for first in [0, 10, 20] {
            let chunk = (first..first + 10).map(row).map(Ok).collect();
            sender.send(chunk).await.unwrap();
        }
        drop(sender);
        let mut ahead = ReadAhead {
            chunks,
            rest: VecDeque::new(),
        };
        let mut items = Vec::new();
        for (max, expected) in [(1, 1), (14, 14), (100, 15), (1, 0)] {
            let next = ahead.next(max).await;
            assert_eq!(next.len(), expected);
            items.extend(next.into_iter().map(Result::unwrap));
        }
        assert_eq!(items, (0..30).map(row).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_of_records_rise_over_an_end() {
        let mut progress = Progress::default();
        progress.count(&[row(0), row(1)], false);
        progress.count(&[], true);
        assert_eq!((progress.items, progress.ends), (2, 1));
        let earlier = br#"{"items": 2, "rows": 2, "skipped": 0, "ended": true}"#;
        let earlier: Progress = serde_json::from_slice(earlier).unwrap();
        assert_eq!(earlier.with_counted_end().ends, 1);
    }
}
