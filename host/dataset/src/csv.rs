//! CSV: fields between a delimiter, one of the rows a line unless quotes say otherwise.
//!
//! A line without a quote is cut and read at once, which is what nearly all lines of numbers are.
//! Others go through the parser of `csv-core`, which knows what quotes mean.

mod quoted;

use std::path::{Path, PathBuf};

use memchr::memchr;

use super::columns::{Columns, Role, Row, Wanted};
use super::error::{DatasetError, Place};
use super::fault::Fault;
use super::input::Input;
use super::lines::Lines;
use super::number::{feature, label, leading, number};
use super::{Block, Rows};
use quoted::Quoted;

/// The rows of a CSV file.
pub(super) struct Csv {
    file: PathBuf,
    lines: Lines,
    quoted: Quoted,
    /// The line where the current row begins.
    line: u64,
    cells: Cells,
}

/// How a row is read.
struct Cells {
    delimiter: u8,
    columns: Columns,
}

impl Csv {
    /// Reads the header. `usual` is the delimiter that the file's name speaks for.
    pub(super) fn open(
        file: &Path,
        usual: Option<u8>,
        wanted: &Wanted<'_>,
    ) -> Result<Self, DatasetError> {
        let fault = |line: u64, fault| {
            let place = if line == 0 {
                Place::Whole
            } else {
                Place::Line(line)
            };
            DatasetError::at(file, place, fault)
        };
        let mut lines = Lines::new(Input::open(file).map_err(|reason| fault(0, reason))?);
        let header = loop {
            match lines.next().map_err(|reason| fault(0, reason))? {
                None => return Err(fault(0, Fault::Empty)),
                Some(line) if line.trim_ascii().is_empty() => {}
                Some(line) => break line.to_vec(),
            }
        };
        let line = lines.number();
        let delimiter = wanted
            .layout
            .delimiter
            .or(usual)
            .unwrap_or_else(|| told_from(&header));
        check(delimiter).map_err(|reason| fault(0, reason))?;
        let mut quoted = Quoted::new(delimiter);
        if !quoted.begin(&header) {
            quoted
                .go_on(&mut lines)
                .map_err(|reason| fault(line, reason))?;
        }
        let names = quoted
            .fields()
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
            .collect();
        let columns = Columns::new(names, wanted).map_err(|reason| fault(line, reason))?;
        Ok(Self {
            file: file.to_owned(),
            lines,
            quoted,
            line,
            cells: Cells { delimiter, columns },
        })
    }

    /// Adds the next row to `block`, if there is one.
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        loop {
            self.line = self.lines.number() + 1;
            let Some(line) = self.lines.next()? else {
                return Ok(false);
            };
            if is_blank(line, self.cells.delimiter) {
                continue;
            }
            let filled = block.values.len();
            block
                .values
                .resize(filled + self.cells.columns.width(), f32::NAN);
            let values = block.values.get_mut(filled..).unwrap_or_default();
            let label = if memchr(b'"', line).is_none() {
                match self.cells.plain(line, values) {
                    Some(label) => label,
                    // Slower, and knows what to say.
                    None => self
                        .cells
                        .fields(line.split(|byte| *byte == self.cells.delimiter), values)?,
                }
            } else {
                if !self.quoted.begin(line) {
                    self.quoted.go_on(&mut self.lines)?;
                }
                self.cells.fields(self.quoted.fields(), values)?
            };
            block.labels.push(label);
            return Ok(true);
        }
    }
}

impl Rows for Csv {
    fn columns(&self) -> &[String] {
        self.cells.columns.features()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<usize, DatasetError> {
        into.clear();
        while into.labels.len() < rows_max {
            match self.next(into) {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    return Err(DatasetError::at(&self.file, Place::Line(self.line), fault));
                }
            }
        }
        Ok(into.labels.len())
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }
}

impl Cells {
    /// The label of a row without quotes, and its values into `values`; `None` if anything is wrong
    /// with it.
    fn plain(&self, line: &[u8], values: &mut [f32]) -> Option<bool> {
        let (mut rest, mut found) = (Some(line), None);
        for role in self.columns.roles() {
            let text = rest?;
            let length = match role {
                Role::Ignored => memchr(self.delimiter, text).unwrap_or(text.len()),
                Role::Feature(place) => {
                    let (value, length) = self.first(text)?;
                    *values.get_mut(*place)? = feature(value).ok()?;
                    length
                }
                Role::Label => {
                    let (value, length) = self.first(text)?;
                    found = Some(label(value).ok()?);
                    length
                }
            };
            rest = text.get(length + 1..);
        }
        if rest.is_none() { found } else { None }
    }

    /// The first field's number, and how many bytes the field has.
    #[inline]
    fn first(&self, text: &[u8]) -> Option<(f64, usize)> {
        if let Some(found) = leading(text, self.delimiter) {
            return Some(found);
        }
        let length = memchr(self.delimiter, text).unwrap_or(text.len());
        let value = number(text.get(..length)?.trim_ascii()).ok()?;
        Some((value, length))
    }

    /// The label of a row that is cut into `fields`, and its values into `values`.
    fn fields<'a>(
        &self,
        fields: impl Iterator<Item = &'a [u8]> + Clone,
        values: &mut [f32],
    ) -> Result<bool, Fault> {
        let (found, expected) = (fields.clone().count(), self.columns.roles().len());
        if found != expected {
            return Err(Fault::Ragged {
                found,
                expected,
                delimiter: self.delimiter.into(),
            });
        }
        let mut row = Row {
            values,
            label: None,
        };
        for (column, field) in fields.enumerate() {
            let text = field.trim_ascii();
            let put = self.columns.put(column, || number(text), &mut row);
            put.map_err(|defect| self.columns.fault(column, defect, quoted_text(text)))?;
        }
        row.label.ok_or_else(|| self.columns.no_label())
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

fn is_blank(line: &[u8], delimiter: u8) -> bool {
    line.first().is_none_or(u8::is_ascii_whitespace)
        && line
            .iter()
            .all(|byte| byte.is_ascii_whitespace() && *byte != delimiter)
}

/// The delimiter that divides the header into most names; the first of these if several do.
fn told_from(header: &[u8]) -> u8 {
    const USUAL: [u8; 4] = *b",;\t|";
    let is_outside_quotes = |is_inside: &mut bool, byte: &u8| {
        *is_inside ^= *byte == b'"';
        Some((*byte, !*is_inside))
    };
    let count = |delimiter: u8| {
        let bytes = header.iter().scan(false, is_outside_quotes);
        bytes
            .filter(|(byte, is_outside)| *byte == delimiter && *is_outside)
            .count()
    };
    USUAL
        .into_iter()
        .rev()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',')
}

/// Numbers have to end where the next field begins.
fn check(delimiter: u8) -> Result<(), Fault> {
    let is_of_a_number =
        delimiter.is_ascii_alphanumeric() || matches!(delimiter, b'.' | b'+' | b'-');
    if is_of_a_number || !delimiter.is_ascii() || matches!(delimiter, b'"' | b'\n' | b'\r' | 0) {
        return Err(Fault::Delimiter {
            delimiter: delimiter.into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
