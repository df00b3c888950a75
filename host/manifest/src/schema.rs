//! The manifest's JSON schema: made from the types, with the built-in defaults filled in.
//!
//! It is what an editor completes from, and what [`check`](super::check) checks against: every
//! range is stated once.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Manifest;
use super::kafka::MARK;

/// The JSON schema of a manifest (draft 2020-12).
///
/// Beyond the standard it uses `x-refused`, an object of words that a reader may expect here, each
/// with the `reason` why it is refused and, where there is one, a `hint`; `x-librdkafka`, the name of a setting there; and `x-words`, the words of
/// which a text of format `words` is made.
#[must_use]
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(build);
    &SCHEMA
}

fn build() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<Manifest>()
        .to_value();
    simplify(&mut schema);
    if let Ok(defaults) = serde_json::to_value(super::built_in()) {
        fill_in(&mut schema, &defaults);
    }
    schema
}

/// TOML has no null, a list of words is an `enum`, and a table takes no key that it does not name.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(object) => {
            object.values_mut().for_each(simplify);
            drop_null(object);
            join_words(object);
            if object.contains_key("properties") {
                object.entry("additionalProperties").or_insert(json!(false));
            }
        }
        _ => {}
    }
}

fn drop_null(object: &mut Map<String, Value>) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(branches)) = object.get_mut("anyOf") {
        branches.retain(|branch| branch["type"] != "null");
        if let [Value::Object(only)] = branches.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

/// One word may carry a description of its own, which makes `oneOf` of what is but a list of words.
fn join_words(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get("oneOf") else {
        return;
    };
    let words: Option<Vec<&Value>> = branches
        .iter()
        .map(words_of)
        .collect::<Option<Vec<_>>>()
        .map(|all| all.concat());
    if let Some(words) = words {
        let words = json!(words);
        object.remove("oneOf");
        object.insert("type".into(), json!("string"));
        object.insert("enum".into(), words);
    }
}

/// The words that a schema of text allows, when it allows only certain ones.
fn words_of(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(word), _) => Some(vec![word]),
        (_, Some(Value::Array(words))) => Some(words.iter().collect()),
        _ => None,
    }
}

/// Writes `defaults` into the schema; a key that has one need not be given.
fn fill_in(schema: &mut Value, defaults: &Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    let Value::Object(defaults_by_key) = defaults else {
        schema.insert("default".into(), defaults.clone());
        return;
    };
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches
            .iter_mut()
            .filter(|branch| branch["type"] == "object")
            .for_each(|table| fill_in(table, defaults));
        schema.insert("default".into(), defaults.clone());
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (key, default) in defaults_by_key {
            properties
                .get_mut(key)
                .into_iter()
                .for_each(|property| fill_in(property, default));
        }
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|key| {
            key.as_str()
                .is_none_or(|key| !defaults_by_key.contains_key(key))
        });
    }
    // What is not given for one plug-in is as for all of them.
    if let Some(others @ Value::Object(_)) = schema.get_mut("additionalProperties") {
        fill_in(others, defaults);
    }
}

/// Every key that the schema names, but for settings of clients, as a key path; entries of lists
/// and tables of free names are written `[]` and `*`.
pub(super) fn key_paths(schema: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    collect(schema, "", &mut paths);
    paths.sort();
    paths.dedup();
    paths
}

fn collect(schema: &Value, path: &str, paths: &mut Vec<String>) {
    let named = schema["properties"].as_object().into_iter().flatten();
    for (key, property) in named.filter(|(_, property)| property.get(MARK).is_none()) {
        let path = super::tree::key(path, key);
        collect(property, &path, paths);
        paths.push(path);
    }
    for branch in ["oneOf", "anyOf"]
        .iter()
        .filter_map(|word| schema[word].as_array())
        .flatten()
    {
        collect(branch, path, paths);
    }
    if let Some(items) = schema.get("items") {
        collect(items, &format!("{path}[]"), paths);
    }
    if let Some(others @ Value::Object(_)) = schema.get("additionalProperties") {
        collect(others, &format!("{path}.*"), paths);
    }
}
