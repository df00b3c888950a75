//! Recognises what users send in place of a message, so that the refusal names it.

use std::fmt;

/// Content that is known, and is not a message of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The record has no value.
    Tombstone,
    /// Python's pickle.
    Pickle,
    /// A zip archive, as `torch.save` and `numpy.savez` write it.
    Zip,
    /// A compressed file or message.
    Compressed,
    /// A NumPy array.
    Numpy,
    /// An HDF5 file, as Keras writes it.
    Hdf5,
    /// A safetensors file without an envelope.
    Safetensors,
    /// The five bytes that Confluent's serializers write before the content.
    Confluent,
    /// A byte order mark before a text in UTF-8.
    ByteOrderMark,
    /// A text in UTF-16.
    Utf16,
    /// `NaN` or `Infinity`, as Python's `json.dumps` writes them.
    NotANumber,
    /// JSON inside a JSON text.
    EncodedTwice,
    /// A Python dictionary as text.
    PythonText,
    /// A text that does not begin as a JSON object does.
    Text,
}

impl Foreign {
    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Tombstone => {
                "send a record with a value; to take a model back, publish another one"
            }
            Self::Pickle | Self::Zip | Self::Numpy | Self::Hdf5 => {
                "send the tensors as a safetensors file inside the JSON message of docs/message-format.md"
            }
            Self::Compressed => {
                "compress only the payload, and name it in metadata.compression; for whole records, set the producer's compression.type"
            }
            Self::Safetensors => {
                "send the file as the payload of the JSON message of docs/message-format.md, or beside a record header fedhost-envelope"
            }
            Self::Confluent => {
                "write the record's value with a plain byte or string serializer, without a schema registry"
            }
            Self::ByteOrderMark => "write the text as UTF-8 without a byte order mark",
            Self::Utf16 => "write the text as UTF-8",
            Self::NotANumber => {
                "leave out metrics that are not finite numbers; json.dumps(..., allow_nan=False) finds them"
            }
            Self::EncodedTwice => "encode the message once, as an object and not as a text",
            Self::PythonText => "write the message with json.dumps, not with str",
            Self::Text => "send one JSON object, see docs/message-format.md",
        }
    }

    /// Recognises the value of a record that is no JSON text; `None` if it is nothing known.
    pub(super) fn recognise(value: &[u8]) -> Option<Self> {
        const BEGINNINGS: [(&[u8], Foreign); 10] = [
            (b"PK\x03\x04", Foreign::Zip),
            (b"\x1f\x8b", Foreign::Compressed),
            (b"\x28\xb5\x2f\xfd", Foreign::Compressed),
            (b"\x04\x22\x4d\x18", Foreign::Compressed),
            (b"\x93NUMPY", Foreign::Numpy),
            (b"\x89HDF\r\n", Foreign::Hdf5),
            (b"\xef\xbb\xbf", Foreign::ByteOrderMark),
            (b"\xff\xfe", Foreign::Utf16),
            (b"\xfe\xff", Foreign::Utf16),
            (b"\"{", Foreign::EncodedTwice),
        ];
        if value.is_empty() {
            return Some(Self::Tombstone);
        }
        let known = BEGINNINGS
            .iter()
            .find(|(beginning, _)| value.starts_with(beginning));
        if let Some((_, foreign)) = known {
            return Some(*foreign);
        }
        match value {
            [0x80, 2..=5, .., b'.'] => Some(Self::Pickle),
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => Some(Self::Safetensors),
            [0, _, _, _, _, ..] => Some(Self::Confluent),
            _ => Self::recognise_text(std::str::from_utf8(value).ok()?),
        }
    }

    fn recognise_text(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let Some(inside) = text.strip_prefix('{') else {
            return Some(Self::Text);
        };
        let inside = inside.trim_start();
        if inside.starts_with('\'') {
            return Some(Self::PythonText);
        }
        has_bare_nan(text).then_some(Self::NotANumber)
    }
}

/// Whether `NaN`, `Infinity` or `-Infinity` stands outside of a JSON string.
fn has_bare_nan(text: &str) -> bool {
    let mut in_string = false;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'N' | b'I' if !in_string => {
                let rest = text.get(at..).unwrap_or_default();
                if rest.starts_with("NaN") || rest.starts_with("Infinity") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Tombstone => "the record has no value (a tombstone)",
            Self::Pickle => "the record is a Python pickle, which is never read",
            Self::Zip => "the record is a zip archive, as torch.save and numpy.savez write it",
            Self::Compressed => "the record is compressed as a whole",
            Self::Numpy => "the record is a NumPy array",
            Self::Hdf5 => "the record is an HDF5 file",
            Self::Safetensors => "the record is a safetensors file without an envelope",
            Self::Confluent => {
                "the record begins with the framing of a schema registry (a zero byte and a schema id)"
            }
            Self::ByteOrderMark => "the record begins with a byte order mark",
            Self::Utf16 => "the record is a text in UTF-16",
            Self::NotANumber => "the record has NaN or Infinity, which JSON does not have",
            Self::EncodedTwice => "the record is a JSON text inside a JSON text",
            Self::PythonText => "the record is a Python dictionary as text, not JSON",
            Self::Text => "the record is a text that is not a JSON object",
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Envelope, EnvelopeLimits, Reject};

    const LIMITS: EnvelopeLimits = EnvelopeLimits {
        max_bytes: 1 << 20,
        max_parameters: 1 << 10,
    };

    #[test]
    fn what_users_send_first_is_named_with_the_remedy() {
        let cases: [(&[u8], Foreign); 19] = [
            (b"", Foreign::Tombstone),
            (
                b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94\x8c\x01w\x94K\x01s.",
                Foreign::Pickle,
            ),
            (b"\x80\x02}q\0.", Foreign::Pickle),
            (b"PK\x03\x04\x14\0\0\0", Foreign::Zip),
            (b"\x1f\x8b\x08\0", Foreign::Compressed),
            (b"\x28\xb5\x2f\xfd\0", Foreign::Compressed),
            (b"\x93NUMPY\x01\0", Foreign::Numpy),
            (b"\x89HDF\r\n\x1a\n", Foreign::Hdf5),
            (b"\x10\0\0\0\0\0\0\0{\"w\":{}}", Foreign::Safetensors),
            (b"\0\0\0\0\x07{\"header\":{}}", Foreign::Confluent),
            (b"\0\0\0\0\x07\x02\x06abc", Foreign::Confluent),
            (b"\xef\xbb\xbf{\"header\":{}}", Foreign::ByteOrderMark),
            (b"\xff\xfe{\0", Foreign::Utf16),
            (
                b"{\"metadata\":{\"metrics\":{\"loss\": NaN}}}",
                Foreign::NotANumber,
            ),
            (
                b"{\"metadata\":{\"metrics\":{\"loss\":-Infinity}}}",
                Foreign::NotANumber,
            ),
            (b"\"{\\\"header\\\":{}}\"", Foreign::EncodedTwice),
            (b"{'header': {'version': '1.0'}}", Foreign::PythonText),
            (b"hello", Foreign::Text),
            (b"<model/>", Foreign::Text),
        ];
        for (value, foreign) in cases {
            let refusal = Envelope::decode(value, &LIMITS).unwrap_err();
            assert_eq!(refusal, Reject::Foreign(foreign), "{value:?}");
            assert_eq!(refusal.code(), "not_json");
            let help = miette::Diagnostic::help(&refusal).unwrap().to_string();
            assert_eq!(help, foreign.remedy());
        }
    }

    #[test]
    fn a_damaged_message_is_not_taken_for_something_else() {
        for value in [
            "{\"header\": {\"sender\": \"NaN\", \"x\\\"Infinity\": ",
            "{\"header\": }",
            "{",
        ] {
            let refusal = Envelope::decode(value.as_bytes(), &LIMITS).unwrap_err();
            assert!(
                matches!(refusal, Reject::NotJson { .. }),
                "{value}: {refusal}"
            );
        }
    }
}
