//! Converts a file's bytes to the text in the message, and back.

use std::borrow::Cow;
use std::io::{self, Read, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::GzBuilder;
use flate2::bufread::GzDecoder;
use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};
use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::Serialize;

use super::EncodeError;
use super::reject::{Reject, brief};

/// How a payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// One gzip member (RFC 1952).
    Gzip,
    /// One Zstandard frame (RFC 8878).
    Zstd,
    /// One frame of the LZ4 frame format.
    Lz4,
    /// Not compressed.
    None,
}

impl Compression {
    /// Looks up a compression by its name on the wire.
    pub(super) fn named(name: &str) -> Result<Self, Reject> {
        match name {
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "lz4" => Ok(Self::Lz4),
            "none" => Ok(Self::None),
            other => Err(Reject::UnsupportedCompression {
                found: brief(other),
            }),
        }
    }
}

/// Compresses a file. The same input gives the same bytes every time.
///
/// # Errors
/// None in practice: writing to memory does not fail.
pub fn compress(file: &[u8], compression: Compression) -> Result<Cow<'_, [u8]>, EncodeError> {
    match compression {
        Compression::None => Ok(Cow::Borrowed(file)),
        Compression::Gzip => gzip(file)
            .map(Cow::Owned)
            .map_err(|error| unwritable("gzip", &error)),
        Compression::Zstd => Ok(Cow::Owned(compress_to_vec(file, CompressionLevel::Fastest))),
        Compression::Lz4 => lz4(file)
            .map(Cow::Owned)
            .map_err(|error| unwritable("lz4", &error)),
    }
}

fn unwritable(what: &'static str, error: &dyn std::fmt::Display) -> EncodeError {
    EncodeError::Unwritable {
        what,
        reason: error.to_string(),
    }
}

fn gzip(file: &[u8]) -> io::Result<Vec<u8>> {
    // The lowest level: of a million normally distributed weights every level leaves 92 to 93 %, as
    // only the exponents repeat, but level 2 takes six times as long and level 6 nine times.
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(buffer(file), flate2::Compression::fast());
    encoder.write_all(file)?;
    encoder.finish()
}

fn lz4(file: &[u8]) -> io::Result<Vec<u8>> {
    let frame = FrameInfo::new().content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(frame, buffer(file));
    encoder.write_all(file)?;
    Ok(encoder.finish()?)
}

/// A buffer of the file's size: weights are hardly compressible.
fn buffer(file: &[u8]) -> Vec<u8> {
    Vec::with_capacity(file.len() + file.len() / 1000 + 64)
}

/// Decompresses a payload from [`compress`] or from another program, to at most `max_bytes`.
///
/// # Errors
/// The bytes are damaged, something follows them, or they unpack to more than `max_bytes`.
pub fn decompress(
    payload: &[u8],
    compression: Compression,
    max_bytes: usize,
) -> Result<Cow<'_, [u8]>, Reject> {
    let mut rest = payload;
    let file = match compression {
        Compression::None => {
            rest = &[];
            Ok(Cow::Borrowed(payload))
        }
        Compression::Gzip => read(GzDecoder::new(&mut rest), payload, max_bytes),
        Compression::Zstd => match StreamingDecoder::new(&mut rest) {
            Ok(decoder) => read(decoder, payload, max_bytes),
            Err(error) => Err(Reject::BadCompression {
                reason: brief(error),
            }),
        },
        Compression::Lz4 => read(FrameDecoder::new(&mut rest), payload, max_bytes),
    }?;
    if file.len() > max_bytes {
        return Err(Reject::TooLarge {
            what: "the unpacked payload in bytes".into(),
            limit: max_bytes,
        });
    }
    if !rest.is_empty() {
        let reason = format!(
            "{} bytes follow the end of the compressed stream",
            rest.len()
        );
        return Err(Reject::BadCompression { reason });
    }
    Ok(file)
}

/// Stops one byte after `max_bytes`, so that the caller sees that the limit is exceeded.
fn read<'a>(decoder: impl Read, payload: &[u8], max_bytes: usize) -> Result<Cow<'a, [u8]>, Reject> {
    // Trained weights are compressible by a tenth only. A decompression bomb gets no more memory
    // before it has filled this buffer.
    let mut file = Vec::with_capacity(max_bytes.min(payload.len().saturating_mul(2)));
    let most = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    decoder
        .take(most)
        .read_to_end(&mut file)
        .map_err(|error| Reject::BadCompression {
            reason: brief(error),
        })?;
    Ok(Cow::Owned(file))
}

/// Appends `bytes` to a text in base64.
pub fn push_base64(text: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, text);
}

/// Decodes base64. Only the canonical text of a sequence of bytes is accepted: padded, without
/// spaces, with zero bits at the end.
///
/// # Errors
/// The text is not of that form.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Reject> {
    STANDARD.decode(text).map_err(|error| Reject::BadBase64 {
        reason: brief(error),
    })
}
