//! The form in which records lie in the store: one checksummed value a batch, as Kafka does, so
//! that the store is never the bottleneck.
//!
//! ```text
//! version u8 | xxh3-64 of all that follows u64
//! base offset u64 | count u32 | newest timestamp u64 | bytes of the partition's earlier batches u64
//! count x ( timestamp u64 | key length u32 (none: 2^32-1) | value length u32 | headers u32
//!           | key | value | headers x ( name length u32 | value length u32 | name | value ) )
//! ```
//! All integers are little-endian.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, TryGetError};
use xxhash_rust::xxh3::xxh3_64;

use crate::{NewRecord, Position, Record};

const VERSION: u8 = 1;
const PREFIX_BYTES: usize = 1 + 8;
const HEAD_BYTES: usize = PREFIX_BYTES + 8 + 4 + 8 + 8;
const NO_KEY: u32 = u32::MAX;

/// No record may be larger, with its headers, whatever its topic allows: lengths are stored in 32
/// bits.
pub(super) const RECORD_BYTES_MAX: u64 = 1 << 30;

/// Why a stored batch cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("the batch is cut short")]
    Short,
    #[error("batch format {0} is not known to this version")]
    Version(u8),
    #[error("the checksum does not match")]
    Checksum,
    #[error("a header's name is not text")]
    Name,
}

impl From<TryGetError> for Broken {
    fn from(_: TryGetError) -> Self {
        Self::Short
    }
}

/// What is known of a batch without reading its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Offset of the first record.
    pub(super) base: u64,
    pub(super) count: u32,
    /// The largest timestamp of its records.
    pub(super) newest_ms: u64,
    /// Bytes of all batches that the partition ever took before this one.
    pub(super) bytes_before: u64,
    /// Bytes of this batch as it is stored.
    pub(super) bytes: u64,
}

impl Head {
    /// One past the last offset.
    pub(super) fn end(&self) -> u64 {
        self.base.saturating_add(u64::from(self.count))
    }
}

/// Gathers records into the next batch of a partition.
#[derive(Default)]
pub(super) struct Builder {
    records: Vec<u8>,
    count: u32,
    newest_ms: u64,
}

impl Builder {
    pub(super) fn push(&mut self, record: &NewRecord) {
        self.records.put_u64_le(record.timestamp_ms);
        self.records
            .put_u32_le(record.key.as_ref().map_or(NO_KEY, |key| length(key)));
        self.records.put_u32_le(length(&record.value));
        self.records.put_u32_le(length(&record.headers));
        self.records
            .put_slice(record.key.as_deref().unwrap_or_default());
        self.records.put_slice(&record.value);
        for (name, value) in &record.headers {
            self.records.put_u32_le(length(name.as_bytes()));
            self.records.put_u32_le(length(value));
            self.records.put_slice(name.as_bytes());
            self.records.put_slice(value);
        }
        self.count += 1;
        self.newest_ms = self.newest_ms.max(record.timestamp_ms);
    }

    /// Records gathered so far.
    pub(super) fn count(&self) -> u64 {
        u64::from(self.count)
    }

    /// Bytes gathered so far.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The batch's head and the value to be stored; `None` when nothing was gathered.
    pub(super) fn finish(&mut self, base: u64, bytes_before: u64) -> Option<(Head, Vec<u8>)> {
        let Self {
            records,
            count,
            newest_ms,
        } = std::mem::take(self);
        let bytes = HEAD_BYTES + records.len();
        let mut value = Vec::with_capacity(bytes);
        value.put_u8(VERSION);
        value.put_u64_le(0);
        value.put_u64_le(base);
        value.put_u32_le(count);
        value.put_u64_le(newest_ms);
        value.put_u64_le(bytes_before);
        value.put_slice(&records);
        let (prefix, content) = value.split_at_mut_checked(PREFIX_BYTES)?;
        prefix
            .get_mut(1..)?
            .copy_from_slice(&xxh3_64(content).to_le_bytes());
        let head = Head {
            base,
            count,
            newest_ms,
            bytes_before,
            bytes: bytes as u64,
        };
        (count > 0).then_some((head, value))
    }
}

/// How large a record is, in bytes.
pub(super) struct Size {
    /// Key and value.
    pub(super) content: u64,
    /// Key, value and headers.
    pub(super) total: u64,
}

pub(super) fn size(record: &NewRecord) -> Size {
    let content = record.key.as_ref().map_or(0, Bytes::len) + record.value.len();
    let headers: usize = record
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 8)
        .sum();
    Size {
        content: content as u64,
        total: (content + headers) as u64,
    }
}

/// Lengths fit, because the log refuses records over [`RECORD_BYTES_MAX`].
fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(NO_KEY)
}

/// A batch whose checksum is right; gives its records in order, each a view into the one stored
/// value.
#[derive(Debug)]
pub(super) struct Batch {
    head: Head,
    next: u64,
    records: Bytes,
}

impl Batch {
    /// Checks a stored value without keeping it.
    pub(super) fn check(mut value: &[u8]) -> Result<(), Broken> {
        let version = value.try_get_u8()?;
        if version != VERSION {
            return Err(Broken::Version(version));
        }
        if value.try_get_u64_le()? != xxh3_64(value) {
            return Err(Broken::Checksum);
        }
        Ok(())
    }

    /// Checks a stored value.
    pub(super) fn open(value: impl Into<Bytes>) -> Result<Self, Broken> {
        let mut value = value.into();
        let bytes = value.len() as u64;
        Self::check(&value)?;
        value.advance(PREFIX_BYTES);
        let head = Head {
            base: value.try_get_u64_le()?,
            count: value.try_get_u32_le()?,
            newest_ms: value.try_get_u64_le()?,
            bytes_before: value.try_get_u64_le()?,
            bytes,
        };
        Ok(Self {
            head,
            next: head.base,
            records: value,
        })
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The stretch not read yet.
    pub(super) fn rest(&self) -> Range<u64> {
        self.next..self.head.end()
    }

    /// Goes on from `offset`, which must not lie behind.
    pub(super) fn skip_to(&mut self, offset: u64) -> Result<(), Broken> {
        while self.next < offset.min(self.head.end()) {
            Content::read(&mut self.records)?;
            self.next += 1;
        }
        Ok(())
    }

    /// The next record, if there is one.
    pub(super) fn next(
        &mut self,
        topic: &Arc<str>,
        partition: u32,
    ) -> Result<Option<Record>, Broken> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let Content {
            timestamp_ms,
            key,
            value,
            headers,
        } = Content::read(&mut self.records)?;
        let position = Position {
            topic: Arc::clone(topic),
            partition,
            offset: self.next,
        };
        self.next += 1;
        Ok(Some(Record {
            position,
            timestamp_ms,
            key,
            value,
            headers,
        }))
    }
}

struct Content {
    timestamp_ms: u64,
    key: Option<Bytes>,
    value: Bytes,
    headers: Vec<(String, Bytes)>,
}

impl Content {
    fn read(from: &mut Bytes) -> Result<Self, Broken> {
        let timestamp_ms = from.try_get_u64_le()?;
        let key_bytes = from.try_get_u32_le()?;
        let value_bytes = from.try_get_u32_le()?;
        let headers = from.try_get_u32_le()?;
        let key = if key_bytes == NO_KEY {
            None
        } else {
            Some(take(from, key_bytes)?)
        };
        let value = take(from, value_bytes)?;
        let headers = (0..headers)
            .map(|_| header(from))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            timestamp_ms,
            key,
            value,
            headers,
        })
    }
}

fn header(from: &mut Bytes) -> Result<(String, Bytes), Broken> {
    let name_bytes = from.try_get_u32_le()?;
    let value_bytes = from.try_get_u32_le()?;
    let name = str::from_utf8(&take(from, name_bytes)?)
        .map_err(|_| Broken::Name)?
        .to_owned();
    Ok((name, take(from, value_bytes)?))
}

fn take(from: &mut Bytes, bytes: u32) -> Result<Bytes, Broken> {
    let bytes = bytes as usize;
    if bytes > from.len() {
        Err(Broken::Short)
    } else {
        Ok(from.split_to(bytes))
    }
}

#[cfg(test)]
mod tests;
