//! Puts originals back on their topic.
//!
//! What was replayed is stored together with the records that were put back. So a replay that was
//! interrupted resumes where it stopped, and no replay repeats another one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::marks::{Marks, state_name};
use super::reader::{Begin, Reader, ScanProgress};
use super::survey::count;
use super::{DeadLetter, DeadLetterTopic, Error, Filter, describe};
use fedhost_base::clock;
use fedhost_bus::{Bus, GroupOffset, Position, Write};

/// A record that was replayed this many times is refused: it would fail again and again.
pub const REPLAYS_MAX: u32 = 3;

const GROUP: &str = "fedhost-dlq-replay";
/// Dead-letter records in one write.
const BATCH: usize = 256;
/// With a rate there are about this many writes a second, or fewer.
const WRITES_PER_S: f64 = 10.0;

/// What to replay, and how.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Which dead-letter records.
    pub filter: Filter,
    /// Records a second; `None` for as fast as the bus takes them.
    pub rate: Option<f64>,
    /// The most records to replay.
    pub limit: Option<u64>,
    /// Changes nothing, and counts what it would do.
    pub dry_run: bool,
    /// Forgets what was replayed before, and begins at the oldest dead-letter record.
    pub again: bool,
    /// Also what was replayed [`REPLAYS_MAX`] times already.
    pub force: bool,
}

/// Why a selected dead-letter record is not replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayRefusal {
    /// It was replayed [`REPLAYS_MAX`] times already.
    ReplayedTooOften,
    /// It does not come from the topic whose dead-letter records these are, or does not name
    /// its origin.
    OfAnotherTopic,
    /// It was too large to be kept with its value.
    WithoutValue,
}

/// The result of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplaySummary {
    /// Records put back; of a dry run, those that would be.
    pub replayed: u64,
    /// The same by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Dead-letter records that were replayed earlier, of those that were read.
    pub replayed_before: u64,
    /// Dead-letter records that the filter left out, of those that were read.
    pub left_out: u64,
    /// Dead-letter records that were selected and refused.
    pub refused: BTreeMap<ReplayRefusal, u64>,
    /// It was stopped before its end.
    pub is_interrupted: bool,
}

impl Replay {
    /// Replays until there are no more dead-letter records, the limit is reached or `stop` is set;
    /// calls `progress` after each write.
    ///
    /// # Errors
    /// There is no such topic or partition, or the bus refused; what was reported to `progress` is
    /// done.
    pub async fn run(
        &self,
        bus: &Arc<dyn Bus>,
        topic: &DeadLetterTopic,
        stop: &CancellationToken,
        mut progress: impl FnMut(&ReplaySummary, ScanProgress),
    ) -> Result<ReplaySummary, Error> {
        let begin = if self.again {
            Begin::Oldest
        } else {
            Begin::Stored
        };
        let partitions = describe(bus.as_ref(), &topic.source).await?.spec.partitions;
        // Waits while another replay of the group is running.
        let mut reader = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(ReplaySummary { is_interrupted: true, ..ReplaySummary::default() }),
            reader = Reader::open(bus, &topic.name, GROUP, begin, &self.filter) => reader?,
        };
        let mut running = RunningReplay {
            replay: self,
            bus,
            topic,
            source: topic.source.as_str().into(),
            partitions,
            marks: None,
            summary: ReplaySummary::default(),
        };
        let mut pace = Pace::new(self.rate);
        loop {
            let max = running.room(pace.step());
            if max == 0 {
                break;
            }
            let dead_letters = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                dead_letters = read(&mut reader, &mut pace, max) => Some(dead_letters?),
            };
            let Some(dead_letters) = dead_letters else {
                running.summary.is_interrupted = true;
                break;
            };
            if dead_letters.is_empty() {
                break;
            }
            pace.took(running.take(dead_letters).await?);
            progress(&running.summary, reader.seen());
        }
        Ok(running.summary)
    }
}

async fn read(reader: &mut Reader, pace: &mut Pace, max: usize) -> Result<Vec<DeadLetter>, Error> {
    pace.wait().await;
    reader.next(max).await
}

/// A replay that is running.
struct RunningReplay<'a> {
    replay: &'a Replay,
    bus: &'a Arc<dyn Bus>,
    topic: &'a DeadLetterTopic,
    source: Arc<str>,
    /// Of the source.
    partitions: u32,
    /// By partition. Loaded after the first read: only then has an earlier reader of the group come
    /// to its end.
    marks: Option<BTreeMap<u32, Marks>>,
    summary: ReplaySummary,
}

impl RunningReplay<'_> {
    /// How many dead-letter records to read next, at most `step`: each of them may have to be
    /// replayed.
    fn room(&self, step: usize) -> usize {
        let left = self.replay.limit.map_or(u64::MAX, |limit| {
            limit.saturating_sub(self.summary.replayed)
        });
        usize::try_from(left).unwrap_or(usize::MAX).min(step)
    }

    /// Replays the selected dead-letter records, in one write with the marks; returns how many.
    async fn take(&mut self, dead_letters: Vec<DeadLetter>) -> Result<u64, Error> {
        let before = self.summary.replayed;
        let mut marks = match self.marks.take() {
            Some(marks) => marks,
            None => self.load_marks().await?,
        };
        let mut write = Write::default();
        for dead_letter in &dead_letters {
            let Position {
                partition, offset, ..
            } = dead_letter.0.position;
            let marks = marks.entry(partition).or_insert_with(|| Marks::new(0));
            if let Some(number) = marks.unknown(offset) {
                let name = state_name(&self.topic.name, partition, number);
                marks.learn(number, self.bus.state(&name).await?.as_ref());
            }
            if marks.is_replayed(offset) {
                self.summary.replayed_before += 1;
                marks.replayed(offset);
            } else if self.is_to_be_replayed(dead_letter) {
                write
                    .records
                    .push(dead_letter.original(&self.source, self.partitions));
                marks.replayed(offset);
            } else {
                marks.left_out();
            }
        }
        if !self.replay.dry_run {
            self.remember(&mut marks, &mut write);
            self.bus.write(write).await?;
        }
        self.marks = Some(marks);
        Ok(self.summary.replayed - before)
    }

    /// Decides, and counts.
    fn is_to_be_replayed(&mut self, dead_letter: &DeadLetter) -> bool {
        let summary = &mut self.summary;
        if !self.replay.filter.admits(dead_letter) {
            summary.left_out += 1;
            return false;
        }
        let refusal = if dead_letter.source_topic() != Some(&*self.topic.source) {
            ReplayRefusal::OfAnotherTopic
        } else if dead_letter.lacks_its_value() {
            ReplayRefusal::WithoutValue
        } else if dead_letter.replays() >= REPLAYS_MAX && !self.replay.force {
            ReplayRefusal::ReplayedTooOften
        } else {
            summary.replayed += 1;
            count(&mut summary.reasons, &dead_letter.reason());
            return true;
        };
        *summary.refused.entry(refusal).or_default() += 1;
        false
    }

    async fn load_marks(&self) -> Result<BTreeMap<u32, Marks>, Error> {
        let offsets = describe(self.bus.as_ref(), &self.topic.name).await?.offsets;
        let stored = self.bus.group_offsets(GROUP).await?;
        let stored: BTreeMap<u32, u64> = stored
            .into_iter()
            .filter(|offset| *offset.topic == *self.topic.name)
            .map(|offset| (offset.partition, offset.next))
            .collect();
        let marks = (0..).zip(offsets).map(|(partition, offsets)| {
            let mut marks = if self.replay.again && self.replay.filter.covers(partition) {
                Marks::erased(offsets)
            } else {
                Marks::new(
                    stored
                        .get(&partition)
                        .copied()
                        .unwrap_or(0)
                        .max(offsets.start),
                )
            };
            if self
                .replay
                .filter
                .first_offset()
                .is_some_and(|first| first > marks.next())
            {
                marks.left_out();
            }
            (partition, marks)
        });
        Ok(marks.collect())
    }

    fn remember(&self, marks: &mut BTreeMap<u32, Marks>, write: &mut Write) {
        let topic: Arc<str> = self.topic.name.as_str().into();
        for (&partition, marks) in marks {
            let changes = marks.changes();
            let offset = |next| GroupOffset {
                group: GROUP.to_owned(),
                topic: Arc::clone(&topic),
                partition,
                next,
                epoch: None,
            };
            write.offsets.extend(changes.next.map(offset));
            let state = |(number, bits)| (state_name(&topic, partition, number), bits);
            write.state.extend(changes.chunks.into_iter().map(state));
        }
    }
}

/// Holds a replay to its rate.
struct Pace {
    per_s: Option<f64>,
    due: std::time::Instant,
}

impl Pace {
    fn new(per_s: Option<f64>) -> Self {
        Self {
            per_s,
            due: clock::now(),
        }
    }

    /// Dead-letter records in one write.
    fn step(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 1 and BATCH"
        )]
        self.per_s.map_or(BATCH, |per_s| {
            (per_s / WRITES_PER_S).clamp(1.0, BATCH as f64) as usize
        })
    }

    async fn wait(&self) {
        tokio::time::sleep_until(self.due.into()).await;
    }

    /// `records` were written: the next ones are due later.
    fn took(&mut self, records: u64) {
        if let Some(per_s) = self.per_s {
            // Lost time is not caught up: the rate limits what readers have to take.
            self.due = self.due.max(clock::now()) + Duration::from_secs_f64(records as f64 / per_s);
        }
    }
}
