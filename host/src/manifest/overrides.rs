//! The layers above the file: environment variables and `--set`.

use std::sync::Arc;

use toml::Value;

use super::problem::{Origin, Problem, Problems};
use super::tree::Node;

const PREFIX: &str = "FEDHOST__";

/// Lays `FEDHOST__SECTION__KEY=value` over `root`, in the order of the names.
pub(super) fn add_environment<'a>(
    root: &mut Node,
    environment: impl IntoIterator<Item = (&'a String, &'a String)>,
    problems: &mut Problems,
) {
    for (name, text) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let path = key.split("__").map(str::to_ascii_lowercase).collect();
        add(root, path, text, &Origin::Environment(Arc::from(name.as_str())), problems);
    }
}

/// Lays `key.path=value` over `root`, in the order given.
pub(super) fn add_sets(root: &mut Node, sets: &[String], problems: &mut Problems) {
    for set in sets {
        match set.split_once('=') {
            Some((key, text)) => {
                let path = key.trim().replace('[', ".").replace(']', "").split('.').map(str::to_owned).collect();
                add(root, path, text, &Origin::Set, problems);
            }
            None => problems.add(Problem {
                key_path: String::new(),
                origin: Origin::Set,
                message: format!("{set:?} has no ="),
                hint: Some("write --set KEY=VALUE, for example --set federation.min_nodes=2".into()),
            }),
        }
    }
}

fn add(root: &mut Node, path: Vec<String>, text: &str, origin: &Origin, problems: &mut Problems) {
    let merged = value(text).and_then(|value| root.merge_at(&path, Node::new(value, origin)));
    if let Err(message) = merged {
        problems.add(Problem { key_path: path.join("."), origin: origin.clone(), message, hint: None });
    }
}

/// Lists and tables are JSON; anything else stays text until the schema says what it should be.
fn value(text: &str) -> Result<Value, String> {
    if text.starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| format!("{text} is not JSON: {error}"));
    }
    Ok(Value::String(text.to_owned()))
}
