//! The manifest before it has types: nested values, each with its origin; layers are merged here.

use std::collections::BTreeMap;

use toml::Value;

use super::problem::Origin;

/// A value, and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Leaf(Value),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Node {
    /// All of `value` with one origin.
    pub(super) fn new(value: Value, origin: &Origin) -> Self {
        let content = match value {
            Value::Table(entries) => Content::Table(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, Self::new(value, origin)))
                    .collect(),
            ),
            Value::Array(items) => Content::List(
                items
                    .into_iter()
                    .map(|item| Self::new(item, origin))
                    .collect(),
            ),
            leaf => Content::Leaf(leaf),
        };
        Self {
            origin: origin.clone(),
            content,
        }
    }

    fn empty_table(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            content: Content::Table(BTreeMap::new()),
        }
    }

    /// What a table has under `name`.
    pub(super) fn entry_mut(&mut self, name: &str) -> Option<&mut Self> {
        match &mut self.content {
            Content::Table(entries) => entries.get_mut(name),
            _ => None,
        }
    }

    /// A table whose keys lead to this node.
    pub(super) fn below(self, path: &[String]) -> Self {
        path.iter().rev().fold(self, |node, step| Self {
            origin: node.origin.clone(),
            content: Content::Table(BTreeMap::from([(step.clone(), node)])),
        })
    }

    /// Without origins.
    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Leaf(value) => value.clone(),
            Content::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Content::Table(entries) => Value::Table(
                entries
                    .iter()
                    .map(|(key, node)| (key.clone(), node.to_value()))
                    .collect(),
            ),
        }
    }

    /// Lays `above` over this node: tables are merged key by key, everything else is replaced.
    pub(super) fn merge(&mut self, above: Self) {
        match (&mut self.content, above.content) {
            (Content::Table(entries), Content::Table(over)) => {
                for (key, node) in over {
                    match entries.get_mut(&key) {
                        Some(below) => below.merge(node),
                        None => drop(entries.insert(key, node)),
                    }
                }
                if self.origin == Origin::Default {
                    self.origin = above.origin;
                }
            }
            // `model_updates = "updates"` is short for `model_updates = { name = "updates" }`.
            (Content::Table(entries), name @ Content::Leaf(Value::String(_)))
                if entries.contains_key("name") =>
            {
                entries.insert(
                    "name".into(),
                    Self {
                        origin: above.origin,
                        content: name,
                    },
                );
            }
            (_, content) => {
                *self = Self {
                    origin: above.origin,
                    content,
                }
            }
        }
    }

    /// Lays `above` over the node at `path`, and makes the tables that lead there.
    ///
    /// # Errors
    /// Says which step of `path` leads nowhere.
    pub(super) fn merge_at(&mut self, path: &[String], above: Self) -> Result<(), String> {
        let Some((step, rest)) = path.split_first() else {
            self.merge(above);
            return Ok(());
        };
        match &mut self.content {
            Content::Table(entries) => {
                let origin = above.origin.clone();
                entries
                    .entry(step.clone())
                    .or_insert_with(|| Self::empty_table(&origin))
                    .merge_at(rest, above)
            }
            Content::List(items) => {
                let length = items.len();
                let item = step
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get_mut(index));
                item.ok_or_else(|| format!("there is no entry {step:?} in a list of {length}"))?
                    .merge_at(rest, above)
            }
            Content::Leaf(value) => Err(format!(
                "{step:?} cannot be set inside {value}, which is no table"
            )),
        }
    }

    /// Calls `visit` for this node, known as `path`, and for everything in it.
    pub(super) fn walk(&mut self, path: &str, visit: &mut impl FnMut(&str, &mut Self)) {
        visit(path, self);
        match &mut self.content {
            Content::Leaf(_) => {}
            Content::List(items) => {
                items
                    .iter_mut()
                    .enumerate()
                    .for_each(|(index, node)| node.walk(&item(path, index), visit));
            }
            Content::Table(entries) => {
                entries
                    .iter_mut()
                    .for_each(|(name, node)| node.walk(&key(path, name), visit));
            }
        }
    }
}

/// The key path of `name` in the table at `path`.
pub(super) fn key(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The key path of an entry of the list at `path`.
pub(super) fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}
