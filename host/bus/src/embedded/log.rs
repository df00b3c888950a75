//! The end of the log: commits are appended to the newest segment, which is followed by a new one
//! when it is full.
//!
//! Only the writer's thread appends.

mod reclaim;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;

use super::Fsync;
use super::chain::{Chain, Place};
use super::damage::OnWarning;
use super::entry::{self, Head, Kind, Puts, Values};
use super::index::Index;
use super::partition::Partition;
use super::recovery::{Newest, Recovered};
use super::segment::{Files, Slot};

/// Where the next commit will lie, and what it holds.
pub(super) struct Draft {
    commit: u64,
    place: u64,
    bytes: Vec<u8>,
    batches: Vec<(Arc<Chain>, u64, Range<usize>)>,
    puts: Puts,
}

impl Draft {
    /// Changes a value; `None` removes it.
    pub(super) fn put(&mut self, key: Vec<u8>, value: Option<Bytes>) {
        self.puts.insert(key, value);
    }

    /// Takes a batch in: `number` of its partition.
    pub(super) fn add(&mut self, partition: &Partition, number: u64, batch: &[u8]) {
        let head = Head {
            kind: Kind::Batch,
            commit: self.commit,
            topic: &partition.topic,
            partition: partition.index,
            number,
        };
        let body = head.write(batch, self.place, &mut self.bytes);
        self.batches
            .push((Arc::clone(&partition.chain), number, body));
    }
}

/// The newest segment, and what is known of the others.
pub(super) struct Log {
    files: Arc<Files>,
    fsync: Fsync,
    /// A segment that has reached this takes no more commits.
    segment_bytes: u64,
    segment: u64,
    file: Arc<File>,
    end: u64,
    /// A segment is at least twice its checkpoint, whatever `segment_bytes` is.
    checkpoint_bytes: u64,
    commit: u64,
    /// Why no more is taken.
    failed: Option<String>,
    chains: BTreeMap<Place, Arc<Chain>>,
    /// Older segments, rising.
    older: Vec<u64>,
    /// Writes the index of the last of `older`.
    sealing: Option<JoinHandle<()>>,
    on_warning: OnWarning,
    cannot_release: bool,
}

impl Log {
    /// Goes on behind what was recovered.
    ///
    /// # Errors
    /// The medium refused.
    pub(super) fn open(
        files: &Arc<Files>,
        recovered: &Recovered,
        fsync: Fsync,
        segment_bytes: u64,
        on_warning: OnWarning,
    ) -> io::Result<Self> {
        let newest = recovered.newest.unwrap_or(Newest {
            number: 1,
            end: 0,
            sound: true,
        });
        let file = if recovered.newest.is_some() {
            files.open_to_write(newest.number)?
        } else {
            files.create(newest.number)?
        };
        let mut log = Self {
            files: Arc::clone(files),
            fsync,
            segment_bytes,
            segment: newest.number,
            file: Arc::new(file),
            end: newest.end,
            checkpoint_bytes: 0,
            commit: recovered.commit,
            failed: None,
            chains: recovered.chains.clone(),
            older: recovered.older.clone(),
            sealing: None,
            on_warning,
            cannot_release: false,
        };
        for number in &recovered.without_index {
            let end = std::fs::metadata(files.segment(*number))?.len();
            log.seal(*number, end, files.open_to_write(*number)?)?;
        }
        if newest.sound {
            log.file.set_len(log.end)?;
            files.delete_index(log.segment)?;
            if log.end == 0 {
                log.write_checkpoint(&recovered.values)?;
                files.sync_directory()?;
            } else {
                log.extend();
            }
        } else {
            log.roll(&recovered.values)?;
        }
        Ok(log)
    }

    /// The batches of a partition, whether its topic is known by now or not.
    pub(super) fn chain(&mut self, topic: &Arc<str>, partition: u32) -> Arc<Chain> {
        let place = (Arc::clone(topic), partition);
        Arc::clone(self.chains.entry(place).or_default())
    }

    /// Begins a commit; it must be appended before another one begins.
    pub(super) fn begin(&self) -> Draft {
        Draft {
            commit: self.commit + 1,
            place: self.end,
            bytes: Vec::new(),
            batches: Vec::new(),
            puts: Puts::new(),
        }
    }

    /// Makes a commit as durable as `fsync` says, and its batches known.
    ///
    /// # Errors
    /// Why not. The log takes no more commits then, but for one that is larger than a segment can
    /// be.
    pub(super) fn append(&mut self, draft: Draft, fsync: Fsync) -> Result<Puts, String> {
        let Draft {
            commit,
            place,
            mut bytes,
            batches,
            puts,
        } = draft;
        if let Some(reason) = &self.failed {
            return Err(format!("an earlier write failed: {reason}"));
        }
        let head = Head {
            kind: Kind::Commit,
            commit,
            topic: "",
            partition: u32::try_from(batches.len()).unwrap_or(u32::MAX),
            number: 0,
        };
        let body = entry::encode_puts(puts.iter().map(|(key, value)| (key, value.as_ref())));
        head.write(&body, place, &mut bytes);
        let end = place + bytes.len() as u64;
        if u32::try_from(end).is_err() {
            return Err("more than 4 GiB at a time".to_owned());
        }
        self.file
            .write_all_at(&bytes, place)
            .and_then(|()| match fsync {
                Fsync::Never => Ok(()),
                Fsync::Always => self.file.sync_data(),
            })
            .map_err(|error| self.fail(&error))?;
        self.commit = commit;
        self.end = end;
        for (chain, number, body) in batches {
            chain.push(self.segment, number, slot(place, &body));
        }
        self.files.remember(self.segment, place, Bytes::from(bytes));
        Ok(puts)
    }

    fn fail(&mut self, error: &io::Error) -> String {
        let reason = error.to_string();
        self.failed = Some(reason.clone());
        reason
    }

    /// Whether the newest segment takes no more commits.
    pub(super) fn is_full(&self) -> bool {
        self.failed.is_none() && self.end >= self.segment_bytes.max(2 * self.checkpoint_bytes)
    }

    /// Begins a new segment, with all values. Should that fail, the next commit says so.
    pub(super) fn go_on(&mut self, values: &Values) {
        if let Err(error) = self.roll(values) {
            self.fail(&error);
        }
    }

    fn roll(&mut self, values: &Values) -> io::Result<()> {
        let (full, end) = (self.segment, self.end);
        let file = Arc::new(self.files.create(full + 1)?);
        let before = std::mem::replace(&mut self.file, file);
        self.segment = full + 1;
        self.end = 0;
        self.write_checkpoint(values)?;
        self.older.push(full);
        let before = before.try_clone()?;
        self.seal(full, end, before)
    }

    fn write_checkpoint(&mut self, values: &Values) -> io::Result<()> {
        let head = Head {
            kind: Kind::Checkpoint,
            commit: self.commit,
            topic: "",
            partition: 0,
            number: 0,
        };
        let body = entry::encode_puts(values.iter().map(|(key, value)| (key, Some(value))));
        let mut bytes = Vec::new();
        head.write(&body, 0, &mut bytes);
        self.extend();
        self.file.write_all_at(&bytes, 0)?;
        if self.fsync == Fsync::Always {
            self.file.sync_data()?;
            self.files.sync_directory()?;
        }
        self.end = bytes.len() as u64;
        self.checkpoint_bytes = self.end;
        Ok(())
    }

    /// Makes the segment as large as it will be. A sync of a file that does not grow is far cheaper;
    /// where this fails, the writes say why.
    fn extend(&self) {
        let _ = self.file.set_len(self.segment_bytes.max(self.end));
    }

    /// Puts a segment on the disk and writes its index, in the background; one at a time.
    fn seal(&mut self, number: u64, end: u64, segment: File) -> io::Result<()> {
        let index = self.index(number, end);
        let files = Arc::clone(&self.files);
        let on_warning = Arc::clone(&self.on_warning);
        self.wait_until_sealed();
        let sealing = thread::Builder::new()
            .name("log-sealer".to_owned())
            .spawn(move || {
                let sealed = segment
                    .set_len(end)
                    .and_then(|()| segment.sync_data())
                    .and_then(|()| index.write(&files, number));
                if let Err(error) = sealed {
                    on_warning(format!(
                        "the index {} cannot be written, so the log will take longer to open: {error}",
                        files.index(number).display()
                    ));
                }
            })?;
        self.sealing = Some(sealing);
        Ok(())
    }

    fn wait_until_sealed(&mut self) {
        if let Some(sealing) = self.sealing.take() {
            // A panic of the thread was reported by the panic hook.
            let _ = sealing.join();
        }
    }

    fn index(&self, segment: u64, end: u64) -> Index {
        let mut pieces = Vec::new();
        for (place, chain) in &self.chains {
            for piece in chain.pieces_in(segment) {
                pieces.push((place.clone(), piece));
            }
        }
        Index { end, pieces }
    }
}

impl Drop for Log {
    /// Puts the newest segment on the disk, with its index, which holds its length.
    fn drop(&mut self) {
        self.wait_until_sealed();
        if self.failed.is_some() {
            return;
        }
        let index = self.index(self.segment, self.end);
        let closed = self
            .file
            .set_len(self.end)
            .and_then(|()| self.file.sync_data())
            .and_then(|()| index.write(&self.files, self.segment));
        if let Err(error) = closed {
            (self.on_warning)(format!(
                "the end of the log in {} cannot be put on the disk: {error}",
                self.files.directory().display()
            ));
        }
    }
}

fn slot(place: u64, body: &Range<usize>) -> Slot {
    // The end of the commit was found to fit.
    Slot {
        position: u32::try_from(place + body.start as u64).unwrap_or(u32::MAX),
        length: u32::try_from(body.len()).unwrap_or(u32::MAX),
    }
}
