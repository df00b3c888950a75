//! Checks of single texts, by the `format` that the schema gives them.

use serde_json::Value;

use super::expected::text_of;
use super::tree::Node;
use super::{selector, sensor, topics};

/// # Errors
/// What such a text must be.
pub(super) fn check(schema: &Value, node: &Node) -> Result<(), String> {
    let (Some(format), Some(text)) = (schema["format"].as_str(), text_of(node)) else { return Ok(()) };
    match format {
        "plugin" => selector::check_text(text),
        "name" => selector::check_name(text),
        "versions" => selector::check_versions(text),
        "sha256" => selector::check_sha256(text),
        "topic" => topics::check_template(text),
        "delimiter" => sensor::check_delimiter(text),
        _ => Ok(()),
    }
}
