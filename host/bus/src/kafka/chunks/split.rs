//! Splits one record into chunks.

use std::time::Duration;

use bytes::Bytes;
use fedhost_domain::model::Sha256Hex;
use uuid::Uuid;

use super::{Chunk, LARGEST_RECORD, Whole};
use crate::NewRecord;

/// Bytes that librdkafka adds for a record besides key, value and headers
/// (`RD_KAFKAP_MESSAGE_V2_MAX_OVERHEAD`), and for a header besides name and value.
pub(in crate::kafka) const RECORD_OVERHEAD: usize = 36;
const HEADER_OVERHEAD: usize = 10;

/// Smallest useful chunk, in bytes: below this, headers outweigh the content.
const SMALLEST_PIECE: usize = 128;
/// Digits of the largest index.
const INDEX_DIGITS: usize = 10;

/// Size limits of a record in the log, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) struct Limits {
    /// Limit of key and value.
    pub(in crate::kafka) content: u64,
    /// Limit of the whole record.
    pub(in crate::kafka) all: u64,
}

/// The writer of a message, and the message's id.
#[derive(Clone, Copy, Debug)]
pub(in crate::kafka) struct Origin<'a> {
    /// The writer's name in the cluster; it writes one message after another.
    pub(in crate::kafka) writer: &'a str,
    /// Unique for each message.
    pub(in crate::kafka) message: Uuid,
    /// The writer writes the message within this time, or writes the whole message again.
    pub(in crate::kafka) within: Duration,
}

impl Limits {
    /// Bytes of a value that fit next to a key and headers of these sizes; `None` if even these do
    /// not fit.
    fn room(self, key: usize, headers: usize) -> Option<usize> {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        let content = size(self.content).checked_sub(key)?;
        Some(content.min(size(self.all).checked_sub(key + headers + RECORD_OVERHEAD)?))
    }
}

/// Bytes that the headers take.
pub(in crate::kafka) fn header_bytes(headers: &[(String, Bytes)]) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + HEADER_OVERHEAD)
        .sum()
}

/// How a record is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) struct Layout {
    /// Bytes in chunk 0.
    first: usize,
    /// Bytes in each further chunk except the last.
    rest: usize,
    count: u32,
}

impl Layout {
    /// A layout in which every chunk is within the limits; `None` if the record exceeds
    /// [`LARGEST_RECORD`] or the limits leave no room for chunks. Only lengths are read.
    pub(in crate::kafka) fn of(
        record: &NewRecord,
        limits: Limits,
        origin: Origin<'_>,
    ) -> Option<Self> {
        let NewRecord {
            key,
            value,
            headers,
            ..
        } = record;
        let key_bytes = key.as_ref().map_or(0, Bytes::len);
        if (key_bytes + value.len()) as u64 > LARGEST_RECORD {
            return None;
        }
        // All digests have the same length; the largest possible numbers are assumed.
        let digest = Sha256Hex::of(b"");
        let longest = Chunk {
            index: u32::MAX,
            count: u32::MAX,
            ..first(value.len(), digest, origin)
        };
        let first = limits.room(
            key_bytes,
            header_bytes(headers) + header_bytes(&longest.headers()),
        )?;
        let longest = Chunk {
            whole: None,
            ..longest
        };
        let rest = limits.room(
            key_bytes + 1 + INDEX_DIGITS,
            header_bytes(&longest.headers()),
        )?;
        if rest < SMALLEST_PIECE {
            return None;
        }
        let further = value.len().saturating_sub(first).div_ceil(rest);
        Some(Self {
            first,
            rest,
            count: u32::try_from(further + 1).ok()?,
        })
    }

    fn piece(self, value: &Bytes, index: u32) -> Bytes {
        let begin = |index: u32| match index.checked_sub(1) {
            None => 0,
            Some(before) => value.len().min(self.first + before as usize * self.rest),
        };
        value.slice(begin(index)..begin(index + 1))
    }
}

/// The chunks of a record. No byte is copied; each byte is hashed twice.
pub(in crate::kafka) fn split(
    record: &NewRecord,
    layout: Layout,
    origin: Origin<'_>,
) -> Vec<NewRecord> {
    let chunk = first(record.value.len(), Sha256Hex::of(&record.value), origin);
    let count = layout.count;
    let part = |index| {
        part(
            record,
            &Chunk {
                index,
                count,
                ..chunk.clone()
            },
            layout.piece(&record.value, index),
        )
    };
    (0..count).map(part).collect()
}

/// Chunk 0, as if it were the only chunk.
fn first(
    bytes: usize,
    sha256: Sha256Hex,
    Origin {
        writer,
        message,
        within,
    }: Origin<'_>,
) -> Chunk {
    let whole = Whole {
        bytes: bytes as u64,
        sha256: sha256.clone(),
        within,
    };
    Chunk {
        id: format!("{writer}:{message}"),
        index: 0,
        count: 1,
        sha256,
        whole: Some(whole),
    }
}

fn part(record: &NewRecord, chunk: &Chunk, value: Bytes) -> NewRecord {
    let chunk = Chunk {
        sha256: Sha256Hex::of(&value),
        ..chunk.clone()
    };
    if chunk.index == 0 {
        let headers = record
            .headers
            .iter()
            .cloned()
            .chain(chunk.headers())
            .collect();
        return NewRecord {
            value,
            headers,
            ..record.clone()
        };
    }
    let key = record.key.as_ref().map(|key| {
        [key, format!("#{}", chunk.index).as_bytes()]
            .concat()
            .into()
    });
    let headers = Chunk {
        whole: None,
        ..chunk
    }
    .headers();
    NewRecord {
        key,
        value,
        headers,
        ..record.clone()
    }
}
