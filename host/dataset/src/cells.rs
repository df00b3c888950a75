//! What a cell means: the one place that knows how missing values are spelt, which numbers are
//! taken, and which labels are anomalous.

use super::options::{Decimal, ReadOptions};

/// How tools write a missing value, in small letters: those that pandas reads as such.
const MISSING: [&[u8]; 15] = [
    b"",
    b"nan",
    b"-nan",
    b"na",
    b"n/a",
    b"<na>",
    b"#n/a",
    b"#n/a n/a",
    b"#na",
    b"null",
    b"none",
    b"1.#ind",
    b"-1.#ind",
    b"1.#qnan",
    b"-1.#qnan",
];

/// What a file holds in one place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    /// Text of a format without types, without space around it.
    Text(&'a [u8]),
    /// Text of a format that distinguishes text from numbers.
    Quoted(&'a str),
    /// A number; NaN is a missing value.
    Number(f64),
}

/// Why a cell cannot be used. Its reader says where, and what the cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    NotANumber,
    Infinite,
    BeyondRange,
    BadLabel,
    NoLabel,
}

/// Turns cells into features and labels.
#[derive(Clone, Debug)]
pub(super) struct CellRules {
    decimal: Decimal,
    missing: Vec<Word>,
    anomalous: Vec<Word>,
    normal: Vec<Word>,
}

/// A value that the user has named; a number in any spelling is the same number.
#[derive(Clone, Debug)]
struct Word {
    text: String,
    number: Option<f64>,
}

impl CellRules {
    pub(super) fn new(options: &ReadOptions) -> Self {
        let words = |texts: &[String]| texts.iter().map(|text| Word::new(text)).collect();
        Self {
            decimal: options.decimal,
            missing: words(&options.missing),
            anomalous: words(&options.anomalous),
            normal: words(&options.normal),
        }
    }

    /// Whether every number that [`leading`] finds is a feature's value, and every 0 or 1 a label.
    pub(super) fn are_plain(&self) -> bool {
        self.decimal == Decimal::Point && self.missing.is_empty() && !self.have_label_values()
    }

    /// Whether the user has named the label's values.
    pub(super) fn have_label_values(&self) -> bool {
        !(self.anomalous.is_empty() && self.normal.is_empty())
    }

    /// A feature: finite, in the range of 32 bits, or NaN for a missing value.
    pub(super) fn feature(&self, cell: Cell<'_>) -> Result<f64, Defect> {
        in_range(self.number(cell)?)
    }

    /// Whether a row is anomalous; `None` if its label is missing.
    pub(super) fn label(&self, cell: Cell<'_>) -> Result<Option<bool>, Defect> {
        if !self.have_label_values() {
            let number = self.number(cell).map_err(|_| Defect::BadLabel)?;
            return if number.is_nan() {
                Ok(None)
            } else {
                label(number).map(Some)
            };
        }
        if is_among(&self.anomalous, cell) {
            Ok(Some(true))
        } else if is_among(&self.normal, cell) {
            Ok(Some(false))
        } else if self.is_missing(cell) {
            Ok(None)
        } else if self.normal.is_empty() {
            Ok(Some(false))
        } else if self.anomalous.is_empty() {
            Ok(Some(true))
        } else {
            Err(Defect::BadLabel)
        }
    }

    /// The number that a cell means, NaN for a missing value; true is 1 and false is 0.
    pub(super) fn number(&self, cell: Cell<'_>) -> Result<f64, Defect> {
        if self.is_missing(cell) {
            return Ok(f64::NAN);
        }
        match cell {
            Cell::Number(value) if value.is_infinite() => Err(Defect::Infinite),
            Cell::Number(value) => Ok(value),
            Cell::Text(text) => match self.decimal {
                Decimal::Point => number(text),
                Decimal::Comma => number(&with_point(text).ok_or(Defect::NotANumber)?),
            },
            Cell::Quoted(text) => Err(match number(text.as_bytes()) {
                Err(Defect::Infinite) => Defect::Infinite,
                _ => Defect::NotANumber,
            }),
        }
    }

    fn is_missing(&self, cell: Cell<'_>) -> bool {
        let is_usual = match cell {
            Cell::Text(text) => is_missing(text),
            Cell::Quoted(text) => is_missing(text.trim().as_bytes()),
            Cell::Number(value) => value.is_nan(),
        };
        is_usual || is_among(&self.missing, cell)
    }
}

impl Word {
    fn new(text: &str) -> Self {
        let text = text.trim();
        Self {
            text: text.to_owned(),
            number: number(text.as_bytes()).ok(),
        }
    }
}

fn is_among(words: &[Word], cell: Cell<'_>) -> bool {
    words.iter().any(|word| match cell {
        Cell::Text(text) => {
            text == word.text.as_bytes()
                || word.number.is_some() && number(text).ok() == word.number
        }
        Cell::Quoted(text) => text.trim() == word.text,
        Cell::Number(value) => word.number == Some(value),
    })
}

fn is_missing(text: &[u8]) -> bool {
    MISSING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `1,5` as `1.5`; `None` if there is a point already, which would divide thousands.
fn with_point(text: &[u8]) -> Option<Vec<u8>> {
    let point = |byte: &u8| if *byte == b',' { b'.' } else { *byte };
    (!text.contains(&b'.')).then(|| text.iter().map(point).collect())
}

/// The number that a text means with a decimal point.
fn number(text: &[u8]) -> Result<f64, Defect> {
    match fast_float2::parse::<f64, _>(text) {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(value) if value.is_infinite() && text.iter().any(u8::is_ascii_digit) => {
            Err(Defect::BeyondRange)
        }
        Ok(value) if value.is_infinite() => Err(Defect::Infinite),
        _ if text.eq_ignore_ascii_case(b"true") => Ok(1.0),
        _ if text.eq_ignore_ascii_case(b"false") => Ok(0.0),
        _ => Err(Defect::NotANumber),
    }
}

/// Whether a text is a number, or stands for a missing one.
pub(super) fn is_number(text: &[u8]) -> bool {
    fast_float2::parse::<f64, _>(text).is_ok()
}

/// Whether a text would be a number if its comma were a point.
pub(super) fn has_decimal_comma(text: &[u8]) -> bool {
    text.contains(&b',') && with_point(text).is_some_and(|text| number(&text).is_ok())
}

/// The finite number that `text` begins with, and its length, if it is followed by `end` or
/// nothing. A text that is not a plain number, or has space around it, is left to
/// [`CellRules::number`].
#[inline]
pub(super) fn leading(text: &[u8], end: u8) -> Option<(f64, usize)> {
    let (value, length) = fast_float2::parse_partial::<f64, _>(text).ok()?;
    (value.is_finite() && text.get(length).is_none_or(|next| *next == end))
        .then_some((value, length))
}

/// A feature that 32 bits can hold, with one NaN for all.
#[inline]
pub(super) fn in_range(value: f64) -> Result<f64, Defect> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded to the nearest; what becomes infinite is refused"
    )]
    let rounded = value as f32;
    if rounded.is_finite() {
        Ok(value)
    } else if value.is_nan() {
        Ok(f64::NAN)
    } else {
        Err(if value.is_infinite() {
            Defect::Infinite
        } else {
            Defect::BeyondRange
        })
    }
}

/// A label: 0 or 1.
#[inline]
pub(super) fn label(value: f64) -> Result<bool, Defect> {
    if value == 0.0 {
        Ok(false)
    } else if value == 1.0 {
        Ok(true)
    } else {
        Err(Defect::BadLabel)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(change: impl FnOnce(&mut ReadOptions)) -> CellRules {
        let mut options = ReadOptions::default();
        change(&mut options);
        CellRules::new(&options)
    }

    fn plain(text: &str) -> Result<f64, Defect> {
        rules(|_| ()).number(Cell::Text(text.as_bytes()))
    }

    #[test]
    fn missing_values_come_in_many_spellings() {
        // Those of pandas.read_csv.
        let pandas = [
            "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
            "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
        ];
        for text in pandas {
            assert!(plain(text).is_ok_and(f64::is_nan), "{text}");
        }
    }

    #[test]
    fn texts_and_numbers_that_the_user_names_are_missing_in_every_format() {
        let rules = rules(|options| options.missing = vec!["?".into(), "-999".into()]);
        let is_missing = |cell| rules.number(cell).is_ok_and(f64::is_nan);
        for text in ["?", "-999", "-999.0", "-9.99e2", "NA"] {
            assert!(is_missing(Cell::Text(text.as_bytes())), "{text}");
        }
        assert!(is_missing(Cell::Number(-999.0)) && is_missing(Cell::Quoted("?")));
        assert!(!is_missing(Cell::Number(999.0)) && !is_missing(Cell::Text(b"99")));
    }

    #[test]
    fn a_comma_divides_a_number_where_that_is_said() {
        let rules = rules(|options| options.decimal = Decimal::Comma);
        let number = |text: &str| rules.number(Cell::Text(text.as_bytes()));
        assert_eq!(number("1,5"), Ok(1.5));
        assert_eq!(number("-0,25e-3"), Ok(-0.25e-3));
        assert_eq!(number("7"), Ok(7.0));
        for text in ["1.5", "1.000,5", "1,000,5"] {
            assert_eq!(number(text), Err(Defect::NotANumber), "{text}");
        }
    }

    #[test]
    fn a_label_is_0_or_1_or_what_the_user_says() {
        let label = |rules: &CellRules, text: &str| rules.label(Cell::Text(text.as_bytes()));
        let plain = rules(|_| ());
        for (text, expected) in [
            ("0", Ok(Some(false))),
            ("-0.0", Ok(Some(false))),
            ("1.0", Ok(Some(true))),
            ("True", Ok(Some(true))),
            ("", Ok(None)),
            ("0.5", Err(Defect::BadLabel)),
            ("-1", Err(Defect::BadLabel)),
            ("Normal", Err(Defect::BadLabel)),
        ] {
            assert_eq!(label(&plain, text), expected, "{text}");
        }
        let anomalous = rules(|options| options.anomalous = vec!["-1".into()]);
        assert_eq!(label(&anomalous, "-1.0"), Ok(Some(true)));
        assert_eq!(label(&anomalous, "1"), Ok(Some(false)));
        assert_eq!(anomalous.label(Cell::Number(-1.0)), Ok(Some(true)));
        let normal = rules(|options| options.normal = vec!["Normal".into()]);
        assert_eq!(label(&normal, "Normal"), Ok(Some(false)));
        assert_eq!(label(&normal, "A ttack"), Ok(Some(true)));
        assert_eq!(label(&normal, "NA"), Ok(None));
        assert_eq!(normal.label(Cell::Quoted("Normal")), Ok(Some(false)));
        let both = rules(|options| {
            options.normal = vec!["Normal".into()];
            options.anomalous = vec!["Attack".into()];
        });
        assert_eq!(label(&both, "Attack"), Ok(Some(true)));
        assert_eq!(label(&both, "attack"), Err(Defect::BadLabel));
    }

    #[test]
    fn a_cell_that_is_not_a_finite_number_is_named_by_its_kind() {
        let cases = [
            ("-1e-3", Ok(-0.001)),
            ("+.5", Ok(0.5)),
            ("inf", Err(Defect::Infinite)),
            ("-Infinity", Err(Defect::Infinite)),
            ("1e999", Err(Defect::BeyondRange)),
            ("1,5", Err(Defect::NotANumber)),
            ("0x10", Err(Defect::NotANumber)),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_kept_if_32_bits_can_hold_it() {
        assert_eq!(in_range(0.1), Ok(0.1));
        assert_eq!(in_range(3.402_823_5e38), Ok(3.402_823_5e38));
        assert_eq!(in_range(1e-60), Ok(1e-60));
        assert_eq!(in_range(1e39), Err(Defect::BeyondRange));
        assert_eq!(in_range(f64::NEG_INFINITY), Err(Defect::Infinite));
        assert_eq!(
            in_range(-f64::NAN).map(f64::to_bits),
            Ok(f64::NAN.to_bits())
        );
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(text in "[-+]?[0-9.eEinfaN+-]{0,12}") {
            let expected = text.parse::<f64>().ok().filter(|value| value.is_finite());
            let found = plain(&text).ok().filter(|value| !value.is_nan());
            prop_assert_eq!(found.map(f64::to_bits), expected.map(f64::to_bits));
        }

        #[test]
        fn a_number_before_the_next_field_is_that_of_the_standard_library(
            text in "-?[0-9]{0,17}[.]?[0-9]{0,9}(e-?[0-9]{1,2})?", rest in "|,|,1|;|x",
        ) {
            let expected = text.parse::<f64>().ok().filter(|_| rest.is_empty() || rest.starts_with(','));
            let found = leading(format!("{text}{rest}").as_bytes(), b',');
            let expected = expected.filter(|value| value.is_finite()).map(|value| (value.to_bits(), text.len()));
            prop_assert_eq!(found.map(|(value, length)| (value.to_bits(), length)), expected);
        }

        #[test]
        fn a_printed_number_reads_as_itself(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(plain(&value.to_string()), Ok(value));
        }
    }
}
