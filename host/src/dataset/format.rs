//! Which format a file has: its name says so, or else its first bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Rows;
use super::columns::Wanted;
use super::csv::Csv;
use super::error::{DatasetError, Fault, Place};

/// How a gzip file begins.
pub(super) const GZIP: &[u8] = b"\x1f\x8b";
const BEGINNING_BYTES: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Csv,
    Tsv,
}

/// Opens a file as what it is.
pub(super) fn open(file: &Path, wanted: &Wanted<'_>) -> Result<Box<dyn Rows>, DatasetError> {
    let whole = |fault| DatasetError::at(file, Place::Whole, fault);
    let beginning =
        File::open(file).and_then(|file| beginning(&file)).map_err(|error| whole(Fault::Unreadable(error)))?;
    Ok(match Format::of(file, &beginning).map_err(whole)? {
        Format::Csv => Box::new(Csv::open(file, None, wanted)?),
        Format::Tsv => Box::new(Csv::open(file, Some(b'\t'), wanted)?),
    })
}

/// The first bytes of a file, as many as tell its format.
pub(super) fn beginning(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; BEGINNING_BYTES];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

impl Format {
    fn of(file: &Path, _beginning: &[u8]) -> Result<Self, Fault> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("csv" | "txt") => Ok(Self::Csv),
            Some("tsv") => Ok(Self::Tsv),
            _ => Err(Fault::UnknownFormat),
        }
    }
}
