//! Gives the room of old records back: segments in which retention has left nothing are deleted; of
//! others, all but what it has left is given back to the file system.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::iter;
use std::ops::Range;

use super::Log;
use crate::embedded::chain::Place;
use crate::embedded::entry;

impl Log {
    /// Gives back what lies below the numbers in `oldest`, which has the first batch to keep of each
    /// partition. The newest two segments are left: the last but one stands in for a damaged
    /// checkpoint.
    pub(in crate::embedded) fn reclaim(&mut self, oldest: &BTreeMap<Place, u64>) {
        let Some((&protected, candidates)) = self.older.split_last() else {
            return;
        };
        let mut thinner = BTreeSet::new();
        let mut used = BTreeSet::new();
        for (place, chain) in &self.chains {
            if let Some(oldest) = oldest.get(place) {
                thinner.extend(chain.release_below(*oldest, protected));
            }
            used.extend(chain.segments());
        }
        let candidates = candidates.to_vec();
        for number in candidates {
            let released = if !used.contains(&number) {
                self.older.retain(|other| *other != number);
                self.files.delete(number)
            } else if thinner.contains(&number) {
                self.release(number)
            } else {
                Ok(())
            };
            if let Err(error) = released {
                (self.on_warning)(format!(
                    "old records in {} still take up room: {error}",
                    self.files.segment(number).display()
                ));
            }
        }
    }

    /// Gives all of a segment back but the batches that are still known.
    fn release(&mut self, number: u64) -> io::Result<()> {
        if self.cannot_release {
            return Ok(());
        }
        let mut kept: Vec<Range<u64>> = Vec::new();
        for ((topic, _), chain) in &self.chains {
            let head = entry::head_bytes(topic) as u64;
            for slot in chain
                .pieces_in(number)
                .iter()
                .flat_map(|piece| &piece.slots)
            {
                let start = u64::from(slot.position);
                kept.push(start - head.min(start)..start + u64::from(slot.length));
            }
        }
        kept.sort_unstable_by_key(|stretch| stretch.start);
        let file = self.files.open_to_write(number)?;
        let end = file.metadata()?.len();
        let mut from = 0;
        for stretch in kept.into_iter().chain(iter::once(end..end)) {
            if stretch.start > from
                && let Err(error) = punch_hole(&file, from, stretch.start - from)
            {
                // Most file systems can; where one cannot, saying so once is enough.
                self.cannot_release = true;
                return Err(error);
            }
            from = from.max(stretch.end);
        }
        Ok(())
    }
}

/// Gives a stretch of a file back to the file system; the file keeps its size.
#[cfg(target_os = "linux")]
fn punch_hole(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(file, flags, from, bytes)?)
}

/// Other systems have no such call: the room is given back with the whole segment.
#[cfg(not(target_os = "linux"))]
fn punch_hole(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}
