//! A message whose chunks are still arriving.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use fedhost_domain::model::Sha256Hex;

use super::{CHUNK, Chunk, FAULT, SHA256, WHOLE, Whole, header, writer};
use crate::{Position, Record};

pub(super) struct Open {
    pub(super) id: String,
    /// Chunk 0 as a record, without its value and its chunk headers.
    record: Record,
    whole: Whole,
    count: u32,
    /// The index of the next chunk.
    next: u32,
    value: BytesMut,
    /// Bytes of chunk 0.
    first: usize,
    /// When its newest chunk arrived.
    since: Instant,
    /// The end of the log when the writer's time was over. A chunk that is missing before it never
    /// arrives.
    pub(super) last_call: Option<u64>,
}

/// The result of adding a chunk.
pub(super) enum Step {
    /// More chunks are missing.
    Further,
    /// The chunk is already known: its writer did not get the acknowledgement and wrote it again.
    Repeated,
    /// Chunks before it are missing and will never arrive.
    Gap,
    /// It was the last chunk.
    Complete,
    /// The chunk or the message is not valid; with the reason.
    Damaged(String),
}

impl Open {
    pub(super) fn new(chunk: Chunk, whole: Whole, mut record: Record, now: Instant) -> Self {
        let first = std::mem::take(&mut record.value);
        record
            .headers
            .retain(|(name, _)| ![CHUNK, SHA256, WHOLE].contains(&name.as_str()));
        let Chunk { id, count, .. } = chunk;
        let bytes = usize::try_from(whole.bytes)
            .unwrap_or_default()
            .max(first.len());
        let mut value = BytesMut::with_capacity(bytes);
        value.extend_from_slice(&first);
        Self {
            id,
            record,
            whole,
            count,
            next: 1,
            value,
            first: first.len(),
            since: now,
            last_call: None,
        }
    }

    pub(super) fn writer(&self) -> &str {
        writer(&self.id)
    }

    pub(super) fn position(&self) -> &Position {
        &self.record.position
    }

    /// Number of chunks that have arrived, and number of all chunks.
    pub(super) fn progress(&self) -> (u32, u32) {
        (self.next, self.count)
    }

    /// Bytes that the message occupies or will occupy.
    pub(super) fn bytes(&self) -> usize {
        self.value.capacity()
    }

    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= self.whole.within
    }

    /// Adds a further chunk.
    pub(super) fn add(&mut self, chunk: &Chunk, value: &Bytes, now: Instant) -> Step {
        (self.since, self.last_call) = (now, None);
        if chunk.index < self.next {
            return Step::Repeated;
        }
        if chunk.index > self.next {
            return Step::Gap;
        }
        if Sha256Hex::of(value) != chunk.sha256 {
            return Step::Damaged(format!(
                "chunk {} of {} does not have its sha256",
                chunk.index, self.count
            ));
        }
        if self.value.len() + value.len() > usize::try_from(self.whole.bytes).unwrap_or_default() {
            return Step::Damaged(format!(
                "its chunks hold more than the {} bytes of all",
                self.whole.bytes
            ));
        }
        self.value.extend_from_slice(value);
        self.next += 1;
        self.check()
    }

    /// Checks whether all chunks are there and the whole matches what chunk 0 declares.
    pub(super) fn check(&self) -> Step {
        if self.next < self.count {
            return Step::Further;
        }
        let (bytes, expected) = (self.value.len(), self.whole.bytes);
        if bytes as u64 != expected {
            return Step::Damaged(format!(
                "its chunks hold {bytes} bytes, and all should be {expected}"
            ));
        }
        if Sha256Hex::of(&self.value) != self.whole.sha256 {
            return Step::Damaged("all chunks together do not have their sha256".to_owned());
        }
        Step::Complete
    }

    /// The record as it was written.
    pub(super) fn into_record(self) -> Record {
        Record {
            value: self.value.freeze(),
            ..self.record
        }
    }

    /// What exists of a record that cannot be assembled: chunk 0, and a header with the reason.
    pub(super) fn into_fault(mut self, reason: &str) -> Record {
        self.value.truncate(self.first);
        let mut record = Record {
            value: self.value.freeze(),
            ..self.record
        };
        record.headers.push(header(FAULT, reason.to_owned()));
        record
    }
}
