//! The reasons for which a message is refused.

use std::fmt;

use super::Foreign;
use crate::model::Sha256Hex;

/// Why a message is not a valid envelope. [`code`](Self::code) is stable, the text is not.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum Reject {
    /// The message, its model, or what the payload unpacks to.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// Which of them, with its size where that is known.
        what: String,
        /// Bytes or parameters, as `what` says.
        limit: usize,
    },
    /// The text is not JSON in UTF-8.
    #[error("the message is not JSON: {reason}")]
    NotJson {
        /// What was found, and where.
        reason: String,
    },
    /// It is something known that is not a message.
    #[error("the message is not JSON: {0}")]
    #[diagnostic(help("{}", .0.remedy()))]
    Foreign(Foreign),
    /// A required field is missing.
    #[error("the field {field:?} is missing")]
    MissingField {
        /// With its place, such as `header.sender`.
        field: String,
    },
    /// A field has a wrong value, is unknown, or contradicts another field.
    #[error("the field {field:?} is wrong: {reason}")]
    BadField {
        /// With its place, such as `header.sender`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another version of the format.
    #[error("the message is of version {found:?}, only {known:?} is supported", known = super::VERSION)]
    UnknownVersion {
        /// What it says.
        found: String,
    },
    /// Neither a global model nor an update.
    #[error("the message is a {found:?}, neither \"global_model\" nor \"model_update\"")]
    WrongType {
        /// What it says.
        found: String,
    },
    /// Header or metadata were changed in transit.
    #[error("the digest of header and metadata is {found}, but the message states {stated}")]
    DigestMismatch {
        /// As the message says.
        stated: Sha256Hex,
        /// Of what came.
        found: Sha256Hex,
    },
    /// The payload's encoding is not safetensors.
    #[error("the payload is encoded as {found:?}")]
    #[diagnostic(help("send \"safetensors\""))]
    UnsupportedEncoding {
        /// What the metadata says.
        found: String,
    },
    /// The format has no such compression.
    #[error("the payload is compressed with {found:?}, which is not supported")]
    #[diagnostic(help("send \"gzip\", \"zstd\", \"lz4\" or \"none\""))]
    UnsupportedCompression {
        /// What the metadata says.
        found: String,
    },
    /// The payload is not canonical, padded base64 of the standard alphabet.
    #[error("the payload is not base64: {reason}")]
    BadBase64 {
        /// What was found, and where.
        reason: String,
    },
    /// The payload was changed in transit.
    #[error("the checksum of the payload is {found}, but the metadata states {stated}")]
    ChecksumMismatch {
        /// As the metadata says.
        stated: Sha256Hex,
        /// Of what came.
        found: Sha256Hex,
    },
    /// The payload cannot be decompressed, or bytes follow its end.
    #[error("the payload cannot be decompressed: {reason}")]
    BadCompression {
        /// What was found.
        reason: String,
    },
    /// The decompressed payload is not a safetensors file.
    #[error("the payload is not a safetensors file: {reason}")]
    BadSafetensors {
        /// What was found.
        reason: String,
    },
    /// A tensor of another type than 32-bit floats.
    #[error("tensor {tensor:?} is of type {found:?}")]
    #[diagnostic(help("{}", dtype_remedy(found)))]
    WrongDtype {
        /// Its name.
        tensor: String,
        /// Its type.
        found: String,
    },
    /// The payload has other tensors than the metadata states.
    #[error("the metadata states {stated}, but the payload holds {found}")]
    ShapeMismatch {
        /// The first tensor that differs, or how many there are.
        stated: String,
        /// What is there instead.
        found: String,
    },
    /// The tensors are not a valid model, see [`WeightsError`](crate::model::WeightsError).
    #[error("the payload is not a valid model: {reason}")]
    BadWeights {
        /// The text of that error.
        reason: String,
    },
}

impl Reject {
    /// A short stable name for logs, metrics and dead-letter records.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Foreign(_) | Self::NotJson { .. } => "not_json",
            Self::MissingField { .. } => "missing_field",
            Self::BadField { .. } => "bad_field",
            Self::UnknownVersion { .. } => "unknown_version",
            Self::WrongType { .. } => "wrong_type",
            Self::DigestMismatch { .. } => "digest_mismatch",
            Self::UnsupportedEncoding { .. } => "unsupported_encoding",
            Self::UnsupportedCompression { .. } => "unsupported_compression",
            Self::BadBase64 { .. } => "bad_base64",
            Self::ChecksumMismatch { .. } => "checksum_mismatch",
            Self::BadCompression { .. } => "bad_compression",
            Self::BadSafetensors { .. } => "bad_safetensors",
            Self::WrongDtype { .. } => "wrong_dtype",
            Self::ShapeMismatch { .. } => "shape_mismatch",
            Self::BadWeights { .. } => "bad_weights",
        }
    }
}

/// Other libraries have other names for the type of a 32-bit float.
fn dtype_remedy(found: &str) -> &'static str {
    let name = found.rsplit('.').next().unwrap_or(found);
    let is_same = ["float32", "f32", "float", "<f4", "single"]
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other));
    if is_same {
        "write the type as \"float32\""
    } else {
        "only 32-bit floats are averaged; convert it before sending"
    }
}

const BRIEF: usize = 200;

/// The start of a text. Untrusted text is quoted in logs and must not flood them.
pub(super) fn brief(text: impl fmt::Display) -> String {
    let mut text = text.to_string();
    if let Some((end, _)) = text.char_indices().nth(BRIEF) {
        text.truncate(end);
        text.push('…');
    }
    text
}
