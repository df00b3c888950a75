//! Flags that say how files of rows are read: the same for every command that reads them.

use clap::Args;

use fedhost_dataset::{Decimal, Delimiter, FileFormat, ReadOptions};

/// How files of rows are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading files")]
pub(super) struct ReadingArgs {
    /// The column that says which rows are anomalous: 1 and true are, 0 and false are not
    #[arg(long, value_name = "COLUMN")]
    pub(super) label: Option<String>,
    /// Values of the label that mean anomalous; all others are normal, unless --normal names them
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "VALUE,..",
        allow_hyphen_values = true
    )]
    anomalous: Vec<String>,
    /// Values of the label that mean normal; all others are anomalous, unless --anomalous names them
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "VALUE,..",
        allow_hyphen_values = true
    )]
    normal: Vec<String>,
    /// Columns that plug-ins do not see, such as timestamps and further labels; may be repeated, as it
    /// has to be for names with commas. A column without a name is known by its number, from 1
    #[arg(long, value_name = "COLUMN,..")]
    ignore: Vec<String>,
    /// What stands for a missing value, beside empty cells and the spellings that pandas knows
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "TEXT,..",
        allow_hyphen_values = true
    )]
    missing: Vec<String>,
    /// What is between columns of CSV: one character, or whitespace [default: detected]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<Delimiter>,
    /// What stands before the fraction of a number in CSV: . or ,
    #[arg(long, default_value = ".", value_name = "CHARACTER")]
    decimal: Decimal,
    /// The first line of CSV is a row; columns are called f0, f1 and so on
    #[arg(long)]
    no_header: bool,
    /// Leave out the first lines of text files
    #[arg(long, default_value_t = 0, value_name = "N")]
    skip_lines: u64,
    /// Leave out lines of CSV that begin with this character
    #[arg(long, value_parser = comment, value_name = "CHARACTER")]
    comment: Option<u8>,
    /// What the files are, if their names do not say it: csv, json-lines, parquet, npy or npz
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,
}

fn comment(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("one ASCII character is needed".to_owned()),
    }
}

impl ReadingArgs {
    /// The options that they stand for.
    pub(super) fn options(&self) -> ReadOptions {
        ReadOptions {
            format: self.format,
            delimiter: self.delimiter,
            decimal: self.decimal,
            has_header: !self.no_header,
            skip_lines: self.skip_lines,
            comment: self.comment,
            missing: self.missing.clone(),
            label: self.label.clone(),
            anomalous: self.anomalous.clone(),
            normal: self.normal.clone(),
            time: None,
            ignore: self.ignore.clone(),
            may_lack_ignored: false,
        }
    }
}
