//! From a file's bytes to the text that stands in the message, and back.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::GzBuilder;
use flate2::bufread::GzDecoder;
use serde::Serialize;

use super::EncodeError;
use super::reject::{Reject, brief};

/// How a payload is compressed. The format also names `zstd` and `lz4`, which this version neither writes nor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// One gzip member (RFC 1952).
    Gzip,
    /// The file as it is.
    None,
}

impl Compression {
    /// By its name on the wire.
    pub(super) fn named(name: &str) -> Result<Self, Reject> {
        match name {
            "gzip" => Ok(Self::Gzip),
            "none" => Ok(Self::None),
            other => Err(Reject::UnsupportedCompression { found: brief(other) }),
        }
    }
}

/// Compresses a file; the same bytes come out every time.
///
/// # Errors
/// None in practice: memory takes all that is written.
pub fn compress(file: &[u8], compression: Compression) -> Result<Cow<'_, [u8]>, EncodeError> {
    match compression {
        Compression::None => Ok(Cow::Borrowed(file)),
        Compression::Gzip => {
            // The lowest level: of a million normally distributed weights every level leaves 92 to 93 %, as only the
            // exponents repeat, but level 2 takes six times as long and level 6 nine times.
            let out = Vec::with_capacity(file.len() + file.len() / 1000 + 64);
            let mut encoder = GzBuilder::new().mtime(0).write(out, flate2::Compression::fast());
            let packed = encoder.write_all(file).and_then(|()| encoder.finish());
            let packed = packed.map_err(|error| EncodeError::Unwritable { what: "gzip", reason: error.to_string() })?;
            Ok(Cow::Owned(packed))
        }
    }
}

/// Undoes [`compress`], or what another program did, and writes at most `max_bytes`.
///
/// # Errors
/// The bytes are damaged, something follows them, or they unpack to more than `max_bytes`.
pub fn decompress(payload: &[u8], compression: Compression, max_bytes: usize) -> Result<Cow<'_, [u8]>, Reject> {
    let file = match compression {
        Compression::None => Cow::Borrowed(payload),
        Compression::Gzip => Cow::Owned(gunzip(payload, max_bytes)?),
    };
    if file.len() > max_bytes {
        return Err(Reject::TooLarge { what: "the unpacked payload in bytes".into(), limit: max_bytes });
    }
    Ok(file)
}

/// Stops one byte after `max_bytes`, where the caller sees that it is too much.
fn gunzip(payload: &[u8], max_bytes: usize) -> Result<Vec<u8>, Reject> {
    let mut decoder = GzDecoder::new(payload);
    // Trained weights shrink by a tenth; a bomb gets no memory before it has filled what is there.
    let mut file = Vec::with_capacity(max_bytes.min(payload.len().saturating_mul(2)));
    let most = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .by_ref()
        .take(most)
        .read_to_end(&mut file)
        .map_err(|error| Reject::BadCompression { reason: brief(error) })?;
    let rest = decoder.into_inner().len();
    if file.len() <= max_bytes && rest > 0 {
        return Err(Reject::BadCompression { reason: format!("{rest} bytes follow the end of the gzip stream") });
    }
    Ok(file)
}

/// Appends the base64 form of `bytes` to a text.
pub fn push_base64(text: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, text);
}

/// Undoes [`push_base64`]. Each sequence of bytes has one text only: padded, no spaces, no stray bits at the end.
///
/// # Errors
/// The text is not of that form.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Reject> {
    STANDARD.decode(text).map_err(|error| Reject::BadBase64 { reason: brief(error) })
}
