//! CSV: fields between a delimiter, one of the rows a line unless quotes say otherwise.
//!
//! A line without a quote is cut and read at once, which is what nearly all lines of numbers are.
//! Others go through the parser of `csv-core`, which knows what quotes mean.

mod header;
mod quoted;

use std::path::{Path, PathBuf};

use memchr::memchr;

use super::cells::{Cell, in_range, label, leading};
use super::columns::{Columns, Role, Row, Wanted};
use super::error::{DatasetError, Place};
use super::fault::Fault;
use super::input::Input;
use super::lines::Lines;
use super::options::Delimiter;
use super::{Block, Rows};
use header::Header;
use quoted::Quoted;

/// The rows of a CSV file.
pub(super) struct Csv {
    file: PathBuf,
    lines: Lines,
    quoted: Quoted,
    /// The first row, which was looked at for the number of columns, until it is read.
    first: Option<Vec<u8>>,
    /// The line where the current row begins.
    line: u64,
    comment: Option<u8>,
    cells: Cells,
}

/// How a row is read.
struct Cells {
    delimiter: Delimiter,
    columns: Columns,
    /// Whether a row of numbers needs no rule beside those of numbers.
    are_plain: bool,
}

impl Csv {
    /// Reads the header. `usual` is the delimiter that the file's name speaks for.
    pub(super) fn open(
        file: &Path,
        usual: Option<u8>,
        wanted: &Wanted<'_>,
    ) -> Result<Self, DatasetError> {
        let mut lines = Lines::new(
            Input::open(file).map_err(|fault| DatasetError::at(file, Place::Whole, fault))?,
        );
        let Header {
            names,
            first,
            line,
            delimiter,
        } = Header::read(&mut lines, usual, wanted.options)
            .map_err(|(place, fault)| DatasetError::at(file, place, fault))?;
        let columns = Columns::new(names, wanted)
            .map_err(|fault| DatasetError::at(file, Place::Line(line), fault))?;
        let are_plain = columns.rules().are_plain() && !columns.keep_time();
        Ok(Self {
            file: file.to_owned(),
            lines,
            quoted: Quoted::new(delimiter),
            line: line.saturating_sub(u64::from(first.is_some())),
            first,
            comment: wanted.options.comment,
            cells: Cells {
                delimiter,
                columns,
                are_plain,
            },
        })
    }

    /// Adds the next row to `block`, if there is one. A row that cannot be used is refused there.
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        let first = self.first.take();
        loop {
            let line = match &first {
                Some(first) => {
                    self.line += 1;
                    first.as_slice()
                }
                None => {
                    self.line = self.lines.number() + 1;
                    match self.lines.next()? {
                        Some(line) => line,
                        None => return Ok(false),
                    }
                }
            };
            if is_blank(line, self.cells.delimiter) || is_comment(line, self.comment) {
                continue;
            }
            let filled = block.values.len();
            let width = self.cells.columns.width();
            block.values.resize(filled + width, f64::NAN);
            let mut row = Row::new(block.values.get_mut(filled..).unwrap_or_default());
            let is_plain = match self.cells.delimiter {
                Delimiter::Byte(delimiter) => {
                    memchr(b'"', line).is_none()
                        && self.cells.plain(line, delimiter, &mut row).is_some()
                }
                Delimiter::Whitespace => false,
            };
            let read = if is_plain {
                Ok(())
            } else {
                // Slower, and knows what to say.
                if !self.quoted.begin(line) {
                    self.quoted.read_rest(&mut self.lines, |_| ())?;
                }
                self.cells.fields(&self.quoted, &mut row)
            };
            let (label, time) = (row.label, row.time);
            match read {
                Ok(()) => {
                    block.labels.push(label);
                    block.times.extend(time);
                }
                Err(fault) => {
                    block.values.truncate(filled);
                    block.refuse(DatasetError::at(&self.file, Place::Line(self.line), fault));
                }
            }
            return Ok(true);
        }
    }
}

impl Rows for Csv {
    fn columns(&self) -> &[String] {
        self.cells.columns.features()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<bool, DatasetError> {
        into.clear();
        while into.len() < rows_max {
            let is_read = self
                .next(into)
                .map_err(|fault| DatasetError::at(&self.file, Place::Line(self.line), fault))?;
            // A caller that stops at the first refused row gets it without delay.
            if !is_read || !into.refused.is_empty() {
                break;
            }
        }
        Ok(into.len() > 0)
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }
}

impl Cells {
    /// Reads a row of plain numbers without quotes; `None` if it holds anything else.
    fn plain(&self, line: &[u8], delimiter: u8, row: &mut Row<'_>) -> Option<()> {
        if !self.are_plain {
            return None;
        }
        let mut rest = Some(line);
        for role in self.columns.roles() {
            let text = rest?;
            let length = match role {
                Role::Ignored | Role::Time => memchr(delimiter, text).unwrap_or(text.len()),
                Role::Feature(place) => {
                    let (value, length) = self.first(text, delimiter)?;
                    *row.values.get_mut(*place)? = in_range(value).ok()?;
                    length
                }
                Role::Label => {
                    let (value, length) = leading(text, delimiter)?;
                    row.label = Some(label(value).ok()?);
                    length
                }
            };
            rest = text.get(length + 1..);
        }
        let has_ended = rest.is_none_or(<[u8]>::is_empty);
        (has_ended && (row.label.is_some() || !self.columns.need_label())).then_some(())
    }

    /// The first field's number, and how many bytes the field has.
    #[inline]
    fn first(&self, text: &[u8], delimiter: u8) -> Option<(f64, usize)> {
        if let Some(found) = leading(text, delimiter) {
            return Some(found);
        }
        let length = memchr(delimiter, text).unwrap_or(text.len());
        let cell = Cell::Text(text.get(..length)?.trim_ascii());
        Some((self.columns.rules().number(cell).ok()?, length))
    }

    /// Reads a row that is cut into fields. An empty field after the last column is passed over:
    /// some tools end each line with a delimiter.
    fn fields(&self, fields: &Quoted, row: &mut Row<'_>) -> Result<(), Fault> {
        let (found, expected) = (fields.len(), self.columns.roles().len());
        let has_empty_end = found == expected + 1
            && fields
                .fields()
                .last()
                .is_some_and(|text| text.trim_ascii().is_empty());
        if found != expected && !has_empty_end {
            return Err(Fault::Ragged {
                found,
                expected,
                delimiter: self.delimiter.to_string(),
            });
        }
        for (column, field) in fields.fields().take(expected).enumerate() {
            let text = field.trim_ascii();
            let put = self.columns.put(column, Cell::Text(text), row);
            put.map_err(|defect| self.columns.fault(column, defect, quoted_text(text)))?;
        }
        self.columns.check(row)
    }
}

/// A cell's text as errors show it.
fn quoted_text(text: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = String::from_utf8_lossy(text);
    if text.chars().count() <= SHOWN {
        return format!("{text:?}");
    }
    format!("{:?}...", text.chars().take(SHOWN).collect::<String>())
}

fn is_blank(line: &[u8], delimiter: Delimiter) -> bool {
    line.first().is_none_or(u8::is_ascii_whitespace)
        && line
            .iter()
            .all(|byte| byte.is_ascii_whitespace() && Delimiter::Byte(*byte) != delimiter)
}

fn is_comment(line: &[u8], comment: Option<u8>) -> bool {
    comment.is_some() && line.first().copied() == comment
}

/// Whether a byte can be a delimiter: numbers have to end where the next field begins.
pub(super) fn may_divide(delimiter: u8) -> bool {
    let is_of_a_number =
        delimiter.is_ascii_alphanumeric() || matches!(delimiter, b'.' | b'+' | b'-');
    !is_of_a_number && delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\n' | b'\r' | 0)
}

#[cfg(test)]
mod tests;
