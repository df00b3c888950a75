//! One record into chunks.

use std::time::Duration;

use bytes::Bytes;
use fedhost_domain::model::Sha256Hex;
use uuid::Uuid;

use super::{Chunk, LARGEST_RECORD, Whole};
use crate::NewRecord;

/// What librdkafka reckons for a record besides key, value and headers
/// (`RD_KAFKAP_MESSAGE_V2_MAX_OVERHEAD`), and for a header besides name and value.
pub(in crate::kafka) const RECORD_OVERHEAD: usize = 36;
const HEADER_OVERHEAD: usize = 10;

/// Chunks that carry less than this are not worth their headers.
const SMALLEST_PIECE: usize = 128;
/// Digits of the largest index.
const INDEX_DIGITS: usize = 10;

/// How large a record in the log may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) struct Limits {
    /// Its key and value.
    pub(in crate::kafka) content: u64,
    /// All of it.
    pub(in crate::kafka) all: u64,
}

/// Who writes a message, and what it is called.
#[derive(Clone, Copy, Debug)]
pub(in crate::kafka) struct Origin<'a> {
    /// As the cluster knows the writer: it writes one message after the other.
    pub(in crate::kafka) writer: &'a str,
    /// No other message has it.
    pub(in crate::kafka) message: Uuid,
    /// In this time it is written, or written again as a whole.
    pub(in crate::kafka) within: Duration,
}

impl Limits {
    /// Bytes of a value that fit beside a key and headers of these sizes; `None` when not even
    /// these fit.
    fn room(self, key: usize, headers: usize) -> Option<usize> {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        let content = size(self.content).checked_sub(key)?;
        Some(content.min(size(self.all).checked_sub(key + headers + RECORD_OVERHEAD)?))
    }
}

/// Bytes that headers take.
pub(in crate::kafka) fn header_bytes(headers: &[(String, Bytes)]) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + HEADER_OVERHEAD)
        .sum()
}

/// How a record is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) struct Layout {
    /// Bytes in chunk 0.
    first: usize,
    /// Bytes in each of the others, but for the last.
    rest: usize,
    count: u32,
}

impl Layout {
    /// Chunks that are each within the limits; `None` when the record is over [`LARGEST_RECORD`],
    /// or the limits leave no room for chunks. Looks at lengths only.
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
        // All digests are equally long, and room is reckoned with the longest numbers that there
        // are.
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

/// The chunks of a record. No byte is copied, and each is hashed twice.
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

/// The first chunk, as if there were no other.
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
