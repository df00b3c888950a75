//! The index beside a segment that takes no more entries: which batches it holds, and where.
//!
//! It is written once the segment is on the disk, so a segment with an index was not cut by a loss
//! of power. A log that is closed leaves one for its newest segment too.
//!
//! ```text
//! "FHLX" | version u8 | xxh3-64 of what follows u64 | end of the segment u64
//! | ( topic length u16 | topic | partition u32 | first number u64 | count u32
//!     | count x ( position u32 | length u32 ) )...
//! ```

use std::fs::{self, File};
use std::io;
use std::sync::Arc;

use bytes::{Buf, BufMut};
use xxhash_rust::xxh3::xxh3_64;

use super::chain::{Piece, Place};
use super::segment::{Files, Slot};

const MAGIC: &[u8] = b"FHLX\x01";
const CONTENT_AT: usize = MAGIC.len() + 8;

/// What a segment holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Bytes of the segment.
    pub(super) end: u64,
    pub(super) pieces: Vec<(Place, Piece)>,
}

impl Index {
    /// Writes it beside segment `number`, as a whole or not at all.
    pub(super) fn write(&self, files: &Files, number: u64) -> io::Result<()> {
        let path = files.index(number);
        let draft = path.with_extension("index.new");
        fs::write(&draft, self.encode())?;
        File::open(&draft)?.sync_all()?;
        fs::rename(&draft, &path)
    }

    /// Reads that of segment `number`; `None` when there is none, or it is damaged.
    pub(super) fn read(files: &Files, number: u64) -> Option<Self> {
        Self::decode(&fs::read(files.index(number)).ok()?, number)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.put_u64_le(0);
        bytes.put_u64_le(self.end);
        for ((topic, partition), piece) in &self.pieces {
            bytes.put_u16_le(u16::try_from(topic.len()).unwrap_or(u16::MAX));
            bytes.put_slice(topic.as_bytes());
            bytes.put_u32_le(*partition);
            bytes.put_u64_le(piece.first);
            bytes.put_u32_le(u32::try_from(piece.slots.len()).unwrap_or(u32::MAX));
            for slot in &piece.slots {
                bytes.put_u32_le(slot.position);
                bytes.put_u32_le(slot.length);
            }
        }
        if let Some((head, content)) = bytes.split_at_mut_checked(CONTENT_AT)
            && let Some(checksum) = head.get_mut(MAGIC.len()..)
        {
            checksum.copy_from_slice(&xxh3_64(content).to_le_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8], segment: u64) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        if rest.try_get_u64_le().ok()? != xxh3_64(rest) {
            return None;
        }
        let mut index = Self {
            end: rest.try_get_u64_le().ok()?,
            pieces: Vec::new(),
        };
        while !rest.is_empty() {
            let topic_bytes = usize::from(rest.try_get_u16_le().ok()?);
            let topic: Arc<str> = str::from_utf8(rest.split_off(..topic_bytes)?).ok()?.into();
            let partition = rest.try_get_u32_le().ok()?;
            let first = rest.try_get_u64_le().ok()?;
            let count = rest.try_get_u32_le().ok()? as usize;
            let mut slots = rest.split_off(..count.checked_mul(8)?)?;
            let slots = (0..count)
                .map(|_| Slot {
                    position: slots.get_u32_le(),
                    length: slots.get_u32_le(),
                })
                .collect();
            let piece = Piece {
                segment,
                first,
                slots,
            };
            index.pieces.push(((topic, partition), piece));
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_comes_back_as_it_was_and_one_changed_byte_is_always_seen() {
        let slot = |position| Slot {
            position,
            length: 9,
        };
        let piece = Piece {
            segment: 5,
            first: 3,
            slots: vec![slot(1), slot(2)],
        };
        let index = Index {
            end: 77,
            pieces: vec![(("t".into(), 4), piece)],
        };
        let bytes = index.encode();
        assert_eq!(Index::decode(&bytes, 5), Some(index));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert_eq!(Index::decode(&damaged, 5), None, "{at}");
        }
    }
}
