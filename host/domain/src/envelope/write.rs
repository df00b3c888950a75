//! Writes the JSON text of an envelope.

use std::collections::BTreeMap;

use serde::Serialize;

use super::payload::push_base64;
use super::{Compression, EncodeError, Envelope, Header, MessageKind, VERSION};
use crate::model::{NodeId, PluginId, Sha256Hex};

#[derive(Serialize)]
struct WireHeader<'a> {
    version: &'static str,
    r#type: MessageKind,
    timestamp: f64,
    sender: &'a NodeId,
    message_id: &'a str,
}

#[derive(Serialize)]
struct WireMetadata<'a> {
    model_version: u64,
    round_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_round: Option<u64>,
    num_samples: u64,
    num_layers: usize,
    total_params: usize,
    names: Vec<&'a str>,
    shapes: Vec<&'a [u32]>,
    dtypes: Vec<&'static str>,
    plugin: &'a PluginId,
    metrics: BTreeMap<&'a str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    train_ms: Option<u64>,
    encoding: &'static str,
    compression: Compression,
    checksum: &'a Sha256Hex,
}

pub(super) fn header(header: &Header) -> Result<String, EncodeError> {
    if !header.timestamp.is_finite() {
        return Err(EncodeError::BadTimestamp {
            timestamp: header.timestamp,
        });
    }
    json(&WireHeader {
        version: VERSION,
        r#type: header.kind,
        timestamp: header.timestamp,
        sender: &header.sender,
        message_id: &header.message_id,
    })
}

pub(super) fn metadata(
    envelope: &Envelope,
    compression: Compression,
    checksum: &Sha256Hex,
) -> Result<String, EncodeError> {
    let metadata = &envelope.metadata;
    let weights = &envelope.weights;
    let tensors = weights.tensors();
    let finite = metadata
        .metrics
        .iter()
        .filter(|(_, value)| value.is_finite());
    json(&WireMetadata {
        model_version: metadata.model_version,
        round_number: metadata.round_number,
        base_round: metadata.base_round,
        num_samples: metadata.num_samples,
        num_layers: tensors.len(),
        total_params: weights.data().len(),
        names: tensors.iter().map(|spec| spec.name.as_str()).collect(),
        shapes: tensors.iter().map(|spec| spec.shape.as_slice()).collect(),
        dtypes: vec!["float32"; tensors.len()],
        plugin: &metadata.plugin,
        metrics: finite
            .map(|(name, &value)| (name.as_str(), value))
            .collect(),
        train_ms: metadata.train_ms,
        encoding: "safetensors",
        compression,
        checksum,
    })
}

fn json(part: &impl Serialize) -> Result<String, EncodeError> {
    serde_json::to_string(part).map_err(|error| EncodeError::Unwritable {
        what: "JSON",
        reason: error.to_string(),
    })
}

/// Joins the parts without spaces, so that every byte of the message is checked.
pub(super) fn message(header: &str, metadata: &str, payload: &[u8]) -> Vec<u8> {
    let mut text = open(header, metadata, payload.len().div_ceil(3) * 4);
    text.push_str(r#"","payload":""#);
    push_base64(&mut text, payload);
    text.push_str(r#""}"#);
    text.into_bytes()
}

/// The same text without a payload.
pub(super) fn envelope(header: &str, metadata: &str) -> Vec<u8> {
    let mut text = open(header, metadata, 0);
    text.push_str(r#""}"#);
    text.into_bytes()
}

/// The text up to the last digit of the digest, with room for `more` bytes after it.
fn open(header: &str, metadata: &str, more: usize) -> String {
    let digest = digest(header, metadata);
    let mut text = String::with_capacity(header.len() + metadata.len() + more + 128);
    for part in [
        r#"{"header":"#,
        header,
        r#","metadata":"#,
        metadata,
        r#","digest":""#,
        digest.as_str(),
    ] {
        text.push_str(part);
    }
    text
}

/// The digest of header and metadata; the payload has a checksum of its own.
pub(super) fn digest(header: &str, metadata: &str) -> Sha256Hex {
    Sha256Hex::of([header, metadata].concat().as_bytes())
}
