//! Rows of a CSV file, for trying a plug-in out.

use std::path::Path;

use miette::{IntoDiagnostic as _, WrapErr as _, bail, miette};

/// Names under which a file's labels are known when none is given.
const LABELS: [&str; 2] = ["anomaly", "label"];

/// Rows with names.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    /// Row-major; NaN where a value is missing.
    pub(super) values: Vec<f32>,
    /// One a row, 0 or 1.
    pub(super) labels: Option<Vec<f32>>,
    pub(super) rows: usize,
}

/// How to read it.
pub(super) struct Reading<'a> {
    pub(super) label: Option<&'a str>,
    pub(super) ignore: &'a [String],
    pub(super) delimiter: u8,
}

impl Table {
    /// Reads a file with a line of names; every column that is neither the label nor ignored holds
    /// numbers.
    pub(super) fn read(path: &Path, reading: &Reading<'_>) -> Result<Self, miette::Report> {
        let named = || path.display().to_string();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(reading.delimiter)
            .trim(csv::Trim::All)
            .from_path(path)
            .into_diagnostic()
            .wrap_err_with(named)?;
        let names: Vec<String> = reader
            .headers()
            .into_diagnostic()
            .wrap_err_with(named)?
            .iter()
            .map(str::to_owned)
            .collect();
        let roles = roles(&names, reading).wrap_err_with(named)?;
        let columns = names
            .iter()
            .zip(&roles)
            .filter(|(_, role)| **role == Role::Value)
            .map(|(name, _)| name.clone());
        let mut table = Self {
            columns: columns.collect(),
            values: Vec::new(),
            labels: None,
            rows: 0,
        };
        let mut labels = Vec::new();
        for record in reader.records() {
            let record = record.into_diagnostic().wrap_err_with(named)?;
            for ((cell, role), name) in record.iter().zip(&roles).zip(&names) {
                let read = || {
                    number(cell)
                        .wrap_err_with(|| format!("{}, row {}, column {name}", named(), table.rows))
                };
                match role {
                    Role::Value => table.values.push(read()?),
                    Role::Label => labels.push(f32::from(u8::from(read()? >= 0.5))),
                    Role::Ignored => {}
                }
            }
            table.rows += 1;
        }
        table.labels = roles.contains(&Role::Label).then_some(labels);
        Ok(table)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Value,
    Label,
    Ignored,
}

fn roles(names: &[String], reading: &Reading<'_>) -> Result<Vec<Role>, miette::Report> {
    for wanted in reading
        .label
        .into_iter()
        .chain(reading.ignore.iter().map(String::as_str))
    {
        if !names.iter().any(|name| name == wanted) {
            bail!(
                help = format!("there are {}", names.join(", ")),
                "there is no column {wanted:?}"
            );
        }
    }
    let is_label = |name: &str| {
        reading
            .label
            .map_or_else(|| LABELS.contains(&name), |label| label == name)
    };
    let role = |name: &String| match name {
        name if reading.ignore.contains(name) => Role::Ignored,
        name if is_label(name) => Role::Label,
        _ => Role::Value,
    };
    let roles: Vec<Role> = names.iter().map(role).collect();
    if !roles.contains(&Role::Value) {
        bail!("there is no column of numbers");
    }
    Ok(roles)
}

fn number(cell: &str) -> Result<f32, miette::Report> {
    if cell.is_empty() {
        return Ok(f32::NAN);
    }
    let value: f32 = cell.parse().map_err(|_| {
        miette!(
            help = "--ignore leaves a column out, --delimiter names what is between columns",
            "{cell:?} is no number"
        )
    })?;
    Ok(if value.is_finite() { value } else { f32::NAN })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str, label: Option<&str>, ignore: &[&str]) -> Result<Table, miette::Report> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, content).unwrap();
        let ignore: Vec<String> = ignore.iter().map(|&name| name.to_owned()).collect();
        Table::read(
            &path,
            &Reading {
                label,
                ignore: &ignore,
                delimiter: b',',
            },
        )
    }

    #[test]
    fn a_label_is_taken_out_and_an_empty_cell_is_a_missing_value() {
        let table = read("time,a,b,anomaly\nx,1,2,0\ny,,inf,1\n", None, &["time"]).unwrap();
        assert_eq!(
            (table.rows, table.columns),
            (2, vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(table.labels, Some(vec![0.0, 1.0]));
        assert_eq!(table.values[..2], [1.0, 2.0]);
        assert!(table.values[2..].iter().all(|value| value.is_nan()));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        let cases = [
            (
                read("a,b\n1,x\n", None, &[]),
                "row 0, column b: \"x\" is no number",
            ),
            (
                read("a,b\n1,2\n", Some("c"), &[]),
                "there is no column \"c\"",
            ),
            (read("anomaly\n1\n", None, &[]), "no column of numbers"),
            (read("a,b\n1\n", None, &[]), "found record with 1 fields"),
        ];
        for (table, complaint) in cases {
            let error = format!("{:#}", table.unwrap_err());
            assert!(
                error.contains(complaint),
                "{error:?} should say {complaint:?}"
            );
        }
    }
}
