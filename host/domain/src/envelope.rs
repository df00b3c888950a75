//! A model on the wire: JSON with a checksummed payload, see [`Envelope`].
//!
//! What must stay absent: an envelope that was changed on its way and is still accepted, and one
//! whose refusal costs more than its size. A chain covers every byte: `digest` covers the texts of
//! `header` and `metadata` as they stand in the message, the `checksum` in the metadata covers the
//! compressed payload, and no unknown field may stand beside them. It guards against damage, not
//! against a forger, who can compute digests too.

mod fields;
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

pub use payload::{Compression, compress, decompress, from_base64, push_base64};
pub use reject::Reject;
pub use tensors::{from_safetensors, to_safetensors};

/// The only version of the format that this program reads and writes.
pub const VERSION: &str = "1.0";

/// A model with what a receiver must know about it.
///
/// On the wire it is one JSON object of `header`, `metadata`, `payload` (base64 of the compressed
/// safetensors file) and `digest` (sha256 over the text of the header followed by that of the
/// metadata). Fields that describe the payload are written by [`encode`](Self::encode) and checked
/// by [`decode`](Self::decode), so they do not appear here.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Who sends what, and when.
    pub header: Header,
    /// What the weights stand for.
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

/// What the weights stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The version of the global model, or of the one that the update shall become part of.
    pub model_version: u64,
    /// The round that made the global model, or that the update is meant for.
    pub round_number: u64,
    /// The global model that an update was trained from, 0 being the initial model. Other clients
    /// may leave it out.
    pub base_round: Option<u64>,
    /// Rows behind the weights.
    pub num_samples: u64,
    /// The component that the weights belong to.
    pub plugin: PluginId,
    /// Figures of the plug-in, such as `loss`. Those that are not finite have no JSON form and are
    /// not written.
    pub metrics: BTreeMap<String, f64>,
    /// Wall time of training in milliseconds. Other clients may leave it out.
    pub train_ms: Option<u64>,
}

/// How large a message may be; both limits are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeLimits {
    /// Of the whole message.
    pub max_bytes: usize,
    /// Of the model.
    pub max_parameters: usize,
}

/// Why an envelope cannot be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// JSON knows only finite numbers.
    #[error(
        "the timestamp is {timestamp}, which has no JSON form\nhint: give seconds since the Unix epoch"
    )]
    BadTimestamp {
        /// What it is.
        timestamp: f64,
    },
    /// safetensors uses the name for something else.
    #[error(
        "a tensor is named {name:?}, which safetensors keeps for itself\nhint: rename the tensor in the plug-in"
    )]
    ReservedName {
        /// The name.
        name: String,
    },
    /// A library refused to write, which no valid model makes it do.
    #[error("{what} cannot be written: {reason}")]
    Unwritable {
        /// Which part.
        what: &'static str,
        /// In the library's words.
        reason: String,
    },
}

/// The second form of a message: the same header and metadata as text, and the compressed file
/// beside them, without base64. On Kafka the text travels as a record's header of the name
/// [`Self::HEADER`], and the payload as its value.
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
    /// The JSON text: compact, and the same bytes for the same envelope.
    ///
    /// # Errors
    /// The timestamp is not finite, or a tensor bears the one name that safetensors reserves.
    pub fn encode(&self, compression: Compression) -> Result<Vec<u8>, EncodeError> {
        let file = to_safetensors(&self.weights)?;
        let payload = compress(&file, compression)?;
        let header = write::header(&self.header)?;
        let metadata = write::metadata(self, compression, &Sha256Hex::of(&payload))?;
        Ok(write::message(&header, &metadata, &payload))
    }

    /// The second form.
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

    /// Reads a message, whoever wrote it.
    ///
    /// Nothing is decompressed before its checksum was verified, and then at most what the stated
    /// shapes need.
    ///
    /// # Errors
    /// The first fault found.
    pub fn decode(bytes: &[u8], limits: &EnvelopeLimits) -> Result<Self, Reject> {
        expect_size(bytes.len(), limits)?;
        let (message, payload) = read::message(bytes)?;
        Self::verified(&message, || from_base64(&payload).map(Cow::Owned), limits)
    }

    /// Reads the second form, under the same conditions.
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
