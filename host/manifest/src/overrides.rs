//! The layers above the file: environment variables and `--set`.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Value;

use super::problem::{Origin, Problem, Problems};
use super::tree::Node;
use super::{kafka, layers};

const PREFIX: &str = "FEDHOST__";

/// Lays the variables that Kafka's users know over `root`, and over these
/// `FEDHOST__SECTION__KEY=value`, each in the order of their names.
pub(super) fn add_environment(
    root: &mut Node,
    environment: &BTreeMap<String, String>,
    problems: &mut Problems,
) {
    let well_known = environment
        .iter()
        .map(|(name, text)| (name, text, kafka::well_known(name, text)));
    let own = environment.iter().map(|(name, text)| {
        let path = name
            .strip_prefix(PREFIX)
            .map(|key| key.split("__").map(str::to_ascii_lowercase).collect());
        (name, text, path)
    });
    for (name, text, path) in well_known.chain(own) {
        let Some(path) = path else { continue };
        add(
            root,
            path,
            text,
            &Origin::Environment(Arc::from(name.as_str())),
            problems,
        );
    }
}

/// Lays `key.path=value` over `root`, in the order given.
pub(super) fn add_sets(root: &mut Node, sets: &[String], problems: &mut Problems) {
    for set in sets {
        match set.split_once('=') {
            Some((key, text)) => {
                let path = key
                    .trim()
                    .replace('[', ".")
                    .replace(']', "")
                    .split('.')
                    .map(str::to_owned)
                    .collect();
                add(root, path, text, &Origin::Set, problems);
            }
            None => problems.add(Problem {
                key_path: String::new(),
                origin: Origin::Set,
                message: format!("{set:?} has no ="),
                hint: Some(
                    "write --set KEY=VALUE, for example --set federation.min_nodes=2".into(),
                ),
            }),
        }
    }
}

fn add(root: &mut Node, path: Vec<String>, text: &str, origin: &Origin, problems: &mut Problems) {
    let merged = value(text).and_then(|value| {
        let node = Node::new(value, origin);
        if path.first().is_some_and(|section| section == "kafka") {
            layers::add(root, node.below(&path), problems);
            return Ok(());
        }
        root.merge_at(&path, node)
    });
    if let Err(message) = merged {
        problems.add(Problem {
            key_path: path.join("."),
            origin: origin.clone(),
            message,
            hint: None,
        });
    }
}

/// Lists and tables are JSON; anything else stays text until the schema says what it should be.
fn value(text: &str) -> Result<Value, String> {
    if text.starts_with(['{', '[']) {
        let mut value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| not_json(&error))?;
        drop_null(&mut value);
        return Value::try_from(value).map_err(|error| not_json(&error));
    }
    Ok(Value::String(text.to_owned()))
}

// The text may hold a secret.
fn not_json(error: &dyn std::fmt::Display) -> String {
    format!("this is not JSON: {error}")
}

/// What is null is not given.
fn drop_null(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(entries) => {
            entries.retain(|_, entry| !entry.is_null());
            entries.values_mut().for_each(drop_null);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_null),
        _ => {}
    }
}
