//! Rows of one width, in memory as long as they are few, and else in a file that has no name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

const VALUE_BYTES: u64 = size_of::<f32>() as u64;

/// Where rows are kept.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Bytes of rows in memory. With more, all of them go to a file.
    pub memory_max_bytes: usize,
    /// Where that file is made. It has no name, and is gone with the process, however that ends.
    pub directory: PathBuf,
}

impl Default for Storage {
    /// 64 MiB, and the system's directory for temporary files (`TMPDIR`).
    fn default() -> Self {
        Self {
            memory_max_bytes: 64 << 20,
            directory: std::env::temp_dir(),
        }
    }
}

/// The rows; written once, in order, and then read at will, by several threads too.
pub(super) struct RowStore {
    width: usize,
    rows: u64,
    storage: Storage,
    kept: Kept,
}

enum Kept {
    Memory(Vec<f32>),
    File(File),
}

impl RowStore {
    /// For rows of `width` values.
    pub(super) fn new(width: usize, storage: Storage) -> Self {
        Self {
            width,
            rows: 0,
            storage,
            kept: Kept::Memory(Vec::new()),
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Bytes of all rows so far.
    pub(super) fn bytes(&self) -> u64 {
        self.offset(self.rows)
    }

    fn offset(&self, row: u64) -> u64 {
        row * self.width as u64 * VALUE_BYTES
    }

    /// Adds whole rows.
    pub(super) fn append(&mut self, values: &[f32]) -> io::Result<()> {
        let end = self.bytes();
        match &mut self.kept {
            Kept::Memory(kept)
                if size_of_val(kept.as_slice()) + size_of_val(values)
                    <= self.storage.memory_max_bytes =>
            {
                kept.extend_from_slice(values);
            }
            Kept::Memory(kept) => {
                let file = tempfile::tempfile_in(&self.storage.directory)?;
                file.write_all_at(bytemuck::cast_slice(kept), 0)?;
                file.write_all_at(bytemuck::cast_slice(values), end)?;
                self.kept = Kept::File(file);
            }
            Kept::File(file) => file.write_all_at(bytemuck::cast_slice(values), end)?,
        }
        self.rows += (values.len() / self.width) as u64;
        Ok(())
    }

    /// Adds the values of `rows` rows from `first` on to `into`; there have to be that many.
    pub(super) fn read(&self, first: u64, rows: usize, into: &mut Vec<f32>) -> io::Result<()> {
        let (filled, values) = (into.len(), rows * self.width);
        match &self.kept {
            Kept::Memory(kept) => {
                let start = usize::try_from(first)
                    .unwrap_or(usize::MAX)
                    .saturating_mul(self.width);
                let found = kept.get(start..start.saturating_add(values));
                into.extend_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            }
            Kept::File(file) => {
                into.resize(filled + values, 0.0);
                let room = into.get_mut(filled..).unwrap_or_default();
                file.read_exact_at(bytemuck::cast_slice_mut(room), self.offset(first))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn store(memory_max_bytes: usize, width: usize, blocks: &[Vec<f32>]) -> RowStore {
        let mut store = RowStore::new(
            width,
            Storage {
                memory_max_bytes,
                ..Storage::default()
            },
        );
        blocks.iter().for_each(|block| store.append(block).unwrap());
        store
    }

    fn bits(store: &RowStore, first: u64, rows: usize) -> Vec<u32> {
        let mut values = vec![7.0];
        store.read(first, rows, &mut values).unwrap();
        values.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn rows_beyond_the_bound_are_the_same_as_within(
            width in 1_usize..5, lengths in proptest::collection::vec(0_usize..9, 1..6), memory_max_bytes in 0_usize..200,
        ) {
            let mut bits_of = 0x7f80_0000_u32;
            let mut block = |rows: &usize| -> Vec<f32> {
                (0..rows * width).map(|_| { bits_of = bits_of.wrapping_mul(2_654_435_761).wrapping_add(1); f32::from_bits(bits_of) }).collect()
            };
            let blocks: Vec<_> = lengths.iter().map(&mut block).collect();
            let (within, beyond) = (store(usize::MAX, width, &blocks), store(memory_max_bytes, width, &blocks));
            prop_assert_eq!(within.rows(), lengths.iter().sum::<usize>() as u64);
            for first in 0..=within.rows() {
                for rows in 0..=(within.rows() - first) as usize {
                    prop_assert_eq!(bits(&within, first, rows), bits(&beyond, first, rows));
                }
            }
        }
    }

    #[test]
    fn a_bound_is_kept_to() {
        let blocks = [vec![1.0; 4], vec![2.0; 4]];
        assert!(matches!(store(32, 2, &blocks).kept, Kept::Memory(_)));
        assert!(matches!(store(31, 2, &blocks).kept, Kept::File(_)));
    }
}
