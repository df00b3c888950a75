//! Records above the limit travel in chunks: several records in the log, one record for writers and
//! readers.
//!
//! ```text
//! chunk 0  key    timestamp and headers of the record, and
//!                   fedhost-chunk:        <message id>/0/<count>
//!                   fedhost-chunk-sha256: <of this chunk's bytes>
//!                   fedhost-chunk-whole:  <bytes>/<sha256>/<milliseconds in which its writer writes all of it>
//! chunk i  key#i  timestamp of the record, and the first two of these headers
//! ```
//! A message id is `<writer>:<uuid>`. The cluster knows the writer by that name, and the writer
//! writes one message after another. All chunks of a message are in the partition that its key
//! selects, in order; chunks of other messages may lie between them. The keys of the chunks differ,
//! so that a compacted topic keeps all of them. Of an older message it may keep only the last
//! chunks; these are ignored, because chunk 0 is missing.
//!
//! The record has the position of chunk 0. A reader that continues after that position skips the
//! remaining chunks; a reader that seeks to it gets the whole record again.
//!
//! No I/O here; the time is an argument.

mod assembler;
mod open;
mod split;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use fedhost_domain::model::Sha256Hex;

pub(super) use self::assembler::{Assembler, Trouble};
pub(super) use self::split::{Layout, Limits, Origin, RECORD_OVERHEAD, header_bytes, split};
use crate::{Record, TopicSpec};

/// Largest record that travels in chunks, in bytes of key and value. It limits the memory that an
/// unfinished record takes.
pub const LARGEST_RECORD: u64 = 64 << 20;
/// A topic with a smaller limit than this, in bytes, has no room for chunks.
const SMALLEST_LIMIT: u64 = 1_024;

/// In every chunk: message id, index and count.
const CHUNK: &str = "fedhost-chunk";
/// In every chunk: sha256 of its bytes.
const SHA256: &str = "fedhost-chunk-sha256";
/// In chunk 0: length and sha256 of all bytes, and the longest time that the writer takes.
const WHOLE: &str = "fedhost-chunk-whole";
/// In a record that could not be assembled: the reason. Its value is that of chunk 0.
const FAULT: &str = "fedhost-chunk-fault";

/// Readers wait for a writer no longer than this.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The largest record that a write accepts for a topic with this limit, in bytes of key and value.
pub(super) fn record_bytes_max(limit: u64) -> u64 {
    if is_wide_enough(limit) {
        limit.max(LARGEST_RECORD)
    } else {
        limit
    }
}

/// Whether records above the topic's limit travel in chunks.
pub(super) fn is_wide_enough(limit: u64) -> bool {
    limit >= SMALLEST_LIMIT
}

/// Describes which record sizes above the topic's limit travel in chunks. `None` if the topic takes
/// no chunks.
#[must_use]
pub fn beyond_the_limit(topic: &TopicSpec) -> Option<String> {
    let (limit, carried) = (
        topic.max_message_bytes,
        record_bytes_max(topic.max_message_bytes),
    );
    (carried > limit)
        .then(|| format!("records above {limit} bytes travel in chunks, up to {carried}"))
}

/// What the headers of a chunk contain.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chunk {
    id: String,
    index: u32,
    count: u32,
    sha256: Sha256Hex,
    /// Only in chunk 0.
    whole: Option<Whole>,
}

/// What chunk 0 declares about the whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whole {
    bytes: u64,
    sha256: Sha256Hex,
    within: Duration,
}

impl Chunk {
    /// `None` for a record that is no chunk, or whose chunk headers are not valid.
    fn of(record: &Record) -> Option<Self> {
        let mut parts = text(record, CHUNK)?.rsplitn(3, '/');
        let count = parts.next()?.parse().ok()?;
        let index = parts.next()?.parse().ok()?;
        let id = parts.next()?.to_owned();
        let sha256 = Sha256Hex::try_from(text(record, SHA256)?.to_owned()).ok()?;
        let whole = Whole::of(record).filter(|_| index == 0);
        let is_sound = index < count && whole.is_some() == (index == 0);
        is_sound.then_some(Self {
            id,
            index,
            count,
            sha256,
            whole,
        })
    }

    /// The writer of the message.
    fn writer(&self) -> &str {
        writer(&self.id)
    }

    fn headers(&self) -> Vec<(String, Bytes)> {
        let Self {
            id,
            index,
            count,
            sha256,
            whole,
        } = self;
        let mut headers = vec![
            header(CHUNK, format!("{id}/{index}/{count}")),
            header(SHA256, sha256.to_string()),
        ];
        if let Some(Whole {
            bytes,
            sha256,
            within,
        }) = whole
        {
            headers.push(header(
                WHOLE,
                format!("{bytes}/{sha256}/{}", within.as_millis()),
            ));
        }
        headers
    }
}

impl Whole {
    fn of(record: &Record) -> Option<Self> {
        let mut parts = text(record, WHOLE)?.splitn(3, '/');
        let bytes = parts.next()?.parse().ok()?;
        let sha256 = Sha256Hex::try_from(parts.next()?.to_owned()).ok()?;
        let within = Duration::from_millis(parts.next()?.parse().ok()?).min(LONGEST);
        Some(Self {
            bytes,
            sha256,
            within,
        })
    }
}

fn writer(id: &str) -> &str {
    id.rsplit_once(':').map_or(id, |(writer, _)| writer)
}

fn text<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    str::from_utf8(record.header(name)?).ok()
}

fn header(name: &str, value: String) -> (String, Bytes) {
    (name.to_owned(), Bytes::from(value))
}
