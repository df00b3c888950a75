//! What to do about each fault, in terms of flags or of manifest keys.

use super::Fault;
use crate::cells::has_decimal_comma;
use crate::options::OptionStyle;

impl Fault {
    /// The remedy, if there is one beside what the text says.
    pub(crate) fn help(&self, style: OptionStyle) -> Option<String> {
        let ignore = |column: &str| style.set("ignore", column);
        Some(match self {
            Self::Unreadable(_) => return None,
            Self::InArray { fault, .. } => return fault.help(style),
            Self::Damaged { .. } => "fetch or write the file again".into(),
            Self::UnknownFormat => format!(
                "name it .csv, .tsv, .txt, .jsonl, .ndjson (each also .gz), .parquet, .npy or .npz; {} says what it is",
                style.name("format")
            ),
            Self::OtherFormat { .. } => "rename it".into(),
            Self::Container { remedy, .. } => (*remedy).into(),
            Self::Empty => "it needs named columns, and rows".into(),
            Self::NoRows => "at least one row with a label is needed".into(),
            Self::NoScratch { .. } => "set TMPDIR to a directory on a disk with room".into(),
            Self::NumbersAsNames { .. } => {
                format!("{} if the file has no line of names", style.no_header())
            }
            Self::Unnamed { number } => format!(
                "{} if a tool wrote row numbers there, or name it",
                ignore(number)
            ),
            Self::Index { column } => ignore(column),
            Self::Duplicate { column } => {
                format!("rename one, or leave both out: {}", ignore(column))
            }
            Self::NoLabel { nearest, .. } => meant(style, "label", nearest.as_deref()),
            Self::LabelIgnored { .. } => format!("leave it out of {}", style.name("ignore")),
            Self::NoIgnored { nearest, .. } => meant(style, "ignore", nearest.as_deref()),
            Self::NoTime { nearest, .. } => meant(style, "time", nearest.as_deref()),
            Self::NoFeatures { .. } => "ignore fewer".into(),
            Self::OtherColumns { .. } => format!(
                "evaluate files of other columns apart, or {} what they do not share",
                style.name("ignore")
            ),
            Self::Nested { column } => format!(
                "{}, or write its parts as columns of their own",
                ignore(column)
            ),
            Self::NotNumeric { column, .. } => {
                format!("{}, or write it as numbers", ignore(column))
            }
            Self::ColumnPacking { .. } => {
                "write it with snappy, gzip, zstd, lz4 or unpacked".into()
            }
            Self::NotANumber { column, text } => not_a_number(style, column, text),
            Self::Infinite { column, .. } => format!(
                "leave the cell empty if its value is missing, or {}",
                ignore(column)
            ),
            Self::BeyondRange { column, .. } => format!("scale it, or {}", ignore(column)),
            Self::BadLabel { text, seen, .. } => bad_label(style, text, seen),
            Self::NoLabelValue { .. } => "every row needs one, 0 or 1".into(),
            Self::OtherLabels { .. } => format!(
                "each file needs one label a row; {} takes one file for each, in the order of their names",
                style.name("labels-from")
            ),
            Self::Delimiter { .. } => format!(
                "{} takes a character that is no part of a number and no quote",
                style.name("delimiter")
            ),
            Self::DecimalDelimiter => {
                format!("{}, or another character", style.set("delimiter", ";"))
            }
            Self::Ragged {
                expected,
                delimiter,
                ..
            } => format!(
                "the header has {expected} columns, divided by {delimiter}; {} names another",
                style.name("delimiter")
            ),
            Self::LongLine { .. } => "is this a text file with one row a line?".into(),
            Self::LongRow { .. } => "close it".into(),
            Self::NotAnObject { .. } => {
                "each line is one object of numbers; a missing value is null".into()
            }
            Self::NewKey { .. } => {
                "the first object names all columns, with null where it has no value".into()
            }
            Self::Structured => {
                "in numpy: numpy.lib.recfunctions.structured_to_unstructured(a)".into()
            }
            Self::ElementType { .. } => "in numpy: a.astype(\"float32\")".into(),
            Self::Dimensions { .. } => "in numpy: a.reshape(len(a), -1)".into(),
            Self::TooManyColumns { max, .. } => {
                format!("up to {max} are read; is the array the right way round?")
            }
            Self::Arrays { .. } => format!(
                "{} names the array of labels; {} others",
                style.name("label"),
                style.name("ignore")
            ),
            Self::LabelShape { .. } => format!(
                "{} names an array with one number a row",
                style.name("label")
            ),
            Self::Packing { .. } => {
                "numpy.savez and numpy.savez_compressed write what is read".into()
            }
        })
    }
}

fn meant(style: OptionStyle, option: &str, nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || format!("{} takes one of these", style.name(option)),
        |nearest| format!("did you mean {}?", style.set(option, nearest)),
    )
}

fn not_a_number(style: OptionStyle, column: &str, text: &str) -> String {
    let text = text.trim_matches('"');
    if has_decimal_comma(text.as_bytes()) {
        return format!(
            "{} if a comma stands before the fraction of a number",
            style.set("decimal", ",")
        );
    }
    format!(
        "{} if it is no feature, such as a timestamp; {} if this stands for a missing value",
        style.set("ignore", column),
        style.set("missing", text)
    )
}

/// Names the values, so that the user can say what each means. The first row is mostly normal.
fn bad_label(style: OptionStyle, text: &str, seen: &[String]) -> String {
    let text = text.trim_matches('"');
    let first = seen.first().map_or(text, String::as_str);
    let other = seen.get(1).map_or(text, String::as_str);
    let values = if seen.is_empty() {
        String::new()
    } else {
        format!("; its values are {}", super::listed(seen))
    };
    format!(
        "say which values are anomalous or which are normal, such as {} or {}{values}",
        style.set("anomalous", other),
        style.set("normal", first),
    )
}
