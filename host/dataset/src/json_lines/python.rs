//! `NaN`, `Infinity` and `-Infinity` in JSON, as Python's `json` and others write them.

use std::borrow::Cow;

/// Each word, and the JSON in its place.
const WORDS: [(&[u8], &[u8]); 3] = [
    (b"NaN", b"null"),
    (b"-Infinity", b"\"-Infinity\""),
    (b"Infinity", b"\"Infinity\""),
];

/// The line as JSON: NaN, which is a missing value, as null, and infinity as a text.
pub(super) fn without_nan(line: &[u8]) -> Cow<'_, [u8]> {
    let has_word = memchr::memmem::find(line, b"NaN").is_some()
        || memchr::memmem::find(line, b"Infinity").is_some();
    if !has_word {
        return Cow::Borrowed(line);
    }
    let mut json = Vec::with_capacity(line.len() + 16);
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'"' {
            let text = text_length(rest);
            json.extend_from_slice(rest.get(..text).unwrap_or_default());
            rest = rest.get(text..).unwrap_or_default();
            continue;
        }
        let word = WORDS.iter().find(|(word, _)| rest.starts_with(word));
        match word {
            Some((word, instead)) => {
                json.extend_from_slice(instead);
                rest = rest.get(word.len()..).unwrap_or_default();
            }
            None => {
                json.push(*byte);
                rest = after;
            }
        }
    }
    Cow::Owned(json)
}

/// The length of a text that begins with a quote, with both quotes.
fn text_length(text: &[u8]) -> usize {
    let mut is_escaped = true;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_lacks_are_replaced_outside_of_texts() {
        let cases = [
            (r#"{"a": NaN, "b": 1}"#, r#"{"a": null, "b": 1}"#),
            (r#"{"NaN": NaN}"#, r#"{"NaN": null}"#),
            (
                r#"{"a": "x\"NaN", "b": -Infinity, "c": Infinity}"#,
                r#"{"a": "x\"NaN", "b": "-Infinity", "c": "Infinity"}"#,
            ),
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
            (r#"{"a": "NaN"#, r#"{"a": "NaN"#),
        ];
        for (line, expected) in cases {
            let found = without_nan(line.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), expected);
        }
    }
}
