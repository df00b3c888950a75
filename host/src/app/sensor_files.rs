//! The files of sensors: how they are read, and whether they hold what the manifest says of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::role::sensor::RowFiles;
use fedhost_base::hint::hint;
use fedhost_dataset::{
    self as dataset, DatasetError, InputFile, OptionStyle, ReadOptions, column_names, nearest_name,
    preview,
};
use fedhost_manifest::{
    CsvSensor, Decimal, FileFormat, Loaded, Origins, Problem, Problems, Sensor,
};

/// Rows of each file that are looked at before a run.
const ROWS_PREVIEWED: usize = 1_000;

/// A sensor's files as its role reads them. `label` is the name under which readings carry it.
pub(super) fn row_files(csv: &CsvSensor, label: Option<&str>) -> RowFiles {
    let mut labels = csv.label_files.iter().cloned();
    let mut sources = |files: &[PathBuf]| {
        let source = |file: &PathBuf| InputFile {
            file: file.clone(),
            labels: labels.next(),
        };
        files.iter().map(source).collect()
    };
    RowFiles {
        training: sources(&csv.training_files),
        held_out: sources(&csv.held_out_files),
        options: options(csv),
        label: label.map(str::to_owned),
    }
}

fn options(csv: &CsvSensor) -> ReadOptions {
    ReadOptions {
        format: csv.format.map(format),
        delimiter: csv.delimiter.as_ref().and_then(|text| text.parse().ok()),
        decimal: match csv.decimal {
            Decimal::Point => dataset::Decimal::Point,
            Decimal::Comma => dataset::Decimal::Comma,
        },
        has_header: !csv.no_header,
        skip_lines: csv.skip_lines,
        comment: csv.comment.as_ref().and_then(|text| text.bytes().next()),
        missing: csv.missing.clone(),
        label: csv.label.clone(),
        anomalous: csv.anomalous.clone(),
        normal: csv.normal.clone(),
        time: csv.time.clone(),
        ignore: csv.ignore.clone(),
        // Not all files of a sensor need to have them.
        may_lack_ignored: true,
    }
}

fn format(format: FileFormat) -> dataset::FileFormat {
    match format {
        FileFormat::Csv => dataset::FileFormat::Csv,
        FileFormat::JsonLines => dataset::FileFormat::JsonLines,
        FileFormat::Parquet => dataset::FileFormat::Parquet,
        FileFormat::Npy => dataset::FileFormat::Npy,
        FileFormat::Npz => dataset::FileFormat::Npz,
    }
}

/// Reads the beginning of each file of the sensors that `is_wanted` names. Returns warnings. A file
/// that is empty or cannot be read is left to its sensor.
///
/// # Errors
/// A key of the manifest does not fit a file: a column is not there, or a label is none.
pub fn check_sensor_files(
    loaded: &Loaded,
    is_wanted: impl Fn(&Sensor) -> bool,
) -> Result<Vec<String>, Problems> {
    let mut found = Found {
        origins: &loaded.origins,
        problems: BTreeMap::new(),
        warnings: Vec::new(),
    };
    for (index, sensor) in loaded.manifest.sensor.iter().enumerate() {
        if let Sensor::Csv(csv) = sensor
            && is_wanted(sensor)
        {
            found.check(index, csv, &row_files(csv, sensor.label()));
        }
    }
    if found.problems.is_empty() {
        return Ok(found.warnings);
    }
    Err(Problems::found(found.problems.into_values().collect()))
}

/// What the files show.
struct Found<'a> {
    origins: &'a Origins,
    /// The first of each key.
    problems: BTreeMap<String, Problem>,
    warnings: Vec<String>,
}

impl Found<'_> {
    fn check(&mut self, index: usize, csv: &CsvSensor, files: &RowFiles) {
        let mut columns: Vec<String> = Vec::new();
        for source in files.training.iter().chain(&files.held_out) {
            let looked_at = preview(source, &files.options, ROWS_PREVIEWED);
            let fault = match looked_at {
                Ok(refused) => refused,
                Err(error) => Some(error),
            };
            if let Some(error) = fault {
                self.report(index, &error.with_style(OptionStyle::Keys));
            }
            columns.extend(column_names(&source.file, &files.options).unwrap_or_default());
        }
        if !columns.is_empty() {
            self.check_ignored(index, csv, &columns);
        }
    }

    fn report(&mut self, index: usize, error: &DatasetError) {
        let Some(option) = error.option() else {
            return;
        };
        let key = format!("sensor[{index}].{}", option.replace('-', "_"));
        self.add(key, error.to_string(), hint(error));
    }

    /// A name that is much like a column's is a mistake; any other may be meant for files that are
    /// not here yet.
    fn check_ignored(&mut self, index: usize, csv: &CsvSensor, columns: &[String]) {
        let is_there = |name: &str| {
            columns.iter().any(|column| column == name)
                || name
                    .split(',')
                    .all(|part| columns.iter().any(|column| column == part.trim()))
        };
        for (place, name) in csv.ignore.iter().enumerate() {
            if is_there(name) || name.starts_with("Unnamed: ") {
                continue;
            }
            let key = format!("sensor[{index}].ignore[{place}]");
            let message = format!("there is no column {name:?} to ignore in any file");
            match nearest_name(name, columns) {
                Some(nearest) => {
                    self.add(key, message, Some(format!("did you mean {nearest:?}?")));
                }
                None => self.warnings.push(format!("{key}: {message}")),
            }
        }
    }

    fn add(&mut self, key: String, message: String, hint: Option<String>) {
        let problem = Problem {
            key_path: key.clone(),
            origin: self.origins.nearest(&key),
            message,
            hint,
        };
        self.problems.entry(key).or_insert(problem);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The problems, or else the warnings, of a manifest whose one sensor has these keys and file.
    fn check(file: &str, content: &str, keys: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        let manifest = folder.path().join("run.toml");
        let text = format!(
            "[model]\nplugin = \"m\"\n[[sensor]]\nnode = 1\nkind = \"csv\"\nfiles = [\"{file}\"]\n{keys}\n\
             [[fog_node]]\nid = 1\n"
        );
        std::fs::write(&manifest, text).unwrap();
        let loaded = fedhost_manifest::load(Path::new(&manifest), [], &[]).unwrap();
        let here = format!("{}/", folder.path().display());
        match check_sensor_files(&loaded, |_| true) {
            Ok(warnings) => warnings,
            Err(problems) => {
                let texts = problems.iter().map(ToString::to_string);
                texts.map(|text| text.replace(&here, "")).collect()
            }
        }
    }

    #[test]
    fn a_misspelt_column_is_found_before_anything_starts() {
        let rows = "a,y,changepoint\n1,0,0\n";
        assert_eq!(
            check("rows.csv", rows, "label = \"Y\""),
            [
                "run.toml:7: sensor[0].label: rows.csv:1: there is no label \"Y\"; the columns are a, y, changepoint\n  \
                 hint: did you mean label = \"y\"?"
            ]
        );
        assert_eq!(
            check("rows.csv", rows, "label = \"y\"\nignore = [\"changepont\"]"),
            [
                "run.toml:8: sensor[0].ignore[0]: there is no column \"changepont\" to ignore in any file\n  \
                 hint: did you mean \"changepoint\"?"
            ]
        );
        assert_eq!(
            check(
                "rows.csv",
                rows,
                "label = \"y\"\nignore = [\"changepoint\"]"
            ),
            [""; 0]
        );
    }

    #[test]
    fn an_ignored_column_that_is_like_none_is_a_warning() {
        assert_eq!(
            check("rows.csv", "a,b\n1,2\n", "ignore = [\"none\"]"),
            ["sensor[0].ignore[0]: there is no column \"none\" to ignore in any file"]
        );
    }

    #[test]
    fn a_label_that_is_none_is_found_with_the_values_that_there_are() {
        let found = check("rows.csv", "a,y\n1,Normal\n2,Attack\n", "label = \"y\"");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with(
                "run.toml:7: sensor[0].label: rows.csv:2: label \"y\" holds \"Normal\""
            ) && found[0].ends_with("its values are Normal, Attack"),
            "{found:?}"
        );
        let keys = "label = \"y\"\nnormal = [\"Normal\"]";
        assert_eq!(
            check("rows.csv", "a,y\n1,Normal\n2,Attack\n", keys),
            [""; 0]
        );
    }

    #[test]
    fn an_empty_file_is_left_to_its_sensor() {
        assert_eq!(check("rows.csv", "", "label = \"y\""), [""; 0]);
    }
}
