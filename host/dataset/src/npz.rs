//! NPZ: a zip file of arrays. One holds the features, such as ADBench's `X`; the label is an array
//! of its own, such as `y`, or a column of the features.
//!
//! An array that is packed is unpacked into a file without a name, for which `TMPDIR` needs room.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::DeflateDecoder;
use rawzip::{
    CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder,
};

use super::columns::{Columns, Wanted};
use super::fault::Fault;
use super::npy::{Array, Region, Table, names};

/// An array of the file.
struct Entry {
    name: String,
    /// Whether its name says that it is an array.
    is_array: bool,
    place: ZipArchiveEntryWayfinder,
    packing: CompressionMethod,
}

/// Opens an NPZ file.
pub(super) fn open(file: &Path, wanted: &Wanted<'_>) -> Result<Table, Fault> {
    let source = File::open(file).map_err(Fault::Unreadable)?;
    let bytes = source.metadata().map_err(Fault::Unreadable)?.len();
    let shared = Arc::new(source.try_clone().map_err(Fault::Unreadable)?);
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(source, &mut buffer).map_err(damaged)?;
    let mut entries = entries(&archive, &mut buffer)?;
    refuse_other_zip(&entries)?;
    let label = wanted.options.label.clone();
    let labels = entries
        .iter()
        .position(|entry| Some(&entry.name) == label.as_ref())
        .map(|index| entries.remove(index));
    let (ignored, features): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|entry| wanted.options.ignore.contains(&entry.name));
    let [features] = features.as_slice() else {
        return Err(Fault::Arrays {
            names: features.into_iter().map(|entry| entry.name).collect(),
            label: label.unwrap_or_default(),
        });
    };
    let array = features.open(&archive, &shared, wanted)?;
    let labels = labels
        .map(|entry| entry.open(&archive, &shared, wanted))
        .transpose()?;
    let mut names = names(array.columns()?)?;
    if let Some(labels) = &labels {
        if labels.width() != 1 || labels.rows() != array.rows() {
            return Err(Fault::LabelShape {
                label: label.unwrap_or_default(),
                rows: array.rows(),
            });
        }
        names.extend(label);
    }
    names.extend(ignored.into_iter().map(|entry| entry.name));
    Ok(Table::new(
        file,
        bytes,
        Columns::new(names, wanted)?,
        array,
        labels,
    ))
}

/// Refuses a zip file of other files than arrays, by what it is.
fn refuse_other_zip(entries: &[Entry]) -> Result<(), Fault> {
    if entries.is_empty() || entries.iter().any(|entry| entry.is_array) {
        return Ok(());
    }
    let is_workbook = entries.iter().any(|entry| entry.name == "xl/workbook.xml");
    Err(if is_workbook {
        Fault::Container {
            what: "an Excel workbook".to_owned(),
            remedy: "save its sheet as CSV",
        }
    } else {
        let first = entries.first().map_or("", |entry| entry.name.as_str());
        Fault::Container {
            what: format!("a zip file that holds {first:?}"),
            remedy: "unzip it first; a CSV file packed with gzip is read",
        }
    })
}

fn entries(archive: &ZipArchive<FileReader>, buffer: &mut [u8]) -> Result<Vec<Entry>, Fault> {
    let mut found = Vec::new();
    let mut entries = archive.entries(buffer);
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
        let array_name = name.strip_suffix(".npy");
        found.push(Entry {
            is_array: array_name.is_some(),
            name: array_name.map_or(name.clone(), str::to_owned),
            place: entry.wayfinder(),
            packing: entry.compression_method(),
        });
    }
    Ok(found)
}

impl Entry {
    fn open(
        &self,
        archive: &ZipArchive<FileReader>,
        file: &Arc<File>,
        wanted: &Wanted<'_>,
    ) -> Result<Array, Fault> {
        let entry = archive.get_entry(self.place).map_err(damaged)?;
        let region = match self.packing {
            CompressionMethod::STORE => {
                let (start, end) = entry.compressed_data_range();
                Region {
                    file: Arc::clone(file),
                    start,
                    bytes: end.saturating_sub(start),
                }
            }
            CompressionMethod::DEFLATE => {
                let decoder = DeflateDecoder::new(BufReader::new(entry.reader()));
                unpack(entry.verifying_reader(decoder), wanted.scratch)?
            }
            other => {
                return Err(Fault::Packing {
                    array: self.name.clone(),
                    packing: format!("{other:?}"),
                });
            }
        };
        Array::open(region).map_err(|fault| Fault::InArray {
            array: self.name.clone(),
            fault: Box::new(fault),
        })
    }
}

/// Unpacks into a file in `scratch`.
fn unpack(mut packed: impl io::Read, scratch: &Path) -> Result<Region, Fault> {
    const CHUNK_BYTES: usize = 1 << 18;
    let no_room = |reason| Fault::NoScratch {
        directory: scratch.to_owned(),
        reason,
    };
    let mut file = tempfile::tempfile_in(scratch).map_err(no_room)?;
    let (mut chunk, mut bytes) = (vec![0; CHUNK_BYTES], 0);
    loop {
        match packed.read(&mut chunk) {
            Ok(0) => {
                return Ok(Region {
                    file: Arc::new(file),
                    start: 0,
                    bytes,
                });
            }
            Ok(read) => {
                file.write_all(chunk.get(..read).unwrap_or_default())
                    .map_err(no_room)?;
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(Fault::Damaged {
                    what: "the NPZ file",
                    reason: error.to_string(),
                });
            }
        }
    }
}

fn damaged(error: rawzip::Error) -> Fault {
    Fault::Damaged {
        what: "the NPZ file",
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
