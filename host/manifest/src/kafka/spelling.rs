//! Every client has its own spelling of the same settings; the manifest keeps one.
//!
//! Names are settled in each layer before it is laid over the others, so that `linger_ms` of one
//! layer takes the place of `"linger.ms"` of the one below. Values are settled once all layers are
//! merged and variables have their values.

use std::collections::BTreeMap;

use toml::Value;

use super::property::{BYTES, Property, Side, key_of};
use super::table::{self, Scope};
use crate::problem::{Problem, Problems};
use crate::tree::{self, Content, Node};

/// The tables of settings below `[kafka]`, by their names there, and which settings each takes.
const TABLES: &[(&[&str], Scope)] = &[
    (&[], None),
    (&["producer"], Some(Side::Producer)),
    (&["consumer"], Some(Side::Consumer)),
    (&["aggregator", "producer"], Some(Side::Producer)),
    (&["aggregator", "consumer"], Some(Side::Consumer)),
    (&["fog_node", "producer"], Some(Side::Producer)),
    (&["fog_node", "consumer"], Some(Side::Consumer)),
    (&["sensor", "producer"], Some(Side::Producer)),
];

/// Gives the settings of one layer the names that the manifest keeps. `layer` is the manifest's
/// root.
pub(crate) fn settle_names(layer: &mut Node, problems: &mut Problems) {
    in_every_table(layer, |path, scope, entries| {
        let written = std::mem::take(entries);
        // Of two names for one setting the first stays, so nothing depends on which of them was
        // read first.
        for (name, node) in written
            .into_iter()
            .flat_map(|(name, node)| flat(scope, name, node))
        {
            let (key, node) = keyed(scope, &name, node);
            let place = tree::key(path, &key);
            match entries.get(&key) {
                Some(first) if !is_same(scope, &key, first, &node) => {
                    problems.add(twice(place, first, &tree::key(path, &name)));
                }
                Some(_) => {}
                None => {
                    problems.spelled(&place, &tree::key(path, &name));
                    entries.insert(key, node);
                }
            }
        }
    });
}

/// Gives every setting the value that the manifest keeps; one that cannot have its value keeps it,
/// for the schema's check.
pub(crate) fn settle_values(root: &mut Node) {
    in_every_table(root, |_, scope, entries| {
        for (key, node) in entries {
            let value =
                table::find(scope, key).and_then(|property| property.canonical(&node.to_value()));
            *node = value.map_or_else(|| node.clone(), |value| Node::new(value, &node.origin));
        }
    });
}

fn in_every_table(
    root: &mut Node,
    mut visit: impl FnMut(&str, Scope, &mut BTreeMap<String, Node>),
) {
    for (names, scope) in TABLES {
        let mut path = "kafka".to_owned();
        let mut table = root.entry_mut("kafka");
        for name in *names {
            path = tree::key(&path, name);
            table = table.and_then(|table| table.entry_mut(name));
        }
        if let Some(Node {
            content: Content::Table(entries),
            ..
        }) = table
        {
            visit(&path, *scope, entries);
        }
    }
}

/// `linger.ms = 5` without quotes makes a table `linger` with a key `ms` in it.
fn flat(scope: Scope, name: String, node: Node) -> Vec<(String, Node)> {
    let mut leaves = Vec::new();
    collect(&name, &node, &mut leaves);
    let is_nested = matches!(node.content, Content::Table(_));
    if is_nested && !leaves.is_empty() && leaves.iter().all(|(name, _)| is_known(scope, name)) {
        leaves
    } else {
        vec![(name, node)]
    }
}

fn collect(name: &str, node: &Node, leaves: &mut Vec<(String, Node)>) {
    match &node.content {
        Content::Table(entries) => entries
            .iter()
            .for_each(|(key, node)| collect(&tree::key(name, key), node, leaves)),
        _ => leaves.push((name.to_owned(), node.clone())),
    }
}

/// Whether there is a setting of that name anywhere, be it one that is refused here.
fn is_known(scope: Scope, name: &str) -> bool {
    table::find(scope, name).is_some()
        || table::elsewhere(scope).any(|(key, _)| key == key_of(name))
}

fn keyed(scope: Scope, name: &str, node: Node) -> (String, Node) {
    match table::find(scope, name) {
        Some(property) => (property.key(), counted(property, name, node)),
        None if is_known(scope, name) => (key_of(name), node),
        None => (name.to_owned(), node),
    }
}

/// A number of bytes where the setting counts KiB says so; it is converted with the other values.
fn counted(property: &Property, name: &str, node: Node) -> Node {
    if !property.in_bytes.contains(&key_of(name).as_str()) {
        return node;
    }
    match &node.content {
        Content::Leaf(Value::Integer(bytes)) => {
            Node::new(Value::String(format!("{bytes}{BYTES}")), &node.origin)
        }
        Content::Leaf(Value::String(bytes)) => {
            Node::new(Value::String(format!("{bytes}{BYTES}")), &node.origin)
        }
        _ => node,
    }
}

fn is_same(scope: Scope, key: &str, a: &Node, b: &Node) -> bool {
    let canonical = |node: &Node| {
        table::find(scope, key).and_then(|property| property.canonical(&node.to_value()))
    };
    let (a, b) = (canonical(a), canonical(b));
    a.is_some() && a == b
}

fn twice(key_path: String, first: &Node, second: &str) -> Problem {
    Problem {
        message: format!("{second} is the same setting, with another value"),
        hint: Some("keep one of the two".into()),
        key_path,
        origin: first.origin.clone(),
    }
}
