//! Every reason for which a message is refused.

use std::collections::BTreeSet;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use super::*;

/// A message in the making, as another program would put it together; without a digest.
struct Draft(Value);

impl Draft {
    fn new() -> Self {
        let message = update(weights()).encode(Compression::None).unwrap();
        let mut json: Value = serde_json::from_slice(&message).unwrap();
        json.as_object_mut().unwrap().remove("digest");
        Self(json)
    }

    fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        self.0.pointer_mut(parent).unwrap()[field] = value.into();
        self
    }

    fn without(mut self, part: &str, field: &str) -> Self {
        self.0[part].as_object_mut().unwrap().remove(field).unwrap();
        self
    }

    /// Replaces the payload, with a right checksum.
    fn holding(self, payload: &[u8], compression: &str) -> Self {
        let mut text = String::new();
        push_base64(&mut text, payload);
        let checksum = String::from(Sha256Hex::of(payload));
        self.with("/payload", text)
            .with("/metadata/checksum", checksum)
            .with("/metadata/compression", compression)
    }

    fn sent(self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }

    fn refused(self) -> Reject {
        Envelope::decode(&self.sent(), &LIMITS).unwrap_err()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    packed(bytes, Compression::Gzip)
}

fn packed(bytes: &[u8], compression: Compression) -> Vec<u8> {
    compress(bytes, compression).unwrap().into_owned()
}

fn file() -> Vec<u8> {
    to_safetensors(&weights()).unwrap()
}

fn file_of(dtype: Dtype, name: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    safetensors::serialize(
        [(name, TensorView::new(dtype, shape.to_vec(), bytes).unwrap())],
        None,
    )
    .unwrap()
}

#[test]
fn the_draft_itself_is_accepted() {
    assert_eq!(
        Envelope::decode(&Draft::new().sent(), &LIMITS),
        Ok(update(weights()))
    );
}

#[test]
fn every_reason_has_its_own_code() {
    let draft = Draft::new;
    let stray_bits = "AB==";
    let half_floats = file_of(Dtype::F16, "weight", &[3], &[0; 6]);
    let other_weights =
        |tensors, data| to_safetensors(&Weights::new(tensors, data).unwrap()).unwrap();
    let reshaped = other_weights(
        vec![spec("weight", &[3, 1]), spec("bias", &[])],
        vec![0.0; 4],
    );
    let renamed = other_weights(
        vec![spec("weight", &[3]), spec("offset", &[])],
        vec![0.0; 4],
    );
    let fewer = other_weights(vec![spec("weight", &[3])], vec![0.0; 3]);
    let mut infinite = file();
    infinite.truncate(infinite.len() - 4);
    infinite.extend(f32::INFINITY.to_le_bytes());
    let sha256_of_nothing = String::from(Sha256Hex::of(b""));

    let cases = [
        (draft().with("/header/version", "2.0"), "unknown_version"),
        (draft().with("/header/type", "gradient"), "wrong_type"),
        (
            draft().with("/digest", sha256_of_nothing.clone()),
            "digest_mismatch",
        ),
        (draft().without("header", "sender"), "missing_field"),
        (draft().without("header", "version"), "missing_field"),
        (draft().without("metadata", "num_samples"), "missing_field"),
        (draft().with("/payload", Value::Null), "missing_field"),
        (draft().with("/header", json!([])), "bad_field"),
        (draft().with("/header/sender", "a b"), "bad_field"),
        (draft().with("/header/timestamp", "today"), "bad_field"),
        (draft().with("/digesu", "x"), "bad_field"),
        (draft().with("/digest", "x"), "bad_field"),
        (draft().with("/payload", 5), "bad_field"),
        (draft().with("/metadata/num_samples", -1), "bad_field"),
        (
            draft().with("/metadata/metrics/loss", Value::Null),
            "bad_field",
        ),
        (
            draft().with("/metadata/checksum", sha256_of_nothing.to_uppercase()),
            "bad_field",
        ),
        (draft().with("/metadata/num_layers", 3), "bad_field"),
        (draft().with("/metadata/total_params", 5), "bad_field"),
        (
            draft().with(
                "/metadata/shapes",
                json!([[u32::MAX, u32::MAX, u32::MAX], []]),
            ),
            "bad_field",
        ),
        (
            draft().with("/metadata/dtypes", json!(["float32", "float64"])),
            "wrong_dtype",
        ),
        (draft().holding(&half_floats, "none"), "wrong_dtype"),
        (
            draft().with("/metadata/encoding", "pickle"),
            "unsupported_encoding",
        ),
        (
            draft().with("/metadata/compression", "brotli"),
            "unsupported_compression",
        ),
        (draft().holding(&file(), "zstd"), "bad_compression"),
        (draft().holding(&file(), "lz4"), "bad_compression"),
        (
            draft().holding(
                &[packed(&file(), Compression::Zstd), vec![0]].concat(),
                "zstd",
            ),
            "bad_compression",
        ),
        (
            draft().holding(
                &[packed(&file(), Compression::Lz4), vec![0]].concat(),
                "lz4",
            ),
            "bad_compression",
        ),
        (
            draft().holding(&packed(&vec![0; 100_000], Compression::Zstd), "zstd"),
            "too_large",
        ),
        (
            draft().holding(&packed(&vec![0; 100_000], Compression::Lz4), "lz4"),
            "too_large",
        ),
        (draft().with("/payload", "AA"), "bad_base64"),
        (draft().with("/payload", stray_bits), "bad_base64"),
        (
            draft().with("/metadata/checksum", sha256_of_nothing),
            "checksum_mismatch",
        ),
        (draft().holding(&file(), "gzip"), "bad_compression"),
        (
            draft().holding(&gzip(&file())[..40], "gzip"),
            "bad_compression",
        ),
        (
            draft().holding(&[gzip(&file()), vec![0]].concat(), "gzip"),
            "bad_compression",
        ),
        (
            draft().holding(&[gzip(&file()), gzip(b"")].concat(), "gzip"),
            "bad_compression",
        ),
        (draft().holding(&gzip(&file()), "none"), "bad_safetensors"),
        (
            draft().holding(&[file(), vec![0]].concat(), "none"),
            "bad_safetensors",
        ),
        (draft().holding(&reshaped, "none"), "shape_mismatch"),
        (draft().holding(&renamed, "none"), "shape_mismatch"),
        (draft().holding(&fewer, "none"), "shape_mismatch"),
        (draft().holding(&infinite, "none"), "bad_weights"),
        (draft().holding(&vec![0; 1 << 17], "none"), "too_large"),
    ];
    let mut seen = BTreeSet::from(["not_json"]);
    for (draft, code) in cases {
        let refusal = draft.refused();
        assert_eq!(refusal.code(), code, "{refusal}");
        seen.insert(code);
    }
    let declared = include_str!("../reject.rs").matches("{ .. } => \"").count();
    assert_eq!(seen.len(), declared, "every reason has a case here");
}

#[test]
fn a_text_that_is_not_one_json_object_is_refused() {
    let sent = String::from_utf8(Draft::new().sent()).unwrap();
    let cases: [(Vec<u8>, &str); 7] = [
        (b"".to_vec(), "not_json"),
        (b"\xff".to_vec(), "not_json"),
        (b"{".to_vec(), "not_json"),
        (format!("{sent}{sent}").into_bytes(), "not_json"),
        (b"[]".to_vec(), "bad_field"),
        (b"{}".to_vec(), "missing_field"),
        (
            sent.replacen('{', r#"{"payload":"","#, 1).into_bytes(),
            "bad_field",
        ),
    ];
    for (message, code) in cases {
        let refusal = Envelope::decode(&message, &LIMITS).unwrap_err();
        assert_eq!(refusal.code(), code, "{refusal}");
    }
}

#[test]
fn another_name_of_the_same_type_is_refused_with_the_right_name() {
    for (dtype, remedy) in [
        ("F32", "write the type as \"float32\""),
        ("torch.float32", "write the type as \"float32\""),
        ("<f4", "write the type as \"float32\""),
        (
            "float64",
            "only 32-bit floats are averaged; convert it before sending",
        ),
        (
            "BF16",
            "only 32-bit floats are averaged; convert it before sending",
        ),
    ] {
        let refusal = Draft::new()
            .with("/metadata/dtypes", json!([dtype, dtype]))
            .refused();
        assert_eq!(refusal.code(), "wrong_dtype");
        let help = miette::Diagnostic::help(&refusal).unwrap();
        assert_eq!(help.to_string(), remedy);
    }
}

#[test]
fn a_refusal_names_the_field_and_the_value() {
    let refusal = Draft::new().with("/header/sender", "a b").refused();
    let words = r#"the field "header.sender" is wrong: "a b" is not a node id: 1 to 128 letters, digits, '.', '_' or '-'"#;
    assert_eq!(refusal.to_string(), words);
}

#[test]
fn a_refusal_quotes_little_of_a_long_message() {
    let refusal = Draft::new()
        .with("/header/sender", "x".repeat(100_000))
        .refused();
    assert!(refusal.to_string().len() < 300);
}

#[test]
fn both_limits_are_inclusive() {
    let message = Draft::new().sent();
    let decode = |max_bytes, max_parameters| {
        Envelope::decode(
            &message,
            &EnvelopeLimits {
                max_bytes,
                max_parameters,
            },
        )
        .map_err(|refusal| refusal.code())
    };
    assert!(decode(message.len(), 4).is_ok());
    assert_eq!(decode(message.len() - 1, 4), Err("too_large"));
    assert_eq!(decode(message.len(), 3), Err("too_large"));
}

#[test]
fn a_decompression_bomb_is_stopped_at_the_limit() {
    let mut bomb = gzip(&vec![0; 8 << 20]);
    let trailer = bomb.len() - 8;
    bomb[trailer..].fill(0xff);

    let refusal = Draft::new().holding(&bomb, "gzip").refused();
    assert_eq!(
        refusal.code(),
        "too_large",
        "a reader of the whole payload finds the wrong checksum: {refusal}"
    );
}

#[test]
fn nothing_is_unpacked_before_its_checksum_was_verified() {
    let sum = String::from(Sha256Hex::of(b"another payload"));
    let refusal = Draft::new()
        .holding(b"no gzip at all", "gzip")
        .with("/metadata/checksum", sum)
        .refused();
    assert_eq!(refusal.code(), "checksum_mismatch");
}
