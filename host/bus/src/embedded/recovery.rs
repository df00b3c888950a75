//! What the segment files of a log hold. Reads only, so that a log can be examined without a run.
//!
//! Segments with an index are not read. Of the newest segment, and of the one before while it has
//! no index, the commits are gone through in order; a commit of which anything is damaged does not
//! count, so that a write is there as a whole or not at all also after a loss of power. All earlier
//! segments were put on the disk before the newest one was begun, so their batches count alone.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::chain::{Chain, Place};
use super::entry::{self, Entry, Kind, Survey, Values};
use super::index::Index;
use super::segment::{Files, Slot};

/// A stretch of a segment that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) file: PathBuf,
    /// Bytes from its start.
    pub(super) bytes: Range<u64>,
}

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, bytes } = self;
        write!(
            formatter,
            "bytes {} to {} of {} are damaged or missing: records, group offsets or state written there may be lost",
            bytes.start,
            bytes.end,
            file.display()
        )
    }
}

/// A log as its files have it.
#[derive(Default)]
pub(super) struct Recovered {
    /// The newest value of each key.
    pub(super) values: Values,
    pub(super) chains: BTreeMap<Place, Arc<Chain>>,
    /// Number of the last commit.
    pub(super) commit: u64,
    /// All segments but the newest, rising.
    pub(super) older: Vec<u64>,
    /// Those of `older` that need an index.
    pub(super) without_index: Vec<u64>,
    pub(super) newest: Option<Newest>,
    /// What is damaged.
    pub(super) cuts: Vec<Cut>,
    /// What was damaged and costs nothing.
    pub(super) warnings: Vec<String>,
}

/// The segment with the newest entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) number: u64,
    /// Where its last commit ends; when it is not sound, where all that was written ends.
    pub(super) end: u64,
    /// Whether all before `end` is sound, so that entries may follow there.
    pub(super) sound: bool,
}

/// Reads the segments.
///
/// # Errors
/// A file cannot be read, or was written by a later version.
pub(super) fn recover(files: &Files) -> Result<Recovered, String> {
    let mut recovered = Recovered::default();
    let unlisted = |error| format!("{}: {error}", files.directory().display());
    let numbers = files.segments().map_err(unlisted)?;
    let Some((&newest, older)) = numbers.split_last() else {
        return Ok(recovered);
    };
    let indexes = files.indexes().map_err(unlisted)?;
    recovered.cut_missing(files, &numbers, &indexes);
    recovered.older = older.to_vec();
    let indexes: Vec<Option<Index>> = older
        .iter()
        .map(|number| Index::read(files, *number))
        .collect();
    let indexed = match indexes.last() {
        Some(None) => older.len() - 1,
        _ => older.len(),
    };
    for (at, (number, index)) in older.iter().zip(indexes).enumerate() {
        match index {
            Some(index) => recovered.take(files, *number, index)?,
            None => {
                recovered.without_index.push(*number);
                if at < indexed {
                    recovered.take_without_index(files, *number)?;
                }
            }
        }
    }
    recovered.replay(files, &numbers, indexed)?;
    recovered.check_end(files, newest);
    Ok(recovered)
}

impl Recovered {
    fn take(&mut self, files: &Files, number: u64, index: Index) -> Result<(), String> {
        self.cut_behind(files, number, &index)?;
        for (place, piece) in index.pieces {
            let chain = self.chain(place);
            for (batch, slot) in piece.numbers().zip(piece.slots) {
                chain.push(number, batch, slot);
            }
        }
        Ok(())
    }

    /// Segments of which only the index is left. Retention deletes the oldest first, and a kill may
    /// then leave the index.
    fn cut_missing(&mut self, files: &Files, segments: &[u64], indexes: &[u64]) {
        for number in indexes {
            if segments.first().is_some_and(|first| number > first)
                && !segments.contains(number)
                && let Some(index) = Index::read(files, *number)
            {
                self.cuts.push(Cut {
                    file: files.segment(*number),
                    bytes: 0..index.end,
                });
            }
        }
    }

    fn chain(&mut self, place: Place) -> Arc<Chain> {
        Arc::clone(self.chains.entry(place).or_default())
    }

    /// A segment that is shorter than its index knows it.
    fn cut_behind(&mut self, files: &Files, number: u64, index: &Index) -> Result<(), String> {
        let file = files.segment(number);
        let bytes = fs::metadata(&file)
            .map_err(|error| format!("{}: {error}", file.display()))?
            .len();
        if bytes < index.end {
            self.cuts.push(Cut {
                file,
                bytes: bytes..index.end,
            });
        }
        Ok(())
    }

    /// For a segment that was put on the disk, and whose index is missing or damaged.
    fn take_without_index(&mut self, files: &Files, number: u64) -> Result<(), String> {
        let content = read(files, number)?;
        let survey = survey(files, number, &content)?;
        self.warnings.push(format!(
            "{} is missing or damaged, and was made again from its segment",
            files.index(number).display()
        ));
        self.cut(files, number, &survey.damaged);
        for entry in &survey.entries {
            self.push(number, entry);
        }
        Ok(())
    }

    fn cut(&mut self, files: &Files, number: u64, damaged: &[Range<usize>]) {
        self.cuts.extend(damaged.iter().map(|bytes| Cut {
            file: files.segment(number),
            bytes: bytes.start as u64..bytes.end as u64,
        }));
    }

    fn push(&mut self, segment: u64, Entry { head, body, .. }: &Entry<'_>) {
        if head.kind != Kind::Batch {
            return;
        }
        let (Ok(position), Ok(length)) = (u32::try_from(body.start), u32::try_from(body.len()))
        else {
            return;
        };
        let chain = self.chain((head.topic.into(), head.partition));
        chain.push(segment, head.number, Slot { position, length });
    }

    /// Goes through the commits from segment `numbers[indexed]` on, or from an earlier one when the
    /// checkpoint there is damaged.
    fn replay(&mut self, files: &Files, numbers: &[u64], indexed: usize) -> Result<(), String> {
        let mut first = indexed;
        while let Some(number) = numbers.get(first)
            && first > 0
            && !entry::begins_with_checkpoint(&read(files, *number)?)
        {
            first -= 1;
        }
        for number in numbers.iter().skip(first) {
            self.replay_segment(files, *number)?;
        }
        Ok(())
    }

    fn replay_segment(&mut self, files: &Files, number: u64) -> Result<(), String> {
        let content = read(files, number)?;
        let survey = survey(files, number, &content)?;
        self.cut(files, number, &survey.damaged);
        self.cut(files, number, &survey.zeros);
        let mut batches: Vec<&Entry<'_>> = Vec::new();
        let mut end = 0;
        for entry in &survey.entries {
            match entry.head.kind {
                Kind::Batch => batches.push(entry),
                Kind::Checkpoint => {
                    if self.values.is_empty() {
                        self.apply(entry);
                    }
                    end = entry.body.end;
                }
                Kind::Commit => {
                    batches.retain(|batch| batch.head.commit == entry.head.commit);
                    if batches.len() == entry.head.partition as usize {
                        batches.iter().for_each(|batch| self.push(number, batch));
                        self.apply(entry);
                    }
                    batches.clear();
                    end = entry.body.end;
                }
            }
        }
        let sound = survey.damaged.is_empty() && survey.zeros.is_empty();
        self.newest = Some(Newest {
            number,
            end: if sound { end } else { survey.end } as u64,
            sound,
        });
        Ok(())
    }

    fn apply(&mut self, entry: &Entry<'_>) {
        self.commit = self.commit.max(entry.head.commit);
        for (key, value) in &entry.puts {
            match value {
                Some(value) => self.values.insert(key.clone(), value.clone()),
                None => self.values.remove(key),
            };
        }
    }

    /// A log that was closed knows how long its newest segment was.
    fn check_end(&mut self, files: &Files, newest: u64) {
        let index = Index::read(files, newest);
        if let Some(index) = index
            && let Some(known) = &mut self.newest
            && known.end < index.end
        {
            let bytes = known.end..index.end;
            known.sound = false;
            let covered = |cut: &Cut| cut.file == files.segment(newest);
            if !self.cuts.iter().any(covered) {
                let file = files.segment(newest);
                self.cuts.push(Cut { file, bytes });
            }
        }
    }
}

fn read(files: &Files, number: u64) -> Result<Vec<u8>, String> {
    let file = files.segment(number);
    fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
}

fn survey<'a>(files: &Files, number: u64, content: &'a [u8]) -> Result<Survey<'a>, String> {
    Survey::of(content).map_err(|error| format!("{}: {error}", files.segment(number).display()))
}
