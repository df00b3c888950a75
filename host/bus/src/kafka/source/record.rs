//! Converts the client's records to ours.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers as _};

use super::partition::Place;
use crate::{Position, Record};

/// Records and bytes in one batch.
const RECORDS: usize = 1_000;
const BYTES: usize = 1 << 20;

/// Records for the buffer, in runs of one partition each.
#[derive(Default)]
pub(super) struct Batch {
    runs: Vec<(Place, Vec<Record>)>,
    records: usize,
    bytes: usize,
}

impl Batch {
    pub(super) fn has_room(&self) -> bool {
        self.records < RECORDS && self.bytes < BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(super) fn into_runs(self) -> Vec<(Place, Vec<Record>)> {
        self.runs
    }

    /// Adds a record if it belongs to one of `topics`.
    pub(super) fn add(&mut self, message: &BorrowedMessage<'_>, topics: &[Arc<str>]) {
        let name = message.topic();
        let Ok(index) = u32::try_from(message.partition()) else {
            return;
        };
        if !self
            .runs
            .last()
            .is_some_and(|((topic, last), _)| *last == index && **topic == *name)
        {
            let Some(topic) = topics.iter().find(|topic| ***topic == *name) else {
                return;
            };
            self.runs.push(((Arc::clone(topic), index), Vec::new()));
        }
        if let Some(((topic, _), run)) = self.runs.last_mut() {
            self.records += 1;
            self.bytes += message.payload_len() + message.key_len();
            run.push(record(topic, index, message));
        }
    }
}

/// A record as the client delivered it.
pub(in crate::kafka) fn record(
    topic: &Arc<str>,
    partition: u32,
    message: &BorrowedMessage<'_>,
) -> Record {
    let offset = u64::try_from(message.offset()).unwrap_or_default();
    let timestamp_ms = message
        .timestamp()
        .to_millis()
        .and_then(|millis| u64::try_from(millis).ok());
    Record {
        position: Position {
            topic: Arc::clone(topic),
            partition,
            offset,
        },
        timestamp_ms: timestamp_ms.unwrap_or_default(),
        key: message.key().map(Bytes::copy_from_slice),
        value: message
            .payload()
            .map(Bytes::copy_from_slice)
            .unwrap_or_default(),
        headers: headers(message),
    }
}

/// The headers before the first one whose name is not valid UTF-8: rdkafka panics there, and a
/// record must not end its reader.
fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Bytes)> {
    let Some(headers) = message.headers() else {
        return Vec::new();
    };
    let mut read = Vec::with_capacity(headers.count());
    let all = AssertUnwindSafe(|| {
        for header in headers.iter() {
            let value = header.value.map(Bytes::copy_from_slice).unwrap_or_default();
            read.push((header.key.to_owned(), value));
        }
    });
    drop(catch_unwind(all));
    read
}
