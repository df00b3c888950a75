//! What a cell is: the one place that knows how missing values are spelt and which numbers are
//! taken.

/// What the text of a cell says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// An empty field, or one of the words that tools write for it.
    Missing,
    /// Finite.
    Number(f64),
    /// Infinity as a word.
    Infinite,
    /// A number beyond what 64 bits hold.
    Beyond,
    /// Anything else.
    Other,
}

/// Reads the text of a cell, without space around it.
pub fn cell(text: &[u8]) -> Cell {
    const MISSING: [&[u8]; 5] = [b"", b"nan", b"na", b"null", b"none"];
    if MISSING.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Cell::Missing;
    }
    match fast_float2::parse::<f64, _>(text) {
        Ok(value) if value.is_finite() => Cell::Number(value),
        Ok(value) if value.is_infinite() && text.iter().any(u8::is_ascii_digit) => Cell::Beyond,
        Ok(value) if value.is_infinite() => Cell::Infinite,
        _ => Cell::Other,
    }
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

/// The number that a text means, NaN for a missing value; as in other formats, true is 1 and false
/// is 0.
pub(super) fn number(text: &[u8]) -> Result<f64, Defect> {
    match cell(text) {
        Cell::Missing => Ok(f64::NAN),
        Cell::Number(value) => Ok(value),
        Cell::Infinite => Err(Defect::Infinite),
        Cell::Beyond => Err(Defect::BeyondRange),
        Cell::Other if text.eq_ignore_ascii_case(b"true") => Ok(1.0),
        Cell::Other if text.eq_ignore_ascii_case(b"false") => Ok(0.0),
        Cell::Other => Err(Defect::NotANumber),
    }
}

/// The finite number that `text` begins with, and its length, if it is followed by `end` or
/// nothing. What is no plain number, or has space around it, is left to [`number`].
#[inline]
pub(super) fn leading(text: &[u8], end: u8) -> Option<(f64, usize)> {
    let (value, length) = fast_float2::parse_partial::<f64, _>(text).ok()?;
    (value.is_finite() && text.get(length).is_none_or(|next| *next == end))
        .then_some((value, length))
}

/// A feature as it is kept: rounded to 32 bits, with one NaN for all.
#[inline]
pub(super) fn feature(value: f64) -> Result<f32, Defect> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded to the nearest; what becomes infinite is refused"
    )]
    let rounded = value as f32;
    if rounded.is_finite() {
        Ok(rounded)
    } else if value.is_nan() {
        Ok(f32::NAN)
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
        Err(if value.is_nan() {
            Defect::NoLabel
        } else {
            Defect::BadLabel
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn missing_values_come_in_many_spellings() {
        for text in ["", "NaN", "NA", "null", "None"] {
            assert_eq!(cell(text.as_bytes()), Cell::Missing, "{text}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_told_apart() {
        let cases: [(&str, Cell); 8] = [
            ("-1e-3", Cell::Number(-0.001)),
            ("+.5", Cell::Number(0.5)),
            ("inf", Cell::Infinite),
            ("-Infinity", Cell::Infinite),
            ("1e999", Cell::Beyond),
            ("1,5", Cell::Other),
            ("0x10", Cell::Other),
            ("-nan", Cell::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(cell(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_rounded_to_32_bits_or_refused() {
        assert_eq!(feature(0.1), Ok(0.1_f32));
        assert_eq!(feature(3.402_823_5e38), Ok(f32::MAX));
        assert_eq!(feature(1e-60), Ok(0.0));
        assert_eq!(feature(1e39), Err(Defect::BeyondRange));
        assert_eq!(feature(f64::NEG_INFINITY), Err(Defect::Infinite));
        assert_eq!(feature(-f64::NAN).map(f32::to_bits), Ok(f32::NAN.to_bits()));
    }

    #[test]
    fn a_label_is_0_or_1() {
        assert_eq!(
            [label(0.0), label(-0.0), label(1.0)],
            [Ok(false), Ok(false), Ok(true)]
        );
        assert_eq!(
            [label(0.5), label(f64::NAN)],
            [Err(Defect::BadLabel), Err(Defect::NoLabel)]
        );
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(text in "[-+]?[0-9.eEinfaN+-]{0,12}") {
            let expected = text.parse::<f64>().ok().filter(|value| value.is_finite());
            let found = if let Cell::Number(value) = cell(text.as_bytes()) { Some(value) } else { None };
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
            prop_assert_eq!(cell(value.to_string().as_bytes()), Cell::Number(value));
        }
    }
}
