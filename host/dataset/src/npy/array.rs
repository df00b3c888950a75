//! Numbers of an array, read where they lie in a file.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::SIGNATURE;
use super::header::{Element, Header, Kind, damaged};
use crate::fault::Fault;

/// Part of a file, which holds an array with its header.
pub(crate) struct Region {
    pub(crate) file: Arc<File>,
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

/// An array of rows and columns, or of rows alone.
pub(crate) struct Array {
    region: Region,
    header: Header,
    /// Where the values begin, from the start of the region.
    values_at: u64,
    rows: u64,
    width: usize,
    bytes: Vec<u8>,
}

impl Region {
    fn read(&self, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        let is_inside = at
            .checked_add(into.len() as u64)
            .is_some_and(|end| end <= self.bytes);
        if !is_inside {
            return Err(damaged("it ends too early".into()));
        }
        self.file
            .read_exact_at(into, self.start + at)
            .map_err(Fault::Unreadable)
    }
}

impl Array {
    /// Reads the header, and checks that all values are there.
    pub(crate) fn open(region: Region) -> Result<Self, Fault> {
        const HEADER_MAX_BYTES: u32 = 1 << 20;
        let mut start = [0; 8];
        region.read(0, &mut start)?;
        if !start.starts_with(SIGNATURE) {
            return Err(damaged("it does not begin as one".into()));
        }
        let [.., version, _] = start;
        let (length_bytes, length) = if version == 1 {
            let mut length = [0; 2];
            region.read(8, &mut length)?;
            (2, u32::from(u16::from_le_bytes(length)))
        } else {
            let mut length = [0; 4];
            region.read(8, &mut length)?;
            (4, u32::from_le_bytes(length))
        };
        if length > HEADER_MAX_BYTES {
            return Err(damaged(format!("its header would have {length} bytes")));
        }
        let mut text = vec![0; length as usize];
        region.read(8 + length_bytes, &mut text)?;
        let header = Header::parse(&String::from_utf8_lossy(&text))?;
        Self::new(region, header, 8 + length_bytes + u64::from(length))
    }

    fn new(region: Region, header: Header, values_at: u64) -> Result<Self, Fault> {
        let expected = header
            .shape
            .iter()
            .try_fold(header.element.bytes() as u64, |bytes, part| {
                bytes.checked_mul(*part)
            });
        let found = region.bytes - values_at;
        if expected.is_none_or(|expected| expected > found) {
            let expected =
                expected.map_or_else(|| "too many".to_owned(), |expected| expected.to_string());
            return Err(damaged(format!(
                "its values have {found} bytes instead of {expected}"
            )));
        }
        let (rows, width) = match header.shape.as_slice() {
            [rows] => (*rows, 1),
            [rows, width] => (*rows, usize::try_from(*width).unwrap_or(usize::MAX)),
            shape => {
                return Err(Fault::Dimensions {
                    dimensions: shape.len(),
                });
            }
        };
        Ok(Self {
            region,
            header,
            values_at,
            rows,
            width,
            bytes: Vec::new(),
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Numbers of a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Numbers of a row, if the array has columns at all.
    pub(crate) fn columns(&self) -> Result<usize, Fault> {
        match self.header.shape.len() {
            2 => Ok(self.width),
            dimensions => Err(Fault::Dimensions { dimensions }),
        }
    }

    /// Replaces what `into` holds by the numbers of `rows` rows from `first` on, row after row.
    pub(crate) fn read(
        &mut self,
        first: u64,
        rows: usize,
        into: &mut Vec<f64>,
    ) -> Result<(), Fault> {
        let (width, element) = (self.width, self.header.element);
        into.clear();
        into.resize(rows * width, f64::NAN);
        let size = element.bytes();
        if !self.header.is_fortran {
            self.bytes.resize(rows * width * size, 0);
            self.region.read(
                self.values_at + first * (width * size) as u64,
                &mut self.bytes,
            )?;
            element.decode(&self.bytes, into.iter_mut());
            return Ok(());
        }
        self.bytes.resize(rows * size, 0);
        for column in 0..width {
            let before = column as u64 * self.rows + first;
            self.region
                .read(self.values_at + before * size as u64, &mut self.bytes)?;
            element.decode(&self.bytes, into.iter_mut().skip(column).step_by(width));
        }
        Ok(())
    }
}

impl Element {
    fn decode<'a>(self, bytes: &[u8], into: impl Iterator<Item = &'a mut f64>) {
        match self.kind {
            Kind::Bool => self.each(bytes, into, |[byte]| f64::from(u8::from(byte != 0))),
            Kind::I8 => self.each(bytes, into, |byte| f64::from(i8::from_le_bytes(byte))),
            Kind::I16 => self.each(bytes, into, |bytes| f64::from(i16::from_le_bytes(bytes))),
            Kind::I32 => self.each(bytes, into, |bytes| f64::from(i32::from_le_bytes(bytes))),
            Kind::I64 => self.each(bytes, into, |bytes| i64::from_le_bytes(bytes) as f64),
            Kind::U8 => self.each(bytes, into, |byte| f64::from(u8::from_le_bytes(byte))),
            Kind::U16 => self.each(bytes, into, |bytes| f64::from(u16::from_le_bytes(bytes))),
            Kind::U32 => self.each(bytes, into, |bytes| f64::from(u32::from_le_bytes(bytes))),
            Kind::U64 => self.each(bytes, into, |bytes| u64::from_le_bytes(bytes) as f64),
            Kind::F32 => self.each(bytes, into, |bytes| f64::from(f32::from_le_bytes(bytes))),
            Kind::F64 => self.each(bytes, into, f64::from_le_bytes),
        }
    }

    fn each<'a, const N: usize>(
        self,
        bytes: &[u8],
        into: impl Iterator<Item = &'a mut f64>,
        number: impl Fn([u8; N]) -> f64,
    ) {
        let (stored, _) = bytes.as_chunks::<N>();
        for (kept, bytes) in into.zip(stored) {
            let mut bytes = *bytes;
            if self.is_big_endian {
                bytes.reverse();
            }
            *kept = number(bytes);
        }
    }
}
