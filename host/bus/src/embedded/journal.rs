//! Mends the store's journals before the store opens them.
//!
//! A journal holds the newest writes, one checksummed frame each. fjall 3 refuses a whole database
//! for one changed byte in it, or drops everything after that byte without a word, depending on
//! which byte it is. Here, sound frames after a damaged one are kept: only what lies in the damaged
//! stretch is lost, and that is told. An unfinished frame at the end is what a kill leaves behind;
//! it was never acknowledged and goes silently.
//!
//! ```text
//! frame: 1u8 | items u32 | sequence number u64 | item... | 3u8 | xxh3-64 of the items u64 | "FJL" 3u8
//! item:  2u8 | type u8 | compression u8 | keyspace u64 | key length u16 | value length u32 | stored length u32 | key | value
//!        or 4u8 | keyspace u64
//! ```

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Buf;
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8] = b"FJL\x03";
const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const SEQUENCE_AT: usize = 1 + 4;
const START_BYTES: usize = SEQUENCE_AT + 8;

/// A stretch of a journal that had to be cut out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The journal; what it held before lies beside it under the extension `damaged`.
    pub(super) file: PathBuf,
    /// Bytes from its start.
    pub(super) bytes: Range<usize>,
}

/// Mends every journal in `directory`, and says what was lost. Journals of another store version
/// are left alone.
pub(super) fn mend(directory: &Path) -> io::Result<Vec<Cut>> {
    if !fs::read(directory.join("version"))?.starts_with(MAGIC) {
        return Ok(Vec::new());
    }
    let mut cuts = Vec::new();
    let mut newest = None;
    for file in journals(directory)? {
        let damaged = mend_file(&file, &mut newest)?;
        cuts.extend(damaged.into_iter().map(|bytes| Cut {
            file: file.clone(),
            bytes,
        }));
    }
    Ok(cuts)
}

/// What [`mend`] would cut out; nothing is changed.
pub(super) fn damage(directory: &Path) -> io::Result<Vec<Cut>> {
    if !fs::read(directory.join("version"))?.starts_with(MAGIC) {
        return Ok(Vec::new());
    }
    let (mut cuts, mut newest) = (Vec::new(), None);
    for file in journals(directory)? {
        if let Diagnosis::Damaged { cuts: damaged, .. } =
            diagnose(&read_written(&file)?, &mut newest)
        {
            cuts.extend(damaged.into_iter().map(|bytes| Cut {
                file: file.clone(),
                bytes,
            }));
        }
    }
    Ok(cuts)
}

/// The journals, oldest first.
fn journals(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(directory)? {
        let file = entry?.path();
        let number = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .and_then(|stem| stem.parse::<u64>().ok());
        if let Some(number) =
            number.filter(|_| file.extension().is_some_and(|extension| extension == "jnl"))
        {
            journals.push((number, file));
        }
    }
    journals.sort();
    Ok(journals.into_iter().map(|(_, file)| file).collect())
}

/// Mends one journal; `newest` is the sequence number that its first frame must exceed.
fn mend_file(file: &Path, newest: &mut Option<u64>) -> io::Result<Vec<Range<usize>>> {
    let content = read_written(file)?;
    match diagnose(&content, newest) {
        Diagnosis::Sound { end } => {
            let journal = fs::OpenOptions::new().write(true).open(file)?;
            if journal.metadata()?.len() != end as u64 {
                journal.set_len(end as u64)?;
                journal.sync_all()?;
            }
            Ok(Vec::new())
        }
        Diagnosis::Damaged { mended, cuts } => {
            fs::copy(file, file.with_extension("damaged"))?;
            replace(file, &mended)?;
            Ok(cuts)
        }
    }
}

/// A journal without the zeros at its end, of which it is made, 64 MiB long, before it is written.
fn read_written(file: &Path) -> io::Result<Vec<u8>> {
    let mut journal = File::open(file)?;
    let (mut content, mut zeros) = (Vec::new(), 0);
    let mut chunk = vec![0; 1 << 18];
    loop {
        let read = journal.read(&mut chunk)?;
        let chunk = chunk.get(..read).unwrap_or_default();
        let written = written(chunk);
        if written > 0 {
            content.resize(content.len() + zeros, 0);
            content.extend(chunk.get(..written).unwrap_or_default());
            zeros = 0;
        }
        zeros += read - written;
        if read == 0 {
            return Ok(content);
        }
    }
}

/// Where the zeros at the end begin; they are many, so they are compared in large steps.
fn written(content: &[u8]) -> usize {
    const ZEROS: &[u8] = &[0; 4096];
    let mut rest = content;
    while let Some(shorter) = rest.strip_suffix(ZEROS) {
        rest = shorter;
    }
    rest.iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1)
}

/// What is to be done about a journal.
#[derive(Debug, PartialEq, Eq)]
enum Diagnosis {
    /// All frames are sound; they end there.
    Sound { end: usize },
    /// This should take its place, as these stretches cannot be used.
    Damaged {
        mended: Vec<u8>,
        cuts: Vec<Range<usize>>,
    },
}

fn diagnose(content: &[u8], newest: &mut Option<u64>) -> Diagnosis {
    let Survey {
        mut frames,
        damaged,
    } = Survey::of(content);
    if renumber(&mut frames, newest) || !damaged.is_empty() {
        return Diagnosis::Damaged {
            mended: joined(content, &frames),
            cuts: damaged,
        };
    }
    Diagnosis::Sound {
        end: frames.last().map_or(0, |frame| frame.bytes.end),
    }
}

fn joined(content: &[u8], frames: &[Frame]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(content.len());
    for Frame { bytes, sequence } in frames {
        kept.extend(
            content
                .get(bytes.start..bytes.start + SEQUENCE_AT)
                .unwrap_or_default(),
        );
        kept.extend(sequence.to_le_bytes());
        kept.extend(
            content
                .get(bytes.start + START_BYTES..bytes.end)
                .unwrap_or_default(),
        );
    }
    kept
}

fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let mended = file.with_extension("mended");
    fs::write(&mended, content)?;
    File::open(&mended)?.sync_all()?;
    fs::rename(&mended, file)?;
    file.parent()
        .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// A sound frame, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    bytes: Range<usize>,
    sequence: u64,
}

/// What a journal holds; what is neither in a frame nor damaged is an unfinished end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Survey {
    frames: Vec<Frame>,
    damaged: Vec<Range<usize>>,
}

impl Survey {
    fn of(content: &[u8]) -> Self {
        let written = written(content);
        let mut survey = Self::default();
        let mut at = 0;
        while at < written {
            let Some(next) = (at..written).find_map(|start| frame(content, start)) else {
                // A complete last frame may have been acknowledged, an unfinished one was not.
                let rest = content.get(at..written).unwrap_or_default();
                if rest.ends_with(MAGIC) || outline(rest, 0).is_some() {
                    survey.damaged.push(at..written);
                }
                break;
            };
            if at < next.bytes.start {
                survey.damaged.push(at..next.bytes.start);
            }
            at = next.bytes.end;
            survey.frames.push(next);
        }
        survey
    }
}

/// Sequence numbers are outside the checksum, but they rise: one out of line was changed, and is
/// put back in line.
fn renumber(frames: &mut [Frame], newest: &mut Option<u64>) -> bool {
    let mut renumbered = false;
    let mut rest = frames.iter_mut().peekable();
    while let Some(frame) = rest.next() {
        let in_line = newest.is_none_or(|newest| frame.sequence > newest)
            && rest
                .peek()
                .is_none_or(|next| frame.sequence < next.sequence);
        if !in_line {
            frame.sequence = newest.map_or(0, |newest| newest + 1);
            renumbered = true;
        }
        *newest = Some(frame.sequence);
    }
    renumbered
}

/// The frame at `start`, if it is sound.
fn frame(content: &[u8], start: usize) -> Option<Frame> {
    let Outline {
        sequence,
        items,
        checksum,
        magic,
        end,
    } = outline(content, start)?;
    let sound = magic == MAGIC && checksum == xxh3_64(content.get(items)?);
    sound.then_some(Frame {
        bytes: start..end,
        sequence,
    })
}

/// The parts of a frame, sound or not.
struct Outline<'a> {
    sequence: u64,
    items: Range<usize>,
    checksum: u64,
    magic: &'a [u8],
    end: usize,
}

/// The parts of the frame at `start`, if it has them all.
fn outline(content: &[u8], start: usize) -> Option<Outline<'_>> {
    let mut rest = content.get(start..)?;
    if rest.try_get_u8().ok()? != START {
        return None;
    }
    let count = rest.try_get_u32_le().ok()?;
    let sequence = rest.try_get_u64_le().ok()?;
    for _ in 0..count {
        skip_item(&mut rest)?;
    }
    let items = start + START_BYTES..content.len() - rest.len();
    if rest.try_get_u8().ok()? != END {
        return None;
    }
    let checksum = rest.try_get_u64_le().ok()?;
    let (magic, rest) = rest.split_at_checked(MAGIC.len())?;
    Some(Outline {
        sequence,
        items,
        checksum,
        magic,
        end: content.len() - rest.len(),
    })
}

fn skip_item(rest: &mut &[u8]) -> Option<()> {
    match rest.try_get_u8().ok()? {
        CLEAR => rest.try_get_u64_le().ok().map(drop),
        ITEM => {
            let _type = rest.try_get_u8().ok()?;
            let _compression = rest.try_get_u8().ok()?;
            let _keyspace = rest.try_get_u64_le().ok()?;
            let key_bytes = usize::from(rest.try_get_u16_le().ok()?);
            let _value_bytes = rest.try_get_u32_le().ok()?;
            let stored_bytes = rest.try_get_u32_le().ok()? as usize;
            *rest = rest.get(key_bytes.checked_add(stored_bytes)?..)?;
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
