//! One column of a row group as cells.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescriptor;

use crate::cells::Cell;
use crate::fault::Fault;

/// Gives the values of one column of a row group, in their order.
pub(super) trait Column: Send {
    /// Replaces what `into` holds by the next `rows` values.
    fn read(&mut self, rows: usize, into: &mut Values) -> Result<(), Fault>;
}

/// Some values of a column.
#[derive(Default)]
pub(super) struct Values {
    /// NaN where there is none.
    pub(super) numbers: Vec<f64>,
    /// Instead of numbers; `None` where there is none.
    pub(super) texts: Vec<Option<ByteArray>>,
}

impl Values {
    /// The cell of a row.
    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        match self.texts.get(row) {
            Some(Some(text)) => Cell::Text(text.data().trim_ascii()),
            Some(None) => Cell::Number(f64::NAN),
            None => Cell::Number(self.numbers.get(row).copied().unwrap_or(f64::NAN)),
        }
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.texts.clear();
    }
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// As their physical type says; or, if it is of whole numbers, these divided by `divisor`.
    Signed { divisor: f64, level_max: i16 },
    /// Whole numbers without a sign.
    Unsigned { level_max: i16 },
    /// Whole numbers in bytes, the highest first, divided by `divisor`.
    Decimal { divisor: f64, level_max: i16 },
    /// Numbers of 16 bits.
    Half { level_max: i16 },
    /// Text, which may be numbers: categories are stored so.
    Text { level_max: i16 },
}

impl Kind {
    /// Says what the values are, if they can be numbers, or are only wanted as text.
    pub(super) fn of(column: &ColumnDescriptor, is_only_text: bool) -> Result<Self, Fault> {
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
        let is_decimal = column.converted_type() == ConvertedType::DECIMAL
            || matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)));
        let divisor = 10_f64.powi(column.type_scale());
        match (physical, column.converted_type()) {
            _ if is_time(column) && !(is_only_text && physical != Type::INT96) => {
                not_numeric("a date or time")
            }
            (Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY, _) if is_decimal => {
                Ok(Self::Decimal { divisor, level_max })
            }
            (Type::FIXED_LEN_BYTE_ARRAY, _)
                if matches!(column.logical_type_ref(), Some(LogicalType::Float16)) =>
            {
                Ok(Self::Half { level_max })
            }
            (Type::BYTE_ARRAY, ConvertedType::UTF8 | ConvertedType::ENUM) => {
                Ok(Self::Text { level_max })
            }
            (Type::BYTE_ARRAY, ConvertedType::JSON) => not_numeric("text"),
            (Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY, _) => not_numeric("bytes"),
            (
                _,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
            ) => Ok(Self::Unsigned { level_max }),
            _ if is_decimal => Ok(Self::Signed { divisor, level_max }),
            _ => Ok(Self::Signed {
                divisor: 1.0,
                level_max,
            }),
        }
    }

    /// Reads a column as this kind.
    pub(super) fn open(self, reader: ColumnReader) -> Result<Box<dyn Column>, Fault> {
        match (self, reader) {
            (Self::Signed { level_max, .. }, ColumnReader::BoolColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, |value| {
                    f64::from(u8::from(*value))
                }))
            }
            (Self::Signed { divisor, level_max }, ColumnReader::Int32ColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, move |value| {
                    f64::from(*value) / divisor
                }))
            }
            (Self::Signed { divisor, level_max }, ColumnReader::Int64ColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, move |value| {
                    *value as f64 / divisor
                }))
            }
            (Self::Signed { level_max, .. }, ColumnReader::FloatColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, |value| f64::from(*value)))
            }
            (Self::Signed { level_max, .. }, ColumnReader::DoubleColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, |value| *value))
            }
            (Self::Unsigned { level_max }, ColumnReader::Int32ColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, |value| {
                    f64::from(value.cast_unsigned())
                }))
            }
            (Self::Unsigned { level_max }, ColumnReader::Int64ColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, |value| {
                    value.cast_unsigned() as f64
                }))
            }
            (
                Self::Decimal { divisor, level_max },
                ColumnReader::FixedLenByteArrayColumnReader(reader),
            ) => Ok(Numbers::open(reader, level_max, move |value| {
                whole_number(value.data()) / divisor
            })),
            (Self::Decimal { divisor, level_max }, ColumnReader::ByteArrayColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, move |value| {
                    whole_number(value.data()) / divisor
                }))
            }
            (Self::Half { level_max }, ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                Ok(Numbers::open(reader, level_max, |value| {
                    half_float(value.data())
                }))
            }
            (Self::Text { level_max }, ColumnReader::ByteArrayColumnReader(reader)) => {
                Ok(Box::new(Texts(Typed::new(reader, level_max))))
            }
            _ => Err(Fault::Damaged {
                what: "the Parquet file",
                reason: "a column's type is not the schema's".into(),
            }),
        }
    }
}

/// A whole number in two's complement, the highest byte first. Up to 16 bytes are exact before the
/// rounding to 64 bits.
fn whole_number(bytes: &[u8]) -> f64 {
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) {
        -1
    } else {
        0
    };
    let high = bytes.len().saturating_sub(16);
    let fold = |number: i128, byte: &u8| (number << 8) | i128::from(*byte);
    let low = bytes
        .get(high..)
        .unwrap_or_default()
        .iter()
        .fold(sign, fold);
    let is_longer = bytes
        .get(..high)
        .unwrap_or_default()
        .iter()
        .any(|byte| i128::from(*byte) != sign & 0xff);
    if is_longer { f64::INFINITY } else { low as f64 }
}

/// A number of 16 bits, IEEE 754 binary16, the lowest byte first.
fn half_float(bytes: &[u8]) -> f64 {
    let bits = match bytes {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => return f64::NAN,
    };
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
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

/// What `parquet` has to say about a file.
pub(super) fn damaged(error: ParquetError) -> Fault {
    Fault::Damaged {
        what: "the Parquet file",
        reason: error.to_string(),
    }
}

/// A column of one physical type.
struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    /// The level of a value that is there; 0 if none can be missing.
    level_max: i16,
    levels: Vec<i16>,
    values: Vec<T::T>,
}

impl<T: DataType> Typed<T> {
    fn new(reader: ColumnReaderImpl<T>, level_max: i16) -> Self {
        Self {
            reader,
            level_max,
            levels: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Reads the next `rows` values, and adds what `convert` makes of each to `into`, or of none
    /// where a value is missing.
    fn read<V>(
        &mut self,
        rows: usize,
        into: &mut Vec<V>,
        convert: impl Fn(Option<&T::T>) -> V,
    ) -> Result<(), Fault> {
        self.levels.clear();
        self.values.clear();
        let read = self
            .reader
            .read_records(rows, Some(&mut self.levels), None, &mut self.values);
        let (records, _, _) = read.map_err(damaged)?;
        let mut values = self.values.iter();
        if self.level_max == 0 {
            into.extend(values.map(|value| convert(Some(value))));
        } else {
            for level in &self.levels {
                let value = if *level == self.level_max {
                    values.next()
                } else {
                    None
                };
                into.push(convert(value));
            }
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

/// A column of numbers.
struct Numbers<T: DataType, N> {
    typed: Typed<T>,
    number: N,
}

impl<T: DataType, N: Fn(&T::T) -> f64 + Send + 'static> Numbers<T, N> {
    fn open(reader: ColumnReaderImpl<T>, level_max: i16, number: N) -> Box<dyn Column> {
        Box::new(Self {
            typed: Typed::new(reader, level_max),
            number,
        })
    }
}

impl<T: DataType, N: Fn(&T::T) -> f64 + Send> Column for Numbers<T, N> {
    fn read(&mut self, rows: usize, into: &mut Values) -> Result<(), Fault> {
        into.clear();
        let number = |value: Option<&T::T>| value.map_or(f64::NAN, &self.number);
        self.typed.read(rows, &mut into.numbers, number)
    }
}

/// A column of text.
struct Texts(Typed<ByteArrayType>);

impl Column for Texts {
    fn read(&mut self, rows: usize, into: &mut Values) -> Result<(), Fault> {
        into.clear();
        self.0.read(rows, &mut into.texts, |value| value.cloned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_bytes_are_read_as_their_standards_say() {
        let cases: [(&[u8], f64); 5] = [
            (&[0x04, 0xd2], 1234.0),
            (&[0xfb, 0x2e], -1234.0),
            (&[], 0.0),
            (&[0xff; 20], -1.0),
            (&[0x7f; 17], f64::INFINITY),
        ];
        for (bytes, expected) in cases {
            assert_eq!(whole_number(bytes), expected, "{bytes:?}");
        }
        // From the table of examples of IEEE 754 binary16.
        let cases: [(u16, f64); 6] = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x3555, 0.333_251_953_125),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, expected) in cases {
            assert_eq!(half_float(&bits.to_le_bytes()), expected, "{bits:#x}");
        }
        assert!(half_float(&0x7e00_u16.to_le_bytes()).is_nan());
    }
}
