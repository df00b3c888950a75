//! JSON lines: an object a line, of numbers, true, false and null. NaN and infinity are read as
//! Python writes them, although JSON has no such numbers.

mod python;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fedhost_domain::json_object::for_each_member;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::cells::Cell;
use super::columns::{Columns, Role, Row, Wanted};
use super::error::{DatasetError, Place};
use super::fault::Fault;
use super::input::Input;
use super::lines::Lines;
use super::{Block, Rows};

/// The rows of a file of JSON lines.
pub(super) struct JsonLines {
    file: PathBuf,
    lines: Lines,
    /// The first row, which was looked at for its columns, until it is read.
    first: Option<Vec<u8>>,
    members: Members,
}

/// How an object becomes a row.
struct Members {
    columns: Columns,
    by_key: HashMap<String, usize>,
    /// For each column the last row that had it, counted from 1.
    had_by: Vec<u64>,
    row: u64,
}

impl JsonLines {
    /// The keys of the first object are the columns.
    pub(super) fn open(file: &Path, wanted: &Wanted<'_>) -> Result<Self, DatasetError> {
        let whole = |fault| DatasetError::at(file, Place::Whole, fault);
        let mut lines = Lines::new(Input::open(file).map_err(whole)?);
        for _ in 0..wanted.options.skip_lines {
            lines.next().map_err(whole)?;
        }
        let first = match lines.next_not_blank().map_err(whole)? {
            Some(line) => line.to_vec(),
            None => return Err(whole(Fault::Empty)),
        };
        let at_first = |fault| DatasetError::at(file, Place::Line(lines.number()), fault);
        let mut names = Vec::new();
        let object = python::without_nan(&first);
        for_each_member(&object, |_, key, _: IgnoredAny| names.push(key.to_owned()))
            .map_err(|error| at_first(not_an_object(&error)))?;
        let columns = Columns::new(names, wanted).map_err(at_first)?;
        let by_key = columns.names().iter().cloned().zip(0..).collect();
        let had_by = vec![0; columns.names().len()];
        let members = Members {
            columns,
            by_key,
            had_by,
            row: 0,
        };
        Ok(Self {
            file: file.to_owned(),
            lines,
            first: Some(first),
            members,
        })
    }

    /// Adds the next row to `block`, if there is one. A row that cannot be used is refused there.
    fn next(&mut self, block: &mut Block) -> Result<bool, Fault> {
        let first = self.first.take();
        let line = match &first {
            Some(first) => first.as_slice(),
            None => match self.lines.next_not_blank()? {
                Some(line) => line,
                None => return Ok(false),
            },
        };
        let added = self.members.add(line, block);
        if let Err(fault) = added {
            let place = Place::Line(self.lines.number());
            block.refuse(DatasetError::at(&self.file, place, fault));
        }
        Ok(true)
    }
}

impl Rows for JsonLines {
    fn columns(&self) -> &[String] {
        self.members.columns.features()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<bool, DatasetError> {
        into.clear();
        while into.len() < rows_max {
            let is_read = self.next(into).map_err(|fault| {
                DatasetError::at(&self.file, Place::Line(self.lines.number()), fault)
            })?;
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

impl Members {
    /// Adds a row, or says what is wrong with it.
    fn add(&mut self, line: &[u8], block: &mut Block) -> Result<(), Fault> {
        self.row += 1;
        let filled = block.values.len();
        block.values.resize(filled + self.columns.width(), f64::NAN);
        let mut row = Row::new(block.values.get_mut(filled..).unwrap_or_default());
        let read = self.read(line, &mut row);
        let (label, time) = (row.label, row.time);
        match read {
            Ok(()) => {
                block.labels.push(label);
                if self.columns.keep_time() {
                    block.times.push(time.unwrap_or_default());
                }
                Ok(())
            }
            Err(fault) => {
                block.values.truncate(filled);
                Err(fault)
            }
        }
    }

    fn read(&mut self, line: &[u8], row: &mut Row<'_>) -> Result<(), Fault> {
        // A line that is no object is reported as that, whatever its first members hold.
        let mut taken = Ok(());
        for_each_member(&python::without_nan(line), |place, key, value| {
            if taken.is_ok() {
                taken = self.take(place, key, value, row);
            }
        })
        .map_err(|error| not_an_object(&error))?;
        taken?;
        self.columns.check(row)
    }

    /// Numbers are read as text, so that they mean what they do in CSV.
    fn take(
        &mut self,
        place: usize,
        key: &str,
        value: &RawValue,
        row: &mut Row<'_>,
    ) -> Result<(), Fault> {
        let column = self.column(place, key)?;
        let text = value.get();
        if self.columns.role(column) == Role::Ignored {
            return Ok(());
        }
        if text.starts_with(['{', '[']) {
            return Err(Fault::Nested {
                column: key.to_owned(),
            });
        }
        let quoted: Option<String> = serde_json::from_str(text).ok();
        let cell = match &quoted {
            Some(quoted) => Cell::Quoted(quoted),
            None => Cell::Text(text.as_bytes()),
        };
        let put = self.columns.put(column, cell, row);
        put.map_err(|defect| self.columns.fault(column, defect, text.to_owned()))
    }

    /// The column of a key, which is mostly the one at the same place.
    fn column(&mut self, place: usize, key: &str) -> Result<usize, Fault> {
        let column = if self
            .columns
            .names()
            .get(place)
            .is_some_and(|name| name == key)
        {
            place
        } else {
            *self.by_key.get(key).ok_or_else(|| Fault::NewKey {
                key: key.to_owned(),
            })?
        };
        let is_used = self.columns.role(column) != Role::Ignored;
        match self.had_by.get_mut(column) {
            Some(had_by) if *had_by == self.row && is_used => Err(Fault::Duplicate {
                column: key.to_owned(),
            }),
            Some(had_by) => {
                *had_by = self.row;
                Ok(column)
            }
            None => Ok(column),
        }
    }
}

fn not_an_object(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let reason = text
        .split_once(" at line ")
        .map_or(text.as_str(), |(reason, _)| reason)
        .to_owned();
    Fault::NotAnObject {
        reason,
        character: error.column(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, options, refusal, rows};

    #[test]
    fn an_object_is_a_row_whatever_the_order_of_its_keys() {
        let folder = Folder::new();
        let content = "\u{feff}{\"x\":1.5,\"at\":\"noon\",\"anomaly\":false,\"y\\n\":null}\r\n\n\
                       {\"anomaly\":1, \"y\\n\": true, \"x\": -2e-3, \"at\": {\"hour\": [1]}}\n{\"anomaly\":0.0}";
        let found = rows(&folder.write("a.jsonl", content), &options(&["at"])).unwrap();
        assert_eq!(
            found,
            ["x y\n", "[1.5, NaN] 0", "[-0.002, 1.0] 1", "[NaN, NaN] 0"]
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let first = "{\"x\":1,\"anomaly\":0}\n\n";
        let object = "hint: each line is one object of numbers; a missing value is null";
        let cases = [
            ("[1]", format!("a.jsonl:3: invalid type: sequence, expected an object, character 0\n{object}")),
            ("{\"x\":nan}", format!("a.jsonl:3: expected ident, character 7\n{object}")),
            ("{\"x\":1,", format!("a.jsonl:3: EOF while parsing a value, character 7\n{object}")),
            ("{\"x\":1} {}", format!("a.jsonl:3: trailing characters, character 9\n{object}")),
            (
                "{\"x\":1,\"z\":1,\"anomaly\":0}",
                "a.jsonl:3: the key \"z\" is not in the first object\n\
                 hint: the first object names all columns, with null where it has no value"
                    .into(),
            ),
            ("{\"x\":1,\"x\":2,\"anomaly\":0}", "a.jsonl:3: two columns are called \"x\"\nhint: rename one, or leave both out: --ignore x".into()),
            (
                "{\"x\":\"1\",\"anomaly\":0}",
                "a.jsonl:3: column \"x\" holds \"1\", which is not a number\n\
                 hint: --ignore x if it is no feature, such as a timestamp; --missing 1 if this stands for a missing value"
                    .into(),
            ),
            (
                "{\"x\":[1],\"anomaly\":0}",
                "a.jsonl:3: column \"x\" is nested\nhint: --ignore x, or write its parts as columns of their own"
                    .into(),
            ),
            (
                "{\"x\":1e39,\"anomaly\":0}",
                "a.jsonl:3: column \"x\" holds 1e39, which is beyond 3.4e38, the range of 32 bits\n\
                 hint: scale it, or --ignore x"
                    .into(),
            ),
            (
                "{\"x\":1,\"anomaly\":\"0\"}",
                "a.jsonl:3: label \"anomaly\" holds \"0\", which is neither 0 nor 1\n\
                 hint: say which values are anomalous or which are normal, such as --anomalous 0 or --normal 0"
                    .into(),
            ),
            ("{\"anomaly\":null}", "a.jsonl:3: label \"anomaly\" is missing\nhint: every row needs one, 0 or 1".into()),
            ("{\"x\":1}", "a.jsonl:3: label \"anomaly\" is missing\nhint: every row needs one, 0 or 1".into()),
        ];
        for (line, expected) in cases {
            assert_eq!(
                refusal("a.jsonl", format!("{first}{line}\n"), &options(&[])),
                expected,
                "{line}"
            );
        }
        let twice = refusal("a.jsonl", "{\"x\":1,\"x\":2,\"anomaly\":0}", &options(&[]));
        assert_eq!(
            twice,
            "a.jsonl:1: two columns are called \"x\"\nhint: rename one, or leave both out: --ignore x"
        );
    }
}
