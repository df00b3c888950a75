//! One row at a time cut into fields: by the parser of `csv-core`, which knows quotes, or at
//! whitespace.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::fault::Fault;
use crate::lines::Lines;
use crate::options::Delimiter;

/// What a row may hold: a quote that is never closed must not gather the rest of the file.
const ROW_MAX_BYTES: usize = 16 << 20;

/// The fields of the row that was read last.
pub(super) struct Quoted {
    /// `None` cuts at whitespace.
    parser: Option<Reader>,
    text: Vec<u8>,
    text_bytes: usize,
    ends: Vec<usize>,
    fields: usize,
}

impl Quoted {
    pub(super) fn new(delimiter: Delimiter) -> Self {
        let parser = match delimiter {
            Delimiter::Byte(byte) => Some(ReaderBuilder::new().delimiter(byte).build()),
            Delimiter::Whitespace => None,
        };
        Self {
            parser,
            text: vec![0; 1 << 10],
            text_bytes: 0,
            ends: vec![0; 1 << 6],
            fields: 0,
        }
    }

    /// How many fields the row has.
    pub(super) fn len(&self) -> usize {
        self.fields
    }

    /// Begins a row; says whether `line` is all of it.
    pub(super) fn begin(&mut self, line: &[u8]) -> bool {
        (self.text_bytes, self.fields) = (0, 0);
        match &mut self.parser {
            Some(parser) => {
                parser.reset();
                self.feed(line) || self.feed(b"\n")
            }
            None => {
                self.cut_at_whitespace(line);
                true
            }
        }
    }

    fn cut_at_whitespace(&mut self, line: &[u8]) {
        self.text.clear();
        self.ends.clear();
        let fields = line.split(u8::is_ascii_whitespace);
        for field in fields.filter(|field| !field.is_empty()) {
            self.text.extend_from_slice(field);
            self.ends.push(self.text.len());
        }
        (self.text_bytes, self.fields) = (self.text.len(), self.ends.len());
    }

    /// Reads the rest of a row: further lines belong to it while a quote is open. `visit` gets each
    /// of them.
    pub(super) fn read_rest(
        &mut self,
        lines: &mut Lines,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), Fault> {
        loop {
            if self.text_bytes > ROW_MAX_BYTES {
                return Err(Fault::LongRow {
                    max_bytes: ROW_MAX_BYTES,
                });
            }
            let is_complete = match lines.next()? {
                Some(line) => {
                    visit(line);
                    (!line.is_empty() && self.feed(line)) || self.feed(b"\n")
                }
                None => self.feed(b""),
            };
            if is_complete {
                return Ok(());
            }
        }
    }

    /// The fields, without their quotes.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let ends = self.ends.get(..self.fields).unwrap_or_default();
        let starts = std::iter::once(&0).chain(ends);
        starts
            .zip(ends)
            .map(|(start, end)| self.text.get(*start..*end).unwrap_or_default())
    }

    /// Whether the row is complete after these bytes; no bytes at all mean the end of the file.
    fn feed(&mut self, mut bytes: &[u8]) -> bool {
        let Some(parser) = &mut self.parser else {
            return true;
        };
        loop {
            let text = self.text.get_mut(self.text_bytes..).unwrap_or_default();
            let ends = self.ends.get_mut(self.fields..).unwrap_or_default();
            let (result, taken, written, ended) = parser.read_record(bytes, text, ends);
            bytes = bytes.get(taken..).unwrap_or_default();
            self.text_bytes += written;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => return false,
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => return true,
            }
        }
    }
}
