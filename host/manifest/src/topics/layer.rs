//! The forms in which one layer may write a topic, made one.

use std::collections::BTreeMap;

use super::further::KEYS;
use crate::tree::{self, Content, Node};

/// Turns names of topics into tables, and `segment.ms = 1` without quotes into a setting
/// `segment.ms`. `layer` is the manifest's root. Nothing is left to be done for a second time.
pub(crate) fn settle(layer: &mut Node) {
    let Some(Node {
        content: Content::Table(topics),
        ..
    }) = layer.entry_mut("topics")
    else {
        return;
    };
    for (key, node) in topics {
        match &mut node.content {
            Content::List(items) if key == "other" => items.iter_mut().for_each(topic),
            Content::Leaf(toml::Value::String(_))
                if !KEYS.iter().any(|(further, _)| further == key) => {}
            _ => topic(node),
        }
    }
}

fn topic(node: &mut Node) {
    if matches!(node.content, Content::Leaf(toml::Value::String(_))) {
        *node = node.clone().below(&["name".to_owned()]);
    }
    let Some(Node {
        content: Content::Table(settings),
        ..
    }) = node.entry_mut("settings")
    else {
        return;
    };
    // What is flat already is of a layer below.
    let is_table = |_: &String, node: &mut Node| matches!(node.content, Content::Table(_));
    let nested: Vec<_> = settings.extract_if(.., is_table).collect();
    nested
        .into_iter()
        .for_each(|(name, node)| flatten(name, node, settings));
}

fn flatten(name: String, node: Node, flat: &mut BTreeMap<String, Node>) {
    match node.content {
        Content::Table(entries) => {
            entries
                .into_iter()
                .for_each(|(key, node)| flatten(tree::key(&name, &key), node, flat));
        }
        _ => drop(flat.insert(name, node)),
    }
}
