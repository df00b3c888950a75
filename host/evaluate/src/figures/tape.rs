//! Records in the order written: in memory as long as they are few, then in a temporary file that
//! has no name.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;

/// Bytes that are read or written at once.
pub(super) const BUFFER_BYTES: usize = 64 << 10;

/// What a tape can hold: always as many bytes.
pub(super) trait Record: Copy {
    type Bytes: AsRef<[u8]> + AsMut<[u8]> + Default;

    fn encode(&self) -> Self::Bytes;
    fn decode(bytes: &Self::Bytes) -> Self;
}

/// Bytes of a record in a file.
pub(super) fn bytes_of<T: Record>() -> u64 {
    T::Bytes::default().as_ref().len() as u64
}

/// Writes records at the end of a file.
pub(super) fn write_all<T: Record>(file: &mut File, records: &[T]) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
    records
        .iter()
        .try_for_each(|record| writer.write_all(record.encode().as_ref()))?;
    writer.flush()
}

/// Records that grow at the end and are read from the start, as often as needed.
#[derive(Debug)]
pub(super) struct Tape<T> {
    /// The newest records; older ones are in the file.
    newest: Vec<T>,
    newest_max: usize,
    file: Option<File>,
    in_file: u64,
}

impl<T: Record> Tape<T> {
    /// Keeps no more than `in_memory` records in memory, but at least one.
    pub(super) fn new(in_memory: usize) -> Self {
        Self {
            newest: Vec::new(),
            newest_max: in_memory.max(1),
            file: None,
            in_file: 0,
        }
    }

    pub(super) fn push(&mut self, record: T) -> io::Result<()> {
        if self.newest.len() >= self.newest_max {
            self.spill()?;
        }
        self.newest.push(record);
        Ok(())
    }

    pub(super) fn len(&self) -> u64 {
        self.in_file + self.newest.len() as u64
    }

    /// All records, from the first.
    pub(super) fn iter(&self) -> impl Iterator<Item = io::Result<T>> {
        let in_file = self
            .file
            .iter()
            .flat_map(|file| Section::new(file, 0, self.in_file).records());
        in_file.chain(self.newest.iter().copied().map(Ok))
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        write_all(file, &self.newest)?;
        self.in_file += self.newest.len() as u64;
        self.newest.clear();
        Ok(())
    }
}

/// Consecutive records of a file, read without moving its position: several sections may be read in
/// turns.
pub(super) struct Section<F> {
    file: F,
    at: u64,
    records: u64,
}

impl<F: std::ops::Deref<Target = File>> Section<F> {
    /// So many `records` from byte `at` on.
    pub(super) fn new(file: F, at: u64, records: u64) -> Self {
        Self { file, at, records }
    }

    pub(super) fn records<T: Record>(self) -> impl Iterator<Item = io::Result<T>> {
        let records = self.records;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, self);
        (0..records).map(move |_| {
            let mut bytes = T::Bytes::default();
            reader.read_exact(bytes.as_mut())?;
            Ok(T::decode(&bytes))
        })
    }
}

impl<F: std::ops::Deref<Target = File>> Read for Section<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read_at(buffer, self.at)?;
        self.at += bytes as u64;
        Ok(bytes)
    }
}

impl Record for u64 {
    type Bytes = [u8; 8];

    fn encode(&self) -> [u8; 8] {
        self.to_le_bytes()
    }

    fn decode(bytes: &[u8; 8]) -> Self {
        Self::from_le_bytes(*bytes)
    }
}

impl Record for f32 {
    type Bytes = [u8; 4];

    fn encode(&self) -> [u8; 4] {
        self.to_le_bytes()
    }

    fn decode(bytes: &[u8; 4]) -> Self {
        Self::from_le_bytes(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_come_back_in_their_order_wherever_they_are(
            records in prop::collection::vec(any::<u64>(), 0..100),
            in_memory in 0_usize..120,
        ) {
            let mut tape = Tape::new(in_memory);
            records.iter().for_each(|&record| tape.push(record).unwrap());
            prop_assert_eq!(tape.len(), records.len() as u64);
            for _ in 0..2 {
                prop_assert_eq!(tape.iter().collect::<io::Result<Vec<_>>>().unwrap(), records.clone());
            }
        }
    }

    #[test]
    fn a_tape_grows_while_it_has_been_read() {
        let mut tape = Tape::new(2);
        for record in 0..9 {
            tape.push(record).unwrap();
            assert_eq!(
                tape.iter().map(Result::unwrap).collect::<Vec<u64>>(),
                (0..=record).collect::<Vec<_>>()
            );
        }
    }
}
