//! Records above the limit travel in chunks: several records in the log, and one for whoever writes
//! or reads.
//!
//! ```text
//! chunk 0  key    timestamp and headers of the record, and
//!                   fedhost-chunk:        <message id>/0/<count>
//!                   fedhost-chunk-sha256: <of this chunk's bytes>
//!                   fedhost-chunk-whole:  <bytes>/<sha256>/<milliseconds in which its writer writes all of it>
//! chunk i  key#i  timestamp of the record, and the first two of these headers
//! ```
//! A message id is `<writer>:<uuid>`; the writer is known to the cluster by that name and writes
//! one message after the other. All chunks of a message lie in the partition that its key gives, in
//! order, though others may lie between them. Their keys differ, so that a compacted topic keeps
//! all of them; of an older message it may keep the last ones, which mean nothing without their
//! beginning.
//!
//! The record has the place of chunk 0. Whoever goes on behind that place passes over the chunks
//! that follow, and whoever is sent to it finds the whole record again.
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

/// Bytes of key and value of the largest record that travels in chunks: more must not wait in
/// memory for its end.
pub const LARGEST_RECORD: u64 = 64 << 20;
/// A topic that takes no record of this many bytes is too narrow for chunks.
const SMALLEST_LIMIT: u64 = 1_024;

/// Of every chunk: message id, index and count.
const CHUNK: &str = "fedhost-chunk";
/// Of every chunk: sha256 of its bytes.
const SHA256: &str = "fedhost-chunk-sha256";
/// Of chunk 0: length and sha256 of all bytes, and the time that their writer takes at most.
const WHOLE: &str = "fedhost-chunk-whole";
/// Of a record that could not be put together: why. It holds the bytes of chunk 0 only.
const FAULT: &str = "fedhost-chunk-fault";

/// No writer is waited for longer than this.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The largest key and value together that a write takes for a topic of this limit.
pub(super) fn record_bytes_max(limit: u64) -> u64 {
    if is_wide_enough(limit) {
        limit.max(LARGEST_RECORD)
    } else {
        limit
    }
}

/// Whether larger records than a topic's limit travel in chunks on it.
pub(super) fn is_wide_enough(limit: u64) -> bool {
    limit >= SMALLEST_LIMIT
}

/// What becomes of records that are larger than a topic takes: from what size on, and up to which,
/// they travel in chunks. `None` where none do.
#[must_use]
pub fn beyond_the_limit(topic: &TopicSpec) -> Option<String> {
    let (limit, carried) = (
        topic.max_message_bytes,
        record_bytes_max(topic.max_message_bytes),
    );
    (carried > limit)
        .then(|| format!("records above {limit} bytes travel in chunks, up to {carried}"))
}

/// What a record's headers say of it as a part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chunk {
    id: String,
    index: u32,
    count: u32,
    sha256: Sha256Hex,
    /// Of chunk 0, and only of it.
    whole: Option<Whole>,
}

/// What the first chunk says of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whole {
    bytes: u64,
    sha256: Sha256Hex,
    within: Duration,
}

impl Chunk {
    /// `None` for any other record, and for headers of the same names that somebody else made up.
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

    /// Who wrote it.
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
