//! Which format a file has: the user or its name says so, or else its first bytes.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Rows;
use super::columns::Wanted;
use super::csv::Csv;
use super::error::{DatasetError, Place};
use super::fault::Fault;
use super::json_lines::JsonLines;
use super::options::FileFormat;
use super::parquet::Parquet;
use super::{npy, npz};

/// How a gzip file begins.
pub(super) const GZIP: &[u8] = b"\x1f\x8b";
const BEGINNING_BYTES: usize = 8;

/// What a file may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Format {
    Csv,
    Tsv,
    JsonLines,
    Parquet,
    Npy,
    Npz,
    Gzip,
}

/// Opens a file as what it is.
pub(super) fn open(file: &Path, wanted: &Wanted<'_>) -> Result<Box<dyn Rows>, DatasetError> {
    let whole = |fault| DatasetError::at(file, Place::Whole, fault);
    let beginning = File::open(file)
        .and_then(|file| beginning(&file))
        .map_err(|error| whole(Fault::Unreadable(error)))?;
    if beginning.is_empty() {
        return Err(whole(Fault::Empty));
    }
    refuse_container(&beginning).map_err(whole)?;
    let format = match wanted.options.format {
        Some(given) => Format::from(given),
        None => Format::of(file, &beginning).map_err(whole)?,
    };
    Ok(match format {
        Format::Csv => Box::new(Csv::open(file, None, wanted)?),
        Format::Tsv => Box::new(Csv::open(file, Some(b'\t'), wanted)?),
        Format::JsonLines => Box::new(JsonLines::open(file, wanted)?),
        Format::Parquet => Box::new(Parquet::open(file, wanted).map_err(whole)?),
        Format::Npy => Box::new(npy::open(file, wanted).map_err(whole)?),
        Format::Npz => Box::new(npz::open(file, wanted).map_err(whole)?),
        Format::Gzip => return Err(whole(Fault::UnknownFormat)),
    })
}

/// Refuses a container that is known and not read, by what it is.
fn refuse_container(beginning: &[u8]) -> Result<(), Fault> {
    const UNPACK: &str = "unpack it first; files packed with gzip are read";
    const CONVERT: &str = "export its rows as CSV or Parquet";
    const KNOWN: [(&[u8], &str, &str); 9] = [
        (b"BZh", "a bzip2 file", UNPACK),
        (b"\xfd7zXZ", "an xz file", UNPACK),
        (b"\x28\xb5\x2f\xfd", "a Zstandard file", UNPACK),
        (b"7z\xbc\xaf", "a 7-Zip file", UNPACK),
        (b"\x89HDF", "an HDF5 file", CONVERT),
        (b"ARROW1", "an Arrow file", CONVERT),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook", CONVERT),
        (b"\xff\xfe", "text in UTF-16", "write it as UTF-8"),
        (b"\xfe\xff", "text in UTF-16", "write it as UTF-8"),
    ];
    let known = KNOWN
        .into_iter()
        .find(|(signature, ..)| beginning.starts_with(signature));
    match known {
        Some((_, what, remedy)) => Err(Fault::Container {
            what: what.to_owned(),
            remedy,
        }),
        None => Ok(()),
    }
}

/// The first bytes of a file, as many as its format needs to be known.
pub(super) fn beginning(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; BEGINNING_BYTES];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

impl Format {
    fn of(file: &Path, beginning: &[u8]) -> Result<Self, Fault> {
        match (Self::named(file), Self::held(beginning)) {
            (Some(named), None) => Ok(named),
            (Some(named), Some(held))
                if named == held || (held == Self::Gzip && named.is_text()) =>
            {
                Ok(named)
            }
            (Some(named), Some(held)) => Err(Fault::OtherFormat { named, held }),
            (None, Some(held)) => Ok(held),
            (None, None) if beginning.trim_ascii_start().starts_with(b"{") => Ok(Self::JsonLines),
            (None, None) => Err(Fault::UnknownFormat),
        }
    }

    fn named(file: &Path) -> Option<Self> {
        let name = file.file_name()?.to_string_lossy().to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        Some(match name.rsplit_once('.')?.1 {
            "csv" | "txt" => Self::Csv,
            "tsv" => Self::Tsv,
            "jsonl" | "ndjson" => Self::JsonLines,
            "parquet" => Self::Parquet,
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            _ => return None,
        })
    }

    fn held(beginning: &[u8]) -> Option<Self> {
        let signatures = [
            (&b"PAR1"[..], Self::Parquet),
            (npy::SIGNATURE, Self::Npy),
            (b"PK\x03\x04", Self::Npz),
            (GZIP, Self::Gzip),
        ];
        signatures
            .into_iter()
            .find(|(signature, _)| beginning.starts_with(signature))
            .map(|(_, format)| format)
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::JsonLines)
    }
}

impl From<FileFormat> for Format {
    fn from(given: FileFormat) -> Self {
        match given {
            FileFormat::Csv => Self::Csv,
            FileFormat::JsonLines => Self::JsonLines,
            FileFormat::Parquet => Self::Parquet,
            FileFormat::Npy => Self::Npy,
            FileFormat::Npz => Self::Npz,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv | Self::Tsv => "CSV",
            Self::JsonLines => "JSON lines",
            Self::Parquet => "Parquet",
            Self::Npy => "NPY",
            Self::Npz => "a zip file",
            Self::Gzip => "a gzip file",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{options, refusal};

    #[test]
    fn a_name_tells_the_format_and_else_the_first_bytes_do() {
        let cases: [(&str, &[u8], Format); 12] = [
            ("a.csv", b"x", Format::Csv),
            ("a.CSV.GZ", b"\x1f\x8b", Format::Csv),
            ("a.txt", b"{", Format::Csv),
            ("a.tsv", b"x", Format::Tsv),
            ("a.jsonl", b"{", Format::JsonLines),
            ("a.ndjson.gz", b"\x1f\x8b", Format::JsonLines),
            ("a.parquet", b"PAR1", Format::Parquet),
            ("a.npy", b"\x93NUMPY", Format::Npy),
            ("a.npz", b"PK\x03\x04", Format::Npz),
            ("a", b"PAR1", Format::Parquet),
            ("a.data", b"\x93NUMPY\x01", Format::Npy),
            ("a.json", b" {\"x\"", Format::JsonLines),
        ];
        for (name, beginning, expected) in cases {
            assert_eq!(
                Format::of(Path::new(name), beginning).unwrap(),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        let unknown = "this is no format that is known\n\
                       hint: name it .csv, .tsv, .txt, .jsonl, .ndjson (each also .gz), .parquet, .npy or .npz; --format says what it is";
        let cases: [(&str, &[u8], &str); 7] = [
            ("a.dat", b"x,anomaly\n", unknown),
            ("a", b"\x1f\x8b", unknown),
            (
                "a.csv",
                b"PAR1",
                "the name says CSV, but it holds Parquet\nhint: rename it",
            ),
            (
                "a.npy",
                b"PK\x03\x04",
                "the name says NPY, but it holds a zip file\nhint: rename it",
            ),
            (
                "a.npy.gz",
                b"\x1f\x8b",
                "the name says NPY, but it holds a gzip file\nhint: rename it",
            ),
            (
                "a.parquet",
                b"",
                "the file is empty\nhint: it needs named columns, and rows",
            ),
            (
                "a.csv",
                b"",
                "the file is empty\nhint: it needs named columns, and rows",
            ),
        ];
        for (name, content, expected) in cases {
            assert_eq!(
                refusal(name, content, &options(&[])),
                format!("{name}: {}", expected)
            );
        }
    }

    #[test]
    fn a_container_that_is_not_read_is_named() {
        let cases: [(&str, &[u8], &str); 3] = [
            (
                "a.csv.bz2",
                b"BZh91AY&SY",
                "this is a bzip2 file, which is not read\n\
                 hint: unpack it first; files packed with gzip are read",
            ),
            (
                "a.csv",
                b"\xff\xfex\0,\0",
                "this is text in UTF-16, which is not read\nhint: write it as UTF-8",
            ),
            (
                "a.h5",
                b"\x89HDF\r\n\x1a\n",
                "this is an HDF5 file, which is not read\nhint: export its rows as CSV or Parquet",
            ),
        ];
        for (name, content, expected) in cases {
            assert_eq!(
                refusal(name, content, &options(&[])),
                format!("{name}: {expected}")
            );
        }
    }
}
