//! What the schema expects of one value, and the words for it.

use serde_json::Value as Json;
use toml::Value;

use super::tree::{Content, Node};

/// Whether the value is of the schema's type; a whole number is a number too.
pub(super) fn has_type(schema: &Json, node: &Node) -> bool {
    let names: &[&str] = match &node.content {
        Content::Table(_) => &["object"],
        Content::List(_) => &["array"],
        Content::Leaf(Value::String(_)) => &["string"],
        Content::Leaf(Value::Integer(_)) => &["integer", "number"],
        Content::Leaf(Value::Float(_)) => &["number"],
        Content::Leaf(Value::Boolean(_)) => &["boolean"],
        Content::Leaf(_) => &[],
    };
    names.iter().any(|name| allows(schema, name))
}

fn allows(schema: &Json, name: &str) -> bool {
    match &schema["type"] {
        Json::Array(types) => types.iter().any(|allowed| allowed == name),
        allowed if allowed.is_null() => schema["anyOf"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|branch| allows(branch, name)),
        allowed => allowed == name,
    }
}

/// Gives the text of a variable or of `--set` the type that the schema expects, when it reads as
/// such.
pub(super) fn type_text(schema: &Json, node: &mut Node) {
    let Some(text) = text_of(node).filter(|_| node.origin.is_untyped()) else {
        return;
    };
    let Ok(value @ (Json::Bool(_) | Json::Number(_))) = serde_json::from_str::<Json>(text) else {
        return;
    };
    let Ok(value) = Value::try_from(value) else {
        return;
    };
    let typed = Node::new(value, &node.origin);
    if has_type(schema, &typed) {
        *node = typed;
    }
}

/// Whether a value of the right type is also one of the allowed ones.
pub(super) fn in_range(schema: &Json, node: &Node) -> bool {
    let Content::Leaf(value) = &node.content else {
        return true;
    };
    let number = match value {
        Value::String(text) => {
            let one_of = schema["enum"]
                .as_array()
                .is_none_or(|words| words.iter().any(|word| word == text));
            return one_of && schema.get("const").is_none_or(|word| word == text);
        }
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        _ => return true,
    };
    let end = |name: &str, open: f64| schema[name].as_f64().unwrap_or(open);
    number.is_finite()
        && (end("minimum", f64::NEG_INFINITY)..=end("maximum", f64::INFINITY)).contains(&number)
}

/// The text, when the value is one.
pub(super) fn text_of(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Leaf(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// The value as text, a secret left out.
pub(super) fn found(path: &str, node: &Node) -> String {
    match &node.content {
        Content::Table(_) => "a table".into(),
        Content::List(_) => "a list".into(),
        Content::Leaf(_) if fedhost_base::secrets::is_secret(path) => "a secret".into(),
        Content::Leaf(value) => value.to_string(),
    }
}

/// What the schema expects, as text: `a whole number from 1 to 1000`.
pub(super) fn describe(schema: &Json) -> String {
    if let Some(branches) = schema["anyOf"].as_array() {
        return either(branches.iter().map(describe));
    }
    if let Some(words) = schema["enum"].as_array() {
        return either(words.iter().map(Json::to_string));
    }
    if let Some(word) = schema.get("const") {
        return word.to_string();
    }
    match &schema["type"] {
        Json::Array(types) => either(types.iter().map(|name| kind_in_words(name, schema))),
        name => kind_in_words(name, schema),
    }
}

fn kind_in_words(name: &Json, schema: &Json) -> String {
    match name.as_str() {
        Some("integer") => format!("a whole number{}", range_in_words(schema)),
        Some("number") => format!("a number{}", range_in_words(schema)),
        Some("boolean") => "true or false".into(),
        Some("array") => "a list".into(),
        Some("object") => "a table".into(),
        _ => "text".into(),
    }
}

fn range_in_words(schema: &Json) -> String {
    // An end that no one can reach is not worth a word.
    let end = |name: &str| {
        schema
            .get(name)
            .filter(|end| end.as_u64() != Some(i64::MAX.unsigned_abs()))
    };
    let words = |name: &str, word: &str| {
        end(name).map(|end| format!(" {word} {}", end.to_string().trim_end_matches(".0")))
    };
    words("minimum", "from").unwrap_or_default() + &words("maximum", "to").unwrap_or_default()
}

fn either(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    match (words.pop(), words.as_slice()) {
        (Some(last), []) => last,
        (Some(last), others) => format!("{} or {last}", others.join(", ")),
        (None, _) => String::new(),
    }
}
