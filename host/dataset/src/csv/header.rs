//! The start of a CSV file: lines to skip, the delimiter, the names of the columns.

use super::quoted::Quoted;
use super::{is_comment, may_divide};
use crate::cells::is_number;
use crate::error::Place;
use crate::fault::Fault;
use crate::lines::Lines;
use crate::options::{Decimal, Delimiter, ReadOptions};

/// What the start of a file says of the rest.
pub(super) struct Header {
    /// As they are written, without space around them; empty where there is none.
    pub(super) names: Vec<String>,
    /// The first row of values, if the file has no line of names.
    pub(super) first: Option<Vec<u8>>,
    /// The line of the names, or of the first row.
    pub(super) line: u64,
    pub(super) delimiter: Delimiter,
}

impl Header {
    /// Reads it. `usual` is the delimiter that the file's name speaks for. A fault comes with its
    /// place.
    pub(super) fn read(
        lines: &mut Lines,
        usual: Option<u8>,
        options: &ReadOptions,
    ) -> Result<Self, (Place, Fault)> {
        let whole = |fault| (Place::Whole, fault);
        for _ in 0..options.skip_lines {
            lines.next().map_err(whole)?;
        }
        let mut start = loop {
            match lines.next().map_err(whole)? {
                None => return Err(whole(Fault::Empty)),
                Some(line) if line.trim_ascii().is_empty() => {}
                Some(line) if is_comment(line, options.comment) => {}
                Some(line) => break line.to_vec(),
            }
        };
        let line = lines.number();
        let delimiter = options
            .delimiter
            .or(usual.map(Delimiter::Byte))
            .unwrap_or_else(|| detect(&start, options.decimal));
        check(delimiter, options).map_err(whole)?;
        let mut row = Quoted::new(delimiter);
        if !row.begin(&start) {
            row.read_rest(lines, |more| {
                if !options.has_header {
                    start.push(b'\n');
                    start.extend_from_slice(more);
                }
            })
            .map_err(|fault| (Place::Line(line), fault))?;
        }
        let mut fields: Vec<&[u8]> = row.fields().map(<[u8]>::trim_ascii).collect();
        // Some tools end each line with a delimiter.
        if fields.len() > 1 && fields.last().is_some_and(|last| last.is_empty()) {
            fields.pop();
        }
        if options.has_header && are_values(&fields) {
            let names = fields.iter().copied().map(text).collect();
            return Err((Place::Line(line), Fault::NumbersAsNames { names }));
        }
        let names = if options.has_header {
            fields.iter().copied().map(text).collect()
        } else {
            (0..fields.len())
                .map(|column| format!("f{column}"))
                .collect()
        };
        Ok(Self {
            names,
            first: (!options.has_header).then_some(start),
            line,
            delimiter,
        })
    }
}

/// Whether a row is one of numbers: of names, hardly all are.
fn are_values(fields: &[&[u8]]) -> bool {
    fields.iter().any(|field| is_number(field))
        && fields
            .iter()
            .all(|field| field.is_empty() || is_number(field))
}

/// A name. What is not UTF-8 was mostly written on Windows, as Windows-1252.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(windows_1252).collect(),
    }
}

fn windows_1252(byte: u8) -> char {
    const FROM_0X80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let index = usize::from(byte).wrapping_sub(0x80);
    FROM_0X80
        .get(index)
        .copied()
        .unwrap_or_else(|| char::from(byte))
}

/// The delimiter that divides a row into most fields; the first of these if several do. Where none
/// of them occurs, numbers may stand between spaces.
fn detect(row: &[u8], decimal: Decimal) -> Delimiter {
    const USUAL: [u8; 4] = *b",;\t|";
    let is_outside_quotes = |is_inside: &mut bool, byte: &u8| {
        *is_inside ^= *byte == b'"';
        Some((*byte, !*is_inside))
    };
    let count = |delimiter: u8| {
        let bytes = row.iter().scan(false, is_outside_quotes);
        bytes
            .filter(|(byte, is_outside)| *byte == delimiter && *is_outside)
            .count()
    };
    let may_be = |delimiter: &u8| decimal == Decimal::Point || *delimiter != b',';
    let most = USUAL
        .into_iter()
        .filter(may_be)
        .rev()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',');
    let mut between_spaces = row
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    if count(most) == 0 && between_spaces.clone().count() > 1 && between_spaces.all(is_number) {
        return Delimiter::Whitespace;
    }
    Delimiter::Byte(most)
}

fn check(delimiter: Delimiter, options: &ReadOptions) -> Result<(), Fault> {
    match delimiter {
        Delimiter::Byte(b',') if options.decimal == Decimal::Comma => Err(Fault::DecimalDelimiter),
        Delimiter::Byte(byte) if !may_divide(byte) => Err(Fault::Delimiter {
            delimiter: byte.into(),
        }),
        Delimiter::Byte(_) | Delimiter::Whitespace => Ok(()),
    }
}
