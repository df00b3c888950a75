//! The tables of settings as the JSON schema shows them.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::property::{Kind, Property, Side};
use super::table::{self, Scope};

/// Marks a key that is a setting of librdkafka, with its name there.
pub(crate) const MARK: &str = "x-librdkafka";

pub(super) fn shared(_: &mut SchemaGenerator) -> Schema {
    table(None)
}

pub(super) fn producer(_: &mut SchemaGenerator) -> Schema {
    table(Some(Side::Producer))
}

pub(super) fn consumer(_: &mut SchemaGenerator) -> Schema {
    table(Some(Side::Consumer))
}

fn table(scope: Scope) -> Schema {
    let mut properties = Map::new();
    for property in table::of(scope) {
        let schema = schema_of(property);
        for alias in property.other_names() {
            let description = format!("Another name for {}.", property.key());
            properties.insert(
                alias.to_owned(),
                with(schema.clone(), "description", json!(description)),
            );
        }
        properties.insert(property.key(), schema);
    }
    let refused: Map<String, Value> = table::elsewhere(scope)
        .map(|(key, refusal)| (key, json!(refusal)))
        .collect();
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), Value::Object(properties));
    // librdkafka's own spelling, in quotes.
    schema.insert("patternProperties".into(), json!({ "\\.": {} }));
    schema.insert("additionalProperties".into(), json!(false));
    schema.insert("x-refused".into(), Value::Object(refused));
    schema.into()
}

fn schema_of(property: &Property) -> Value {
    let schema = match property.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Words(words) => json!({ "anyOf": [
            { "type": "string", "format": "words", "x-words": words },
            { "type": "array", "items": { "type": "string", "enum": words } },
        ] }),
        Kind::List => {
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
        }
        Kind::Text | Kind::File | Kind::Secret => json!({ "type": "string" }),
    };
    let schema = with(schema, "description", json!(property.note));
    let schema = with(schema, MARK, json!(property.name));
    let refused: Map<String, Value> = property
        .refused
        .iter()
        .map(|&(word, reason)| (word.to_owned(), json!({ "reason": reason })))
        .collect();
    if refused.is_empty() {
        schema
    } else {
        with(schema, "x-refused", Value::Object(refused))
    }
}

fn with(mut schema: Value, key: &str, value: Value) -> Value {
    if let Value::Object(entries) = &mut schema {
        entries.insert(key.to_owned(), value);
    }
    schema
}
