//! A write as one record of the spool's log: as a whole there, or as a whole lost.
//!
//! ```text
//! value: version u8
//!        | moves u32 x ( group | topic | partition u32 | from u64 | next u64 | epoch u64 (none: 0)
//!                        | topic id (none: empty) )
//!        | state u32 x ( name | 0u8, or 1u8 and value )
//!        | records u32 x ( topic | partition u32 (none: 2^32-1) | timestamp u64 | 0u8, or 1u8 and key | value
//!                          | headers u32 x ( name | value ) )
//! texts and bytes: length u32 | content
//! key:   generation u128 | records ever accepted u64 | their bytes u64
//! ```
//! All integers are little-endian. The log checks what it stores, so a value that cannot be read is
//! of another version.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, TryGetError};

use crate::{GroupOffset, NewRecord, Record, TopicId, Write};

const VERSION: u8 = 3;
const STAMP_BYTES: usize = 32;
const NO_PARTITION: u32 = u32::MAX;

/// Why a record of the spool's log cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("a write is cut short")]
    Short,
    #[error("its format {0} is not known to this version")]
    Version(u8),
    #[error("a name is not text")]
    Text,
}

impl From<TryGetError> for Broken {
    fn from(_: TryGetError) -> Self {
        Self::Short
    }
}

/// Which write this is, and what came in up to and with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Reported again whenever the spool is opened: a disk may forget writes, and their offsets are
    /// given to others then.
    pub(super) generation: u128,
    pub(super) sums: Sums,
}

/// All that ever came in. The difference of two is what waits between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

impl Stamp {
    pub(super) fn encode(&self) -> Bytes {
        let mut key = Vec::with_capacity(STAMP_BYTES);
        key.put_u128_le(self.generation);
        key.put_u64_le(self.sums.records);
        key.put_u64_le(self.sums.bytes);
        key.into()
    }

    pub(super) fn decode(record: &Record) -> Result<Self, Broken> {
        let mut key = record.key.as_deref().unwrap_or_default();
        let generation = key.try_get_u128_le()?;
        let sums = Sums {
            records: key.try_get_u64_le()?,
            bytes: key.try_get_u64_le()?,
        };
        Ok(Self { generation, sums })
    }
}

/// A group's step in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// The next offset before it, as far as its writer knew.
    pub(super) from: u64,
    pub(super) to: GroupOffset,
    /// The topic in which it was read; `None` where the bus has no ids for topics.
    pub(super) topic_id: Option<TopicId>,
}

/// Where a group stands in one partition, as far as its writer knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) next: u64,
    pub(super) topic_id: Option<TopicId>,
}

/// A write that waits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) moves: Vec<Move>,
    pub(super) state: Vec<(String, Option<Bytes>)>,
    pub(super) records: Vec<NewRecord>,
}

/// The room that a write takes, by its encoded value.
pub(super) fn size(value: &[u8]) -> u64 {
    (STAMP_BYTES + value.len()) as u64
}

/// `from` is where a group stood before.
pub(super) fn encode(write: &Write, from: impl Fn(&GroupOffset) -> Standing) -> Vec<u8> {
    let mut value = vec![VERSION];
    value.put_u32_le(length(&write.offsets));
    for offset in &write.offsets {
        put(&mut value, offset.group.as_bytes());
        put(&mut value, offset.topic.as_bytes());
        value.put_u32_le(offset.partition);
        let Standing { next, topic_id } = from(offset);
        value.put_u64_le(next);
        value.put_u64_le(offset.next);
        value.put_u64_le(offset.epoch.unwrap_or(0));
        let topic_id = topic_id.map_or_else(String::new, |id| id.to_string());
        put(&mut value, topic_id.as_bytes());
    }
    value.put_u32_le(length(&write.state));
    for (name, content) in &write.state {
        put(&mut value, name.as_bytes());
        put_option(&mut value, content.as_ref());
    }
    value.put_u32_le(length(&write.records));
    write
        .records
        .iter()
        .for_each(|record| put_record(&mut value, record));
    value
}

fn put_record(value: &mut Vec<u8>, record: &NewRecord) {
    put(value, record.topic.as_bytes());
    value.put_u32_le(record.partition.unwrap_or(NO_PARTITION));
    value.put_u64_le(record.timestamp_ms);
    put_option(value, record.key.as_ref());
    put(value, &record.value);
    value.put_u32_le(length(&record.headers));
    for (name, content) in &record.headers {
        put(value, name.as_bytes());
        put(value, content);
    }
}

fn put_option(value: &mut Vec<u8>, content: Option<&Bytes>) {
    value.put_u8(content.is_some().into());
    if let Some(content) = content {
        put(value, content);
    }
}

fn put(value: &mut Vec<u8>, content: &[u8]) {
    value.put_u32_le(length(content));
    value.put_slice(content);
}

/// Lengths fit: the log takes no record over 1 GiB.
fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// What lies in the entry are views into the one stored value.
pub(super) fn decode(mut value: Bytes) -> Result<Entry, Broken> {
    let from = &mut value;
    let version = from.try_get_u8()?;
    if version != VERSION {
        return Err(Broken::Version(version));
    }
    let moves = many(from, take_move)?;
    let state = many(from, |from| Ok((take_text(from)?, take_option(from)?)))?;
    let mut topic = Arc::from("");
    let records = many(from, |from| take_record(from, &mut topic))?;
    Ok(Entry {
        moves,
        state,
        records,
    })
}

fn many<T>(
    from: &mut Bytes,
    mut item: impl FnMut(&mut Bytes) -> Result<T, Broken>,
) -> Result<Vec<T>, Broken> {
    (0..from.try_get_u32_le()?).map(|_| item(from)).collect()
}

fn take_move(from: &mut Bytes) -> Result<Move, Broken> {
    let group = take_text(from)?;
    let topic = take_text(from)?.into();
    let partition = from.try_get_u32_le()?;
    let before = from.try_get_u64_le()?;
    let next = from.try_get_u64_le()?;
    let epoch = from.try_get_u64_le()?;
    let topic_id = take_text(from)?;
    Ok(Move {
        from: before,
        to: GroupOffset {
            group,
            topic,
            partition,
            next,
            epoch: Some(epoch).filter(|&epoch| epoch != 0),
        },
        topic_id: Some(topic_id).filter(|id| !id.is_empty()).map(TopicId::new),
    })
}

/// `topic` is that of the record before: most are alike, and share it.
fn take_record(from: &mut Bytes, topic: &mut Arc<str>) -> Result<NewRecord, Broken> {
    let name = take(from)?;
    if *name != *topic.as_bytes() {
        *topic = str::from_utf8(&name).map_err(|_| Broken::Text)?.into();
    }
    let partition = from.try_get_u32_le()?;
    Ok(NewRecord {
        topic: Arc::clone(topic),
        partition: (partition != NO_PARTITION).then_some(partition),
        timestamp_ms: from.try_get_u64_le()?,
        key: take_option(from)?,
        value: take(from)?,
        headers: many(from, |from| Ok((take_text(from)?, take(from)?)))?,
    })
}

fn take_text(from: &mut Bytes) -> Result<String, Broken> {
    str::from_utf8(&take(from)?)
        .map(str::to_owned)
        .map_err(|_| Broken::Text)
}

fn take_option(from: &mut Bytes) -> Result<Option<Bytes>, Broken> {
    if from.try_get_u8()? == 0 {
        Ok(None)
    } else {
        take(from).map(Some)
    }
}

fn take(from: &mut Bytes) -> Result<Bytes, Broken> {
    let bytes = from.try_get_u32_le()? as usize;
    if bytes > from.len() {
        Err(Broken::Short)
    } else {
        Ok(from.split_to(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write() -> Write {
        let (topic, timestamp_ms) = (Arc::from("t"), 7);
        let headers = vec![
            ("h".to_owned(), Bytes::from("1")),
            ("h".to_owned(), Bytes::new()),
        ];
        let full = NewRecord {
            topic: Arc::clone(&topic),
            partition: Some(3),
            timestamp_ms,
            key: Some("k".into()),
            value: "v".into(),
            headers,
        };
        let bare = NewRecord {
            partition: None,
            key: None,
            value: Bytes::new(),
            headers: Vec::new(),
            ..full.clone()
        };
        let elsewhere = NewRecord {
            topic: "u".into(),
            key: Some(Bytes::new()),
            ..bare.clone()
        };
        let offset = GroupOffset {
            group: "g".into(),
            topic,
            partition: 3,
            next: 9,
            epoch: None,
        };
        let state = vec![
            ("set".to_owned(), Some(Bytes::from("x"))),
            ("removed".to_owned(), None),
        ];
        Write {
            records: vec![full, bare.clone(), elsewhere, bare],
            offsets: vec![offset],
            state,
        }
    }

    #[test]
    fn a_write_comes_back_as_it_was() {
        let write = write();
        let standing = Standing {
            next: 4,
            topic_id: Some(TopicId::new("id")),
        };
        let entry = decode(encode(&write, |_| standing.clone()).into()).unwrap();
        assert_eq!((entry.records, entry.state), (write.records, write.state));
        assert_eq!(
            entry.moves,
            [Move {
                from: 4,
                to: write.offsets[0].clone(),
                topic_id: standing.topic_id,
            }]
        );
        let empty = decode(encode(&Write::default(), |_| Standing::default()).into()).unwrap();
        assert_eq!(
            empty,
            Entry {
                moves: Vec::new(),
                state: Vec::new(),
                records: Vec::new()
            }
        );
    }

    #[test]
    fn the_epoch_of_an_offset_comes_back() {
        let mut write = write();
        write.offsets[0].epoch = Some(7);
        let entry = decode(encode(&write, |_| Standing::default()).into()).unwrap();
        assert_eq!(entry.moves[0].to, write.offsets[0]);
    }

    #[test]
    fn what_cannot_be_understood_is_no_write() {
        let whole = Bytes::from(encode(&write(), |_| Standing::default()));
        for cut in 0..whole.len() {
            assert_eq!(decode(whole.slice(..cut)), Err(Broken::Short), "{cut}");
        }
        assert_eq!(decode(Bytes::from_static(&[9])), Err(Broken::Version(9)));
    }
}
