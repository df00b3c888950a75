//! How files of rows are read. Command-line flags and manifest keys both fill this one struct, so
//! that the same file means the same rows to every command and to every sensor.

use std::fmt;
use std::str::FromStr;

use super::csv;

/// How files of rows are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// What the files are; `None` decides by each file's name, or else by its first bytes.
    pub format: Option<FileFormat>,
    /// Between the fields of a CSV file; `None` detects it from each file's first row among `,`,
    /// `;`, tab, `|`, and whitespace between numbers.
    pub delimiter: Option<Delimiter>,
    /// What divides the whole part of a number from its fraction in a CSV file.
    pub decimal: Decimal,
    /// Whether the first row of a CSV file names the columns; else they are `f0`, `f1` and so on.
    pub has_header: bool,
    /// Lines at the start of a text file that are not read.
    pub skip_lines: u64,
    /// Lines of a CSV file that begin with this byte are not read.
    pub comment: Option<u8>,
    /// Texts and numbers that stand for a missing value, beside the usual ones.
    pub missing: Vec<String>,
    /// The column that says which rows are anomalous; `None` reads rows without labels.
    pub label: Option<String>,
    /// Values of the label that mean anomalous. If this and `normal` are empty, 1 and true are
    /// anomalous, 0 and false are normal.
    pub anomalous: Vec<String>,
    /// Values of the label that mean normal.
    pub normal: Vec<String>,
    /// A column whose text is kept beside the row and that is not a feature.
    pub time: Option<String>,
    /// Columns that are not features. A column without a name is known by its number, from 1.
    pub ignore: Vec<String>,
    /// Whether a file may lack columns of `ignore`.
    pub may_lack_ignored: bool,
}

/// What a file can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Fields between a delimiter, a row a line.
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// One array of numpy.
    Npy,
    /// A zip file of arrays of numpy.
    Npz,
}

/// What divides the fields of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// One byte.
    Byte(u8),
    /// One or more spaces or tabs; those at the start and the end of a line do not count.
    Whitespace,
}

/// What divides the whole part of a number from its fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimal {
    /// As in 1.5.
    #[default]
    Point,
    /// As in 1,5.
    Comma,
}

/// Who named the options: errors say what to change in the same terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptionStyle {
    /// Flags such as `--ignore x`.
    #[default]
    Flags,
    /// Manifest keys such as `ignore = ["x"]`.
    Keys,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            delimiter: None,
            decimal: Decimal::Point,
            has_header: true,
            skip_lines: 0,
            comment: None,
            missing: Vec::new(),
            label: None,
            anomalous: Vec::new(),
            normal: Vec::new(),
            time: None,
            ignore: Vec::new(),
            may_lack_ignored: false,
        }
    }
}

impl FromStr for FileFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "json-lines" => Ok(Self::JsonLines),
            "parquet" => Ok(Self::Parquet),
            "npy" => Ok(Self::Npy),
            "npz" => Ok(Self::Npz),
            _ => Err("expected csv, json-lines, parquet, npy or npz".to_owned()),
        }
    }
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let delimiter = match text {
            "whitespace" => return Ok(Self::Whitespace),
            "\\t" => b'\t',
            _ => match text.as_bytes() {
                [byte] => *byte,
                _ => return Err("expected one character, or whitespace".to_owned()),
            },
        };
        if csv::may_divide(delimiter) {
            Ok(Self::Byte(delimiter))
        } else {
            Err(
                "expected a character that is not part of a number, a quote or a line end"
                    .to_owned(),
            )
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(byte) => write!(f, "{:?}", char::from(*byte)),
            Self::Whitespace => f.write_str("whitespace"),
        }
    }
}

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "." => Ok(Self::Point),
            "," => Ok(Self::Comma),
            _ => Err("expected . or ,".to_owned()),
        }
    }
}

impl OptionStyle {
    /// An option with a value, as a user writes it.
    pub(super) fn set(self, option: &str, value: &str) -> String {
        match self {
            Self::Flags => format!("--{option} {}", shell_word(value)),
            Self::Keys => {
                let key = option.replace('-', "_");
                if LISTS.contains(&option) {
                    format!("{key} = [{value:?}]")
                } else {
                    format!("{key} = {value:?}")
                }
            }
        }
    }

    /// An option without a value, as a user writes it.
    pub(super) fn name(self, option: &str) -> String {
        match self {
            Self::Flags => format!("--{option}"),
            Self::Keys => format!("`{}`", option.replace('-', "_")),
        }
    }

    /// Reads files without a header.
    pub(super) fn no_header(self) -> &'static str {
        match self {
            Self::Flags => "--no-header",
            Self::Keys => "no_header = true",
        }
    }
}

/// Options that are lists in a manifest.
const LISTS: [&str; 5] = ["ignore", "anomalous", "normal", "missing", "labels-from"];

/// A word for a POSIX shell.
fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@^".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) || !text.is_ascii() && !text.contains(' ') {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_named_as_its_user_writes_it() {
        assert_eq!(OptionStyle::Flags.set("ignore", "x"), "--ignore x");
        assert_eq!(
            OptionStyle::Flags.set("ignore", "Unnamed: 0"),
            "--ignore 'Unnamed: 0'"
        );
        assert_eq!(OptionStyle::Keys.set("ignore", "x"), "ignore = [\"x\"]");
        assert_eq!(OptionStyle::Keys.set("label", "y"), "label = \"y\"");
        assert_eq!(OptionStyle::Keys.name("labels-from"), "`labels_from`");
    }

    #[test]
    fn a_delimiter_is_one_character_or_whitespace() {
        assert_eq!("whitespace".parse(), Ok(Delimiter::Whitespace));
        assert_eq!("\\t".parse(), Ok(Delimiter::Byte(b'\t')));
        assert_eq!(";".parse(), Ok(Delimiter::Byte(b';')));
        for text in ["", "..", ".", "7", "\""] {
            assert!(text.parse::<Delimiter>().is_err(), "{text:?}");
        }
    }
}
