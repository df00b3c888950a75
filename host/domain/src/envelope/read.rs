//! Reads the parts of a message and checks each by itself and against the others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reject::{Reject, brief};
use super::{Compression, EnvelopeLimits, Foreign, Header, MessageKind, Metadata, VERSION, write};
use crate::model::{Sha256Hex, TensorSpec};

use super::fields::{Exact, Fields};

/// A message of the known version whose digest, if present, is correct.
pub(super) struct Message<'a> {
    header: Fields<'a>,
    metadata: Fields<'a>,
}

/// A text, copied only when it contains escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The metadata's statements about the payload.
pub(super) struct Stated {
    pub(super) tensors: Vec<TensorSpec>,
    pub(super) compression: Compression,
    pub(super) checksum: Sha256Hex,
}

/// The message, and its payload as unchecked base64.
pub(super) fn message(bytes: &[u8]) -> Result<(Message<'_>, Cow<'_, str>), Reject> {
    let fields = parsed(bytes)?;
    // An unknown field could be a damaged `digest`.
    fields.allow_only(&["header", "metadata", "payload", "digest"])?;
    let message = checked(&fields)?;
    let Text(payload) = fields.required("payload")?;
    Ok((message, payload))
}

/// A message in binary form, whose payload is separate.
pub(super) fn envelope(bytes: &[u8]) -> Result<Message<'_>, Reject> {
    let fields = Fields::parse(text(bytes)?)?;
    fields.allow_only(&["header", "metadata", "digest"])?;
    checked(&fields)
}

/// A value that is no JSON is named where it is something known.
fn parsed(bytes: &[u8]) -> Result<Fields<'_>, Reject> {
    let fields = text(bytes).and_then(Fields::parse);
    fields.map_err(|reject| match (&reject, Foreign::recognise(bytes)) {
        (Reject::NotJson { .. }, Some(foreign)) => Reject::Foreign(foreign),
        (_, Some(foreign @ Foreign::EncodedTwice)) => Reject::Foreign(foreign),
        _ => reject,
    })
}

fn text(bytes: &[u8]) -> Result<&str, Reject> {
    std::str::from_utf8(bytes).map_err(|error| Reject::NotJson {
        reason: error.to_string(),
    })
}

fn checked<'a>(fields: &Fields<'a>) -> Result<Message<'a>, Reject> {
    let header_text: &RawValue = fields.required("header")?;
    let metadata_text: &RawValue = fields.required("metadata")?;
    let header = Fields::of("header", header_text)?;
    expect_version(&header)?;
    if let Some(stated) = fields.optional::<Sha256Hex>("digest")? {
        let found = write::digest(header_text.get(), metadata_text.get());
        if stated != found {
            return Err(Reject::DigestMismatch { stated, found });
        }
    }
    Ok(Message {
        header,
        metadata: Fields::of("metadata", metadata_text)?,
    })
}

fn expect_version(header: &Fields<'_>) -> Result<(), Reject> {
    let found: String = header.required("version")?;
    if found == VERSION {
        Ok(())
    } else {
        Err(Reject::UnknownVersion {
            found: brief(found),
        })
    }
}

pub(super) fn header(message: &Message<'_>) -> Result<Header, Reject> {
    let fields = &message.header;
    let Exact(timestamp) = fields.required("timestamp")?;
    Ok(Header {
        kind: kind(fields.required("type")?)?,
        timestamp,
        sender: fields.required("sender")?,
        message_id: fields.required("message_id")?,
    })
}

fn kind(found: String) -> Result<MessageKind, Reject> {
    match found.as_str() {
        "global_model" => Ok(MessageKind::GlobalModel),
        "model_update" => Ok(MessageKind::ModelUpdate),
        _ => Err(Reject::WrongType {
            found: brief(found),
        }),
    }
}

pub(super) fn metadata(
    message: &Message<'_>,
    limits: &EnvelopeLimits,
) -> Result<(Metadata, Stated), Reject> {
    let fields = &message.metadata;
    let metrics: BTreeMap<String, Exact> = fields.required("metrics")?;
    let metadata = Metadata {
        model_version: fields.required("model_version")?,
        round_number: fields.required("round_number")?,
        base_round: fields.optional("base_round")?,
        num_samples: fields.required("num_samples")?,
        plugin: fields.required("plugin")?,
        metrics: metrics
            .into_iter()
            .map(|(name, Exact(value))| (name, value))
            .collect(),
        train_ms: fields.optional("train_ms")?,
    };
    Ok((metadata, stated(fields, limits)?))
}

fn stated(fields: &Fields<'_>, limits: &EnvelopeLimits) -> Result<Stated, Reject> {
    let encoding: String = fields.required("encoding")?;
    if encoding != "safetensors" {
        return Err(Reject::UnsupportedEncoding {
            found: brief(encoding),
        });
    }
    let compression: String = fields.required("compression")?;
    let compression = Compression::named(&compression)?;
    let tensors = tensors(fields)?;
    expect_total(fields, &tensors, limits)?;
    Ok(Stated {
        tensors,
        compression,
        checksum: fields.required("checksum")?,
    })
}

fn tensors(fields: &Fields<'_>) -> Result<Vec<TensorSpec>, Reject> {
    let count: usize = fields.required("num_layers")?;
    let names: Vec<String> = fields.required("names")?;
    let shapes: Vec<Vec<u32>> = fields.required("shapes")?;
    let dtypes: Vec<String> = fields.required("dtypes")?;
    for (name, length) in [
        ("names", names.len()),
        ("shapes", shapes.len()),
        ("dtypes", dtypes.len()),
    ] {
        if length != count {
            return Err(fields.bad(
                name,
                format!("it has {length} entries, but num_layers is {count}"),
            ));
        }
    }
    if let Some((name, dtype)) = names
        .iter()
        .zip(dtypes)
        .find(|(_, dtype)| dtype != "float32")
    {
        return Err(Reject::WrongDtype {
            tensor: brief(name),
            found: brief(dtype),
        });
    }
    Ok(names
        .into_iter()
        .zip(shapes)
        .map(|(name, shape)| TensorSpec { name, shape })
        .collect())
}

/// The total limits the unpacked size, so it must agree with the shapes.
fn expect_total(
    fields: &Fields<'_>,
    tensors: &[TensorSpec],
    limits: &EnvelopeLimits,
) -> Result<(), Reject> {
    let total: usize = fields.required("total_params")?;
    let called_for = tensors
        .iter()
        .try_fold(0_usize, |sum, spec| sum.checked_add(spec.elements()?));
    if called_for != Some(total) {
        let called_for = called_for.map_or("more than memory holds".into(), |sum| sum.to_string());
        return Err(fields.bad(
            "total_params",
            format!("it is {total}, but the shapes call for {called_for}"),
        ));
    }
    if total > limits.max_parameters {
        return Err(Reject::TooLarge {
            what: format!("a model of {total} parameters"),
            limit: limits.max_parameters,
        });
    }
    Ok(())
}
