//! The wire format of a model: JSON with a checksummed payload, see [`Envelope`].
//!
//! An envelope that was changed in transit must never be accepted, and a refusal must never cost
//! more than the size of the message. Every byte is covered: `digest` covers the texts of `header`
//! and `metadata` as they are in the message, `checksum` in the metadata covers the compressed
//! payload, and unknown fields are refused. This protects against damage, not against forgery: an
//! attacker can compute digests too.

mod fields;
mod foreign;
mod payload;
mod read;
mod reject;
mod tensors;
#[cfg(test)]
mod tests;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{NodeId, PluginId, Sha256Hex, Weights};

pub use foreign::Foreign;
pub use payload::{Compression, compress, decompress, from_base64, push_base64};
pub use reject::Reject;
pub use tensors::{from_safetensors, to_safetensors};

/// The only version of the format that is read and written.
pub const VERSION: &str = "1.0";

/// A model with its metadata.
///
/// On the wire it is one JSON object of `header`, `metadata`, `payload` (base64 of the compressed
/// safetensors file) and `digest` (sha256 over the text of the header followed by the text of the
/// metadata). [`encode`](Self::encode) writes the fields that describe the payload and
/// [`decode`](Self::decode) checks them, so they do not appear here.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Who sends what, and when.
    pub header: Header,
    /// Where the weights come from.
    pub metadata: Metadata,
    /// The model.
    pub weights: Weights,
}

/// Who sends what, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// On the wire `type`.
    pub kind: MessageKind,
    /// Seconds since the Unix epoch, by the sender's clock; finite.
    pub timestamp: f64,
    /// The sender.
    pub sender: NodeId,
    /// Unique among all messages.
    pub message_id: String,
}

/// Which way a model travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// From the aggregator to all nodes.
    GlobalModel,
    /// From a node to the aggregator.
    ModelUpdate,
}

/// Where the weights come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The version of the global model, or of the one that the update is meant for.
    pub model_version: u64,
    /// The round that made the global model, or that the update is meant for.
    pub round_number: u64,
    /// The global model that an update was trained from; 0 is the initial model. Other clients may
    /// omit it.
    pub base_round: Option<u64>,
    /// Rows that the weights were trained on.
    pub num_samples: u64,
    /// The component that the weights belong to.
    pub plugin: PluginId,
    /// Metrics of the plug-in, such as `loss`. Values that are not finite have no JSON form and are
    /// not written.
    pub metrics: BTreeMap<String, f64>,
    /// Wall time of training in milliseconds. Other clients may omit it.
    pub train_ms: Option<u64>,
}

/// Limits on the size of a message; both are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeLimits {
    /// Bytes of the whole message.
    pub max_bytes: usize,
    /// Parameters of the model.
    pub max_parameters: usize,
}

/// Why an envelope cannot be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum EncodeError {
    /// JSON has only finite numbers.
    #[error("the timestamp is {timestamp}, which has no JSON form")]
    #[diagnostic(help("give seconds since the Unix epoch"))]
    BadTimestamp {
        /// The timestamp.
        timestamp: f64,
    },
    /// safetensors reserves the name.
    #[error("a tensor is named {name:?}, which safetensors reserves")]
    #[diagnostic(help("rename the tensor in the plug-in"))]
    ReservedName {
        /// The name.
        name: String,
    },
    /// A library refused to write; a valid model does not cause this.
    #[error("{what} cannot be written: {reason}")]
    Unwritable {
        /// Which part.
        what: &'static str,
        /// The library's error message.
        reason: String,
    },
}

/// The binary form of a message: header and metadata as text, and the compressed file without
/// base64. On Kafka the text is the record header named [`Self::HEADER`], and the payload is the
/// record's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// One JSON object of `header`, `metadata` and `digest`.
    pub envelope: Vec<u8>,
    /// The compressed safetensors file.
    pub payload: Vec<u8>,
}

impl Binary {
    /// The name of the record header that carries [`Self::envelope`].
    pub const HEADER: &str = "fedhost-envelope";
}

impl Envelope {
    /// Returns the compact JSON text. Equal envelopes give equal bytes.
    ///
    /// # Errors
    /// The timestamp is not finite, or a tensor has the one name that safetensors reserves.
    pub fn encode(&self, compression: Compression) -> Result<Vec<u8>, EncodeError> {
        let file = to_safetensors(&self.weights)?;
        let payload = compress(&file, compression)?;
        let header = write::header(&self.header)?;
        let metadata = write::metadata(self, compression, &Sha256Hex::of(&payload))?;
        Ok(write::message(&header, &metadata, &payload))
    }

    /// Returns the binary form.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_binary(&self, compression: Compression) -> Result<Binary, EncodeError> {
        let file = to_safetensors(&self.weights)?;
        let payload = compress(&file, compression)?.into_owned();
        let header = write::header(&self.header)?;
        let metadata = write::metadata(self, compression, &Sha256Hex::of(&payload))?;
        Ok(Binary {
            envelope: write::envelope(&header, &metadata),
            payload,
        })
    }

    /// Reads an untrusted message.
    ///
    /// The payload is decompressed only after its checksum was verified, and only up to the size
    /// that the stated shapes need.
    ///
    /// # Errors
    /// The first fault found.
    pub fn decode(bytes: &[u8], limits: &EnvelopeLimits) -> Result<Self, Reject> {
        expect_size(bytes.len(), limits)?;
        let (message, payload) = read::message(bytes)?;
        Self::verified(&message, || from_base64(&payload).map(Cow::Owned), limits)
    }

    /// Reads the binary form of an untrusted message, with the same checks.
    ///
    /// # Errors
    /// The first fault found.
    pub fn decode_binary(
        envelope: &[u8],
        payload: &[u8],
        limits: &EnvelopeLimits,
    ) -> Result<Self, Reject> {
        expect_size(envelope.len().saturating_add(payload.len()), limits)?;
        let message = read::envelope(envelope)?;
        Self::verified(&message, || Ok(Cow::Borrowed(payload)), limits)
    }

    fn verified<'a>(
        message: &read::Message<'_>,
        payload: impl FnOnce() -> Result<Cow<'a, [u8]>, Reject>,
        limits: &EnvelopeLimits,
    ) -> Result<Self, Reject> {
        let header = read::header(message)?;
        let (metadata, stated) = read::metadata(message, limits)?;
        let payload = payload()?;
        let found = Sha256Hex::of(&payload);
        if found != stated.checksum {
            return Err(Reject::ChecksumMismatch {
                stated: stated.checksum,
                found,
            });
        }
        let file = decompress(
            &payload,
            stated.compression,
            tensors::size_max(&stated.tensors),
        )?;
        let weights = tensors::as_stated(from_safetensors(&file)?, &stated.tensors)?;
        Ok(Self {
            header,
            metadata,
            weights,
        })
    }
}

fn expect_size(bytes: usize, limits: &EnvelopeLimits) -> Result<(), Reject> {
    if bytes <= limits.max_bytes {
        return Ok(());
    }
    Err(Reject::TooLarge {
        what: format!("the message of {bytes} bytes"),
        limit: limits.max_bytes,
    })
}
