//! How entries lie in a segment file, one after another, each under checksums of its own.
//!
//! ```text
//! entry: head | topic | xxh3-64 of head and topic, seeded with the entry's place, u64 | body
//! head:  "FHLG" | version u8 | kind u8 | topic length u16 | commit u64
//!        | partition, or of a commit the number of its batches, u32 | body length u32 | number u64
//! body of a batch:                  see `batch`
//! body of a commit or a checkpoint: xxh3-64 of the puts u64 | put...
//! put:   key length u32 | value length u32 (removed: 2^32-1) | key | value
//! ```
//! The body of a commit or a checkpoint ends with "." (not in its checksum): a segment is made larger
//! than what is in it, so what ends with zeros was not written to its end.
//! All integers are little-endian. A commit is written after its batches; without it they do not
//! count. A checkpoint holds all small values and begins each segment. An entry is sound only at
//! the place in its file where it was written, so a copy of one inside a record is never taken for
//! an entry.
//!
//! A checksum that fails costs its entry only: the next entry is looked for behind it.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::{Buf, BufMut, Bytes};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::batch::Batch;

const MAGIC: &[u8] = b"FHLG";
const VERSION: u8 = 1;
const BATCH: u8 = 1;
const COMMIT: u8 = 2;
const CHECKPOINT: u8 = 3;
const KIND_AT: usize = 5;
const HEAD_BYTES: usize = 32;
/// As long as a topic's name may be.
const TOPIC_BYTES_MAX: usize = 249;
const CHECKSUM_BYTES: usize = 8;
const REMOVED: u32 = u32::MAX;
const END: &[u8] = b".";

/// The small values of a log by key: topics, how far partitions reach, group offsets, state.
pub(super) type Values = BTreeMap<Vec<u8>, Bytes>;

/// Changes of [`Values`]; `None` removes.
pub(super) type Puts = BTreeMap<Vec<u8>, Option<Bytes>>;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records of one partition.
    Batch,
    /// Ends a commit and holds the values that it changes.
    Commit,
    /// All values up to here.
    Checkpoint,
}

/// The part of an entry before its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) kind: Kind,
    /// Rises by one with every commit.
    pub(super) commit: u64,
    /// Of a batch; empty else.
    pub(super) topic: &'a str,
    /// Of a batch; of a commit, how many batches belong to it.
    pub(super) partition: u32,
    /// Number of a batch in its partition.
    pub(super) number: u64,
}

impl Head<'_> {
    /// Appends the entry to `buffer`, which lies at `place` of its file, and returns where the body
    /// lies in the buffer.
    pub(super) fn write(&self, body: &[u8], place: u64, buffer: &mut Vec<u8>) -> Range<usize> {
        let start = buffer.len();
        buffer.put_slice(MAGIC);
        buffer.put_u8(VERSION);
        buffer.put_u8(match self.kind {
            Kind::Batch => BATCH,
            Kind::Commit => COMMIT,
            Kind::Checkpoint => CHECKPOINT,
        });
        buffer.put_u16_le(u16::try_from(self.topic.len()).unwrap_or(u16::MAX));
        buffer.put_u64_le(self.commit);
        buffer.put_u32_le(self.partition);
        buffer.put_u32_le(u32::try_from(body.len()).unwrap_or(u32::MAX));
        buffer.put_u64_le(self.number);
        buffer.put_slice(self.topic.as_bytes());
        let head = buffer.get(start..).unwrap_or_default();
        let checksum = xxh3_64_with_seed(head, place + start as u64);
        buffer.put_u64_le(checksum);
        let body_start = buffer.len();
        buffer.put_slice(body);
        body_start..buffer.len()
    }
}

/// Bytes of an entry of `topic` before its body.
pub(super) fn head_bytes(topic: &str) -> usize {
    HEAD_BYTES + topic.len() + CHECKSUM_BYTES
}

/// The body of a commit or a checkpoint.
pub(super) fn encode_puts<'a>(
    puts: impl Iterator<Item = (&'a Vec<u8>, Option<&'a Bytes>)>,
) -> Vec<u8> {
    let mut body = vec![0; CHECKSUM_BYTES];
    for (key, value) in puts {
        body.put_u32_le(u32::try_from(key.len()).unwrap_or(u32::MAX));
        body.put_u32_le(value.map_or(REMOVED, |value| {
            u32::try_from(value.len()).unwrap_or(REMOVED)
        }));
        body.put_slice(key);
        body.put_slice(value.map(|value| &**value).unwrap_or_default());
    }
    if let Some((checksum, puts)) = body.split_at_mut_checked(CHECKSUM_BYTES) {
        checksum.copy_from_slice(&xxh3_64(puts).to_le_bytes());
    }
    body.put_slice(END);
    body
}

/// `None` when the checksum fails.
fn decode_puts(body: &[u8]) -> Option<Puts> {
    let mut body = body.strip_suffix(END)?;
    if body.try_get_u64_le().ok()? != xxh3_64(body) {
        return None;
    }
    let mut puts = Puts::new();
    while !body.is_empty() {
        let key_bytes = body.try_get_u32_le().ok()? as usize;
        let value_bytes = body.try_get_u32_le().ok()?;
        let key = body.split_off(..key_bytes)?.to_vec();
        let value = if value_bytes == REMOVED {
            None
        } else {
            let value = body.split_off(..value_bytes as usize)?;
            Some(Bytes::copy_from_slice(value))
        };
        puts.insert(key, value);
    }
    Some(puts)
}

/// A sound entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) head: Head<'a>,
    /// Of a commit or a checkpoint.
    pub(super) puts: Puts,
    /// Where the body lies in the file.
    pub(super) body: Range<usize>,
}

/// What a segment file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey<'a> {
    /// Sound entries in the order of the file.
    pub(super) entries: Vec<Entry<'a>>,
    /// Stretches that cannot be used.
    pub(super) damaged: Vec<Range<usize>>,
    /// Stretches of zeros between entries: given back to the file system by retention, or never
    /// written before the machine lost power.
    pub(super) zeros: Vec<Range<usize>>,
    /// Where entries end. What follows is zeros, or an unfinished entry such as a kill leaves.
    pub(super) end: usize,
}

/// An entry was written by a later version of this program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("log format {0} is not known to this version")]
pub(super) struct LaterVersion(u8);

impl<'a> Survey<'a> {
    /// Looks through the content of a segment file.
    ///
    /// # Errors
    /// [`LaterVersion`].
    pub(super) fn of(content: &'a [u8]) -> Result<Self, LaterVersion> {
        let content = written(content);
        let mut survey = Self::default();
        let mut at = 0;
        while let Some(outline) = find(content, at)? {
            survey.skipped(content, at..outline.start);
            let Some(body) = content.get(outline.body.clone()) else {
                survey.end = outline.start;
                return Ok(survey);
            };
            at = outline.body.end;
            match open(outline.head.kind, body) {
                Some(puts) => survey.entries.push(Entry {
                    head: outline.head,
                    puts,
                    body: outline.body,
                }),
                None => survey.damaged.push(outline.start..at),
            }
        }
        survey.end = at;
        let rest = content.get(at..).unwrap_or_default();
        if !is_unfinished(rest) {
            survey.damaged.push(at..content.len());
            survey.end = content.len();
        }
        Ok(survey)
    }

    fn skipped(&mut self, content: &[u8], stretch: Range<usize>) {
        if stretch.is_empty() {
            return;
        }
        let bytes = content.get(stretch.clone()).unwrap_or_default();
        if bytes.iter().all(|byte| *byte == 0) {
            self.zeros.push(stretch);
        } else {
            self.damaged.push(stretch);
        }
    }
}

/// Whether a sound checkpoint comes first.
pub(super) fn begins_with_checkpoint(content: &[u8]) -> bool {
    let Ok(Some(outline)) = outline(content, 0) else {
        return false;
    };
    outline.head.kind == Kind::Checkpoint
        && content.get(outline.body).and_then(decode_puts).is_some()
}

/// Without the zeros at the end; there may be many, so they are compared in large steps.
fn written(content: &[u8]) -> &[u8] {
    const ZEROS: &[u8] = &[0; 4096];
    let mut rest = content;
    while let Some(shorter) = rest.strip_suffix(ZEROS) {
        rest = shorter;
    }
    let end = rest.iter().rposition(|byte| *byte != 0);
    rest.get(..end.map_or(0, |last| last + 1))
        .unwrap_or_default()
}

/// Whether the end of a segment, in which no sound head begins, was never a whole entry: a kill
/// cuts a head short.
fn is_unfinished(rest: &[u8]) -> bool {
    if MAGIC.starts_with(rest) {
        return true;
    }
    let topic_bytes = match rest.get(KIND_AT..KIND_AT + 3) {
        Some(&[BATCH, low, high]) => usize::from(u16::from_le_bytes([low, high])),
        _ => 0,
    };
    let head_bytes = HEAD_BYTES + topic_bytes.min(TOPIC_BYTES_MAX) + CHECKSUM_BYTES;
    rest.starts_with(MAGIC) && rest.len() < head_bytes
}

/// The puts of a sound body; a batch has none.
fn open(kind: Kind, body: &[u8]) -> Option<Puts> {
    match kind {
        Kind::Batch => Batch::check(body).ok().map(|()| Puts::new()),
        Kind::Commit | Kind::Checkpoint => decode_puts(body),
    }
}

/// A sound head, and where its body should lie.
struct Outline<'a> {
    start: usize,
    head: Head<'a>,
    body: Range<usize>,
}

/// The first sound head at or after `from`.
fn find(content: &[u8], from: usize) -> Result<Option<Outline<'_>>, LaterVersion> {
    let mut start = from;
    loop {
        let rest = content.get(start..).unwrap_or_default();
        if !rest.starts_with(MAGIC) {
            let Some(ahead) = rest.windows(MAGIC.len()).position(|four| four == MAGIC) else {
                return Ok(None);
            };
            start += ahead;
        }
        match outline(content, start)? {
            Some(outline) => return Ok(Some(outline)),
            None => start += 1,
        }
    }
}

fn outline(content: &[u8], start: usize) -> Result<Option<Outline<'_>>, LaterVersion> {
    match raw_outline(content, start) {
        Some((VERSION, outline)) => Ok(outline),
        Some((version, _)) => Err(LaterVersion(version)),
        None => Ok(None),
    }
}

/// The version and the parts of the head at `start`, when its checksum is right.
fn raw_outline(content: &[u8], start: usize) -> Option<(u8, Option<Outline<'_>>)> {
    let entry = content.get(start..)?;
    let mut rest = entry.strip_prefix(MAGIC)?;
    let version = rest.try_get_u8().ok()?;
    let kind = rest.try_get_u8().ok()?;
    let topic_bytes = usize::from(rest.try_get_u16_le().ok()?);
    let commit = rest.try_get_u64_le().ok()?;
    let partition = rest.try_get_u32_le().ok()?;
    let body_bytes = rest.try_get_u32_le().ok()? as usize;
    let number = rest.try_get_u64_le().ok()?;
    let topic = rest.split_off(..topic_bytes)?;
    let head = entry.get(..HEAD_BYTES + topic_bytes)?;
    if rest.try_get_u64_le().ok()? != xxh3_64_with_seed(head, start as u64) {
        return None;
    }
    let kind = match kind {
        BATCH => Kind::Batch,
        COMMIT => Kind::Commit,
        CHECKPOINT => Kind::Checkpoint,
        _ => return Some((version, None)),
    };
    let Ok(topic) = str::from_utf8(topic) else {
        return Some((version, None));
    };
    let body = content.len() - rest.len();
    let outline = Outline {
        start,
        head: Head {
            kind,
            commit,
            topic,
            partition,
            number,
        },
        body: body..body.checked_add(body_bytes)?,
    };
    Some((version, Some(outline)))
}

#[cfg(test)]
mod tests;
