//! The segment files of a log: their names, and reads from them.
//!
//! Segments are numbered from 1 and never rewritten. Beside a segment that takes no more entries
//! lies its index, see `index`.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Open segments that are kept for the next read.
const OPEN_MAX: usize = 32;

/// Bytes of the newest commits that are kept in memory.
const RECENT_BYTES: usize = 16 << 20;

/// Where a body lies in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// From the start of the file.
    pub(super) position: u32,
    /// Bytes.
    pub(super) length: u32,
}

/// The files in one directory.
pub(super) struct Files {
    directory: PathBuf,
    /// The one read last at the end.
    open: Mutex<Vec<(u64, Arc<File>)>>,
    recent: Mutex<Recent>,
}

/// The newest commits: the segment of each, its place there, and its bytes.
#[derive(Default)]
struct Recent {
    commits: VecDeque<(u64, u64, Bytes)>,
    bytes: usize,
}

impl Files {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            open: Mutex::default(),
            recent: Mutex::default(),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:020}.log"))
    }

    pub(super) fn index(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:020}.index"))
    }

    /// The numbers of all segments, rising.
    pub(super) fn segments(&self) -> io::Result<Vec<u64>> {
        self.numbers("log")
    }

    /// The numbers of all indexes, rising.
    pub(super) fn indexes(&self) -> io::Result<Vec<u64>> {
        self.numbers("index")
    }

    fn numbers(&self, extension: &str) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if path.extension().is_some_and(|found| found == extension) {
                numbers.extend(stem.and_then(|stem| stem.parse::<u64>().ok()));
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Deletes what a kill leaves: drafts of indexes, and indexes without a segment.
    pub(super) fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let left_over = match path.extension().and_then(|extension| extension.to_str()) {
                Some("new") => true,
                Some("index") => !path.with_extension("log").exists(),
                _ => false,
            };
            if left_over {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Creates a segment.
    pub(super) fn create(&self, number: u64) -> io::Result<File> {
        File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(self.segment(number))
    }

    /// Opens a segment to append to it.
    pub(super) fn open_to_write(&self, number: u64) -> io::Result<File> {
        File::options()
            .read(true)
            .write(true)
            .open(self.segment(number))
    }

    /// Makes the names of new files durable.
    pub(super) fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    /// The bytes at `slot`; the error names the file.
    pub(super) fn read(&self, number: u64, slot: Slot) -> Result<Bytes, String> {
        if let Some(bytes) = self.recent(number, slot) {
            return Ok(bytes);
        }
        let read = || {
            let file = self.opened(number)?;
            let mut bytes = vec![0; slot.length as usize];
            file.read_exact_at(&mut bytes, u64::from(slot.position))?;
            Ok(Bytes::from(bytes))
        };
        read().map_err(|error: io::Error| self.name(number, slot, &error.to_string()))
    }

    /// What is wrong with a stretch of a segment, and which.
    pub(super) fn name(&self, number: u64, slot: Slot, reason: &str) -> String {
        let end = u64::from(slot.position) + u64::from(slot.length);
        let file = self.segment(number);
        format!(
            "{reason} (bytes {} to {end} of {})",
            slot.position,
            file.display()
        )
    }

    /// Deletes a segment and its index.
    pub(super) fn delete(&self, number: u64) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(other, _)| *other != number);
        fs::remove_file(self.segment(number))?;
        self.delete_index(number)
    }

    /// Deletes the index of a segment, if there is one.
    pub(super) fn delete_index(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(self.index(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keeps a commit in memory, since those who follow the log read it at once.
    pub(super) fn remember(&self, number: u64, place: u64, bytes: Bytes) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.bytes += bytes.len();
        recent.commits.push_back((number, place, bytes));
        while recent.bytes > RECENT_BYTES
            && let Some((_, _, oldest)) = recent.commits.pop_front()
        {
            recent.bytes -= oldest.len();
        }
    }

    fn recent(&self, number: u64, slot: Slot) -> Option<Bytes> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let position = (number, u64::from(slot.position));
        let behind = recent
            .commits
            .partition_point(|(segment, place, _)| (*segment, *place) <= position);
        let (segment, place, bytes) = recent.commits.get(behind.checked_sub(1)?)?;
        let start = usize::try_from(position.1 - place).ok()?;
        let end = start.checked_add(slot.length as usize)?;
        (*segment == number && end <= bytes.len()).then(|| bytes.slice(start..end))
    }

    fn opened(&self, number: u64) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().rposition(|(other, _)| *other == number) {
            let found = open.remove(at);
            let file = Arc::clone(&found.1);
            open.push(found);
            return Ok(file);
        }
        let file = Arc::new(File::open(self.segment(number))?);
        if open.len() >= OPEN_MAX {
            open.remove(0);
        }
        open.push((number, Arc::clone(&file)));
        Ok(file)
    }
}
