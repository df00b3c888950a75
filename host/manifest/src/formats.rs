//! Checks of single texts, by the `format` that the schema gives them.

use serde_json::Value;

use super::expected::text_of;
use super::tree::Node;
use super::{api, selector, sensor, topics};

/// # Errors
/// What such a text must be.
pub(super) fn check(schema: &Value, node: &Node) -> Result<(), String> {
    let (Some(format), Some(text)) = (schema["format"].as_str(), text_of(node)) else {
        return Ok(());
    };
    match format {
        "plugin" => selector::check_text(text),
        "name" => selector::check_name(text),
        "versions" => selector::check_versions(text),
        "sha256" => selector::check_sha256(text),
        "topic" => topics::check_template(text),
        "prefix" => topics::check_prefix(text),
        "delimiter" => sensor::check_delimiter(text),
        "character" => sensor::check_character(text),
        "address" => api::check_address(text),
        "words" => check_words(&schema["x-words"], text),
        _ => Ok(()),
    }
}

/// Some of the words, with commas between them.
fn check_words(words: &Value, text: &str) -> Result<(), String> {
    let words: Vec<&str> = words
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if text.split(',').all(|word| words.contains(&word)) {
        return Ok(());
    }
    Err(format!("expected one or more of {}", words.join(", ")))
}
