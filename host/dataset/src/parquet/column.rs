//! One column of a row group as numbers.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescriptor;

use crate::fault::Fault;

/// Gives the values of one column of a row group, in their order.
pub(super) trait Column: Send {
    /// Replaces what `into` holds by the next `rows` values; NaN where there is none.
    fn read(&mut self, rows: usize, into: &mut Vec<f64>) -> Result<(), Fault>;
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// As their physical type says; or, if it is of whole numbers, these divided by `divisor`.
    Signed { divisor: f64, level_max: i16 },
    /// Whole numbers without a sign.
    Unsigned { level_max: i16 },
}

impl Kind {
    /// Says what the values are, if they are numbers.
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Self, Fault> {
        let path = column.path().parts();
        let name = || path.first().cloned().unwrap_or_default();
        if path.len() > 1 || column.max_rep_level() > 0 {
            return Err(Fault::Nested { column: name() });
        }
        let level_max = column.max_def_level();
        let physical = column.physical_type();
        let not_numeric = |kind| {
            Err(Fault::NotNumeric {
                column: name(),
                kind,
            })
        };
        match (physical, column.converted_type()) {
            _ if is_time(column) => not_numeric("a date or time"),
            (Type::BYTE_ARRAY, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON) => {
                not_numeric("text")
            }
            (Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY, _) => not_numeric("bytes"),
            (
                _,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
            ) => Ok(Self::Unsigned { level_max }),
            (_, ConvertedType::DECIMAL) => Ok(Self::Signed {
                divisor: 10_f64.powi(column.type_scale()),
                level_max,
            }),
            _ => Ok(Self::Signed {
                divisor: 1.0,
                level_max,
            }),
        }
    }

    /// Reads a column as this kind.
    pub(super) fn open(self, reader: ColumnReader) -> Result<Box<dyn Column>, Fault> {
        match self {
            Self::Signed {
                divisor,
                level_max: max,
            } => match reader {
                ColumnReader::BoolColumnReader(reader) => Ok(Typed::open(reader, max, |value| {
                    f64::from(u8::from(*value))
                })),
                ColumnReader::Int32ColumnReader(reader) => {
                    Ok(Typed::open(reader, max, move |value| {
                        f64::from(*value) / divisor
                    }))
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    Ok(Typed::open(reader, max, move |value| {
                        *value as f64 / divisor
                    }))
                }
                ColumnReader::FloatColumnReader(reader) => {
                    Ok(Typed::open(reader, max, |value| f64::from(*value)))
                }
                ColumnReader::DoubleColumnReader(reader) => {
                    Ok(Typed::open(reader, max, |value| *value))
                }
                _ => Err(other_type()),
            },
            Self::Unsigned { level_max: max } => match reader {
                ColumnReader::Int32ColumnReader(reader) => Ok(Typed::open(reader, max, |value| {
                    f64::from(value.cast_unsigned())
                })),
                ColumnReader::Int64ColumnReader(reader) => Ok(Typed::open(reader, max, |value| {
                    value.cast_unsigned() as f64
                })),
                _ => Err(other_type()),
            },
        }
    }
}

/// Times are stored as whole numbers, but a moment is no feature.
fn is_time(column: &ColumnDescriptor) -> bool {
    use ConvertedType as Converted;
    let is_logical = matches!(
        column.logical_type_ref(),
        Some(LogicalType::Date | LogicalType::Time(_) | LogicalType::Timestamp(_))
    );
    let is_converted = matches!(
        column.converted_type(),
        Converted::DATE
            | Converted::TIME_MILLIS
            | Converted::TIME_MICROS
            | Converted::TIMESTAMP_MILLIS
            | Converted::TIMESTAMP_MICROS
            | Converted::INTERVAL
    );
    is_logical || is_converted || column.physical_type() == Type::INT96
}

fn other_type() -> Fault {
    Fault::Damaged {
        what: "the Parquet file",
        reason: "a column's type is not the schema's".into(),
    }
}

/// What `parquet` has to say about a file.
pub(super) fn damaged(error: ParquetError) -> Fault {
    Fault::Damaged {
        what: "the Parquet file",
        reason: error.to_string(),
    }
}

/// A column of one physical type.
struct Typed<T: DataType, N> {
    reader: ColumnReaderImpl<T>,
    number: N,
    /// The level of a value that is there; 0 if none can be missing.
    level_max: i16,
    levels: Vec<i16>,
    values: Vec<T::T>,
}

impl<T: DataType, N: Fn(&T::T) -> f64 + Send + 'static> Typed<T, N> {
    fn open(reader: ColumnReaderImpl<T>, level_max: i16, number: N) -> Box<dyn Column> {
        Box::new(Self {
            reader,
            number,
            level_max,
            levels: Vec::new(),
            values: Vec::new(),
        })
    }
}

impl<T: DataType, N: Fn(&T::T) -> f64 + Send> Column for Typed<T, N> {
    fn read(&mut self, rows: usize, into: &mut Vec<f64>) -> Result<(), Fault> {
        self.levels.clear();
        self.values.clear();
        into.clear();
        let read = self
            .reader
            .read_records(rows, Some(&mut self.levels), None, &mut self.values);
        let (records, _, _) = read.map_err(damaged)?;
        let mut numbers = self.values.iter().map(&self.number);
        if self.level_max == 0 {
            into.extend(numbers);
        } else {
            let mut number = |level: &i16| {
                if *level == self.level_max {
                    numbers.next()
                } else {
                    None
                }
            };
            into.extend(
                self.levels
                    .iter()
                    .map(|level| number(level).unwrap_or(f64::NAN)),
            );
        }
        if records == rows && into.len() == rows {
            return Ok(());
        }
        Err(Fault::Damaged {
            what: "the Parquet file",
            reason: format!("a column ends {} rows early", rows - records),
        })
    }
}

/// A file whose parts are read where they are, so that columns do not disturb each other.
#[derive(Clone)]
pub(super) struct Chunks {
    file: Arc<File>,
    bytes: u64,
}

/// A part of the file, from some byte on.
pub(super) struct Part {
    chunks: Chunks,
    at: u64,
}

impl Chunks {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self {
            file: Arc::new(file),
            bytes,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Part>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(Part {
            chunks: self.clone(),
            at: start,
        }))
    }

    /// A damaged file may name any length: room is made only for what there is.
    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let is_there = start
            .checked_add(length as u64)
            .is_some_and(|end| end <= self.bytes);
        if !is_there {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} are not in the file"
            )));
        }
        let mut part = vec![0; length];
        self.file.read_exact_at(&mut part, start)?;
        Ok(part.into())
    }
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.chunks.file.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
