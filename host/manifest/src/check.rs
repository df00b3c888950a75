//! Checks a tree against the schema, finds every problem at once, and repairs the tree so that it can
//! be read into types.
//!
//! A bad value is replaced by its default, or by any legal value: later checks skip what a problem
//! was found in.

use serde_json::{Value, json};

use super::expected::{self, describe, found};
use super::formats;
use super::kafka::MARK;
use super::problem::{Problem, Problems};
use super::schema::key_paths;
use super::tree::{self, Content, Node};

/// Adds what is wrong with `root` to `problems`; afterwards `root` conforms to `schema`.
pub(super) fn check(schema: &Value, root: &mut Node, problems: &mut Problems) {
    let known = key_paths(schema);
    Checker {
        known: &known,
        problems,
    }
    .visit_table(schema, "", root, &|_| None);
}

/// The value was reported, and must not be used.
struct Bad;

struct Checker<'a> {
    /// Every key path there is, to say where a misplaced key belongs.
    known: &'a [String],
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn report(&mut self, path: &str, node: &Node, message: String, hint: Option<String>) -> Bad {
        // A variable that is not set was reported already; its name is no worse a value than any.
        if !self.problems.iter().any(|problem| problem.key_path == path) {
            self.problems.add(Problem {
                key_path: path.to_owned(),
                origin: node.origin.clone(),
                message,
                hint,
            });
        }
        Bad
    }

    fn visit(&mut self, schema: &Value, path: &str, node: &mut Node) -> Result<(), Bad> {
        if let Some(branches) = schema["oneOf"].as_array() {
            return self.visit_tagged(branches, path, node);
        }
        expected::type_text(schema, node);
        if let Some(branches) = schema["anyOf"].as_array() {
            let fits = |branch: &&Value| {
                expected::has_type(branch, node) && expected::in_range(branch, node)
            };
            return match branches.iter().find(fits) {
                Some(branch) => self.visit(branch, path, node),
                None => Err(self.mismatch(schema, path, node)),
            };
        }
        if !expected::has_type(schema, node) {
            return Err(self.mismatch(schema, path, node));
        }
        match &mut node.content {
            Content::Table(_) => self.visit_table(schema, path, node, &|_| None),
            Content::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let path = tree::item(path, index);
                    if self.visit(&schema["items"], &path, item).is_err() {
                        *item = placeholder(&schema["items"], item);
                    }
                }
            }
            Content::Leaf(_) => return self.visit_leaf(schema, path, node),
        }
        Ok(())
    }

    fn mismatch(&mut self, schema: &Value, path: &str, node: &Node) -> Bad {
        self.report(
            path,
            node,
            format!("expected {}, found {}", describe(schema), found(path, node)),
            None,
        )
    }

    fn visit_leaf(&mut self, schema: &Value, path: &str, node: &Node) -> Result<(), Bad> {
        if expected::in_range(schema, node) {
            return formats::check(schema, node).map_err(|reason| {
                self.report(
                    path,
                    node,
                    format!("{reason}, found {}", found(path, node)),
                    None,
                )
            });
        }
        let text = expected::text_of(node);
        let words = schema["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let near = text
            .and_then(|text| nearest(text, words))
            .map(|word| format!("did you mean {word:?}?"));
        let refused = text
            .and_then(|text| refusal(schema, text)?["reason"].as_str())
            .map(str::to_owned);
        let message = format!("expected {}, found {}", describe(schema), found(path, node));
        Err(self.report(path, node, message, refused.or(near)))
    }

    /// A table whose `kind` decides which keys it has.
    fn visit_tagged(&mut self, branches: &[Value], path: &str, node: &mut Node) -> Result<(), Bad> {
        let kinds: Vec<&str> = branches.iter().filter_map(kind_of).collect();
        let Content::Table(entries) = &node.content else {
            return Err(self.report(
                path,
                node,
                format!("expected a table, found {}", found(path, node)),
                None,
            ));
        };
        let kind = entries.get("kind").and_then(expected::text_of);
        if let Some(branch) = branches
            .iter()
            .find(|branch| kind.is_some() && kind_of(branch) == kind)
        {
            let elsewhere = |key: &str| {
                let owner = branches
                    .iter()
                    .find(|branch| branch["properties"].get(key).is_some())
                    .and_then(kind_of)?;
                Some(format!(
                    "this key goes with kind = {owner:?}, and here kind = {:?}",
                    kind_of(branch)?
                ))
            };
            self.visit_table(branch, path, node, &elsewhere);
            return Ok(());
        }
        let words = json!({ "type": "string", "enum": kinds });
        let path = tree::key(path, "kind");
        match entries.get("kind").cloned() {
            Some(kind) if expected::text_of(&kind).is_some() => {
                self.visit_leaf(&words, &path, &kind)
            }
            Some(kind) => Err(self.mismatch(&words, &path, &kind)),
            None => Err(self.report(
                &path,
                node,
                format!("is missing; expected {}", describe(&words)),
                None,
            )),
        }
    }

    fn visit_table(
        &mut self,
        schema: &Value,
        path: &str,
        node: &mut Node,
        elsewhere: &dyn Fn(&str) -> Option<String>,
    ) {
        let origin = node.origin.clone();
        let Content::Table(entries) = &mut node.content else {
            return;
        };
        let names: Vec<String> = entries.keys().cloned().collect();
        for name in names {
            let Some(mut entry) = entries.remove(&name) else {
                continue;
            };
            let path = tree::key(path, &name);
            let property = schema["properties"]
                .get(&name)
                .or_else(|| free_name(schema, &entry));
            let sound = match property {
                Some(property) => self.visit(property, &path, &mut entry).or_else(|Bad| {
                    entry = placeholder(property, &entry);
                    if is_needed(schema, &name) {
                        Ok(())
                    } else {
                        Err(Bad)
                    }
                }),
                None => Err(self.unknown_key(schema, &path, &name, &entry, elsewhere(&name))),
            };
            if sound.is_ok() {
                entries.insert(name, entry);
            }
        }
        for name in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let Some(property) = schema["properties"].get(name) else {
                continue;
            };
            if !entries.contains_key(name) {
                let missing = Node::new(to_toml(&sample(property)), &origin);
                let message = format!("is missing; expected {}", describe(property));
                self.report(
                    &tree::key(path, name),
                    &missing,
                    message,
                    documentation(property),
                );
                entries.insert(name.to_owned(), missing);
            }
        }
    }

    fn unknown_key(
        &mut self,
        schema: &Value,
        path: &str,
        name: &str,
        node: &Node,
        elsewhere: Option<String>,
    ) -> Bad {
        if let Some(refusal) = refusal(schema, name) {
            let text = |key| refusal[key].as_str().map(str::to_owned);
            let reason = text("reason").unwrap_or_else(|| "it is refused".to_owned());
            return self.report(path, node, reason, text("hint"));
        }
        if let Some(message) = elsewhere {
            return self.report(path, node, message, None);
        }
        let here = || schema["properties"].as_object().into_iter().flatten();
        let dotted = format!(".{name}");
        // Settings of clients may be written with dots.
        let hint = match nearest(&name.replace('.', "_"), here().map(|(key, _)| key.as_str())) {
            Some(near) => format!("did you mean {near:?}?"),
            None => match self.known.iter().find(|known| known.ends_with(&dotted)) {
                Some(place) => format!("there is a key {place}"),
                None => format!("the keys here are {}", keys_in_words(here())),
            },
        };
        self.report(path, node, "there is no such key".into(), Some(hint))
    }
}

/// The schema of keys that the table does not name, such as plug-ins; what is no table there is a
/// misspelt key.
fn free_name<'a>(schema: &'a Value, entry: &Node) -> Option<&'a Value> {
    let others = schema
        .get("additionalProperties")
        .filter(|others| others.is_object())?;
    (others["type"] != "object" || matches!(entry.content, Content::Table(_))).then_some(others)
}

fn kind_of(branch: &Value) -> Option<&str> {
    branch.pointer("/properties/kind/const")?.as_str()
}

/// Settings of clients are too many to be listed.
fn keys_in_words<'a>(properties: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let (settings, keys): (Vec<_>, Vec<_>) =
        properties.partition(|(_, property)| property.get(MARK).is_some());
    let clients =
        (!settings.is_empty()).then_some("those of librdkafka and of the Java and Python clients");
    keys.into_iter()
        .map(|(key, _)| key.as_str())
        .chain(clients)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Why this build refuses a word that belongs here in others.
fn refusal<'a>(schema: &'a Value, word: &str) -> Option<&'a Value> {
    schema["x-refused"].get(word)
}

fn is_needed(schema: &Value, name: &str) -> bool {
    let required = schema["required"]
        .as_array()
        .is_some_and(|required| required.iter().any(|key| key == name));
    required
        || schema["properties"]
            .get(name)
            .is_some_and(|property| property.get("default").is_some())
}

/// Any legal value, at the place of a bad one.
fn placeholder(schema: &Value, bad: &Node) -> Node {
    Node::new(to_toml(&sample(schema)), &bad.origin)
}

fn sample(schema: &Value) -> Value {
    if let Some(value) = ["/default", "/examples/0", "/const", "/enum/0"]
        .iter()
        .find_map(|place| schema.pointer(place))
    {
        return value.clone();
    }
    if let Some(branch) = ["oneOf", "anyOf"]
        .iter()
        .find_map(|word| schema[word].get(0))
    {
        return sample(branch);
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => sample_table(schema),
        _ => json!(""),
    }
}

fn sample_table(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .filter(|(key, _)| is_needed(schema, key))
        .map(|(key, property)| (key.clone(), sample(property)))
        .collect()
}

fn to_toml(value: &Value) -> toml::Value {
    toml::Value::try_from(value).unwrap_or(toml::Value::Boolean(false))
}

fn documentation(schema: &Value) -> Option<String> {
    let text = schema["description"].as_str()?.replace('\n', " ");
    Some(text.strip_suffix('.').unwrap_or(&text).to_owned())
}

/// The word that was probably meant.
fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Two swapped characters in a short word are a typing error, though the words differ much.
    let likeness = |candidate: &str| match strsim::damerau_levenshtein(word, candidate) {
        0 | 1 => 1.0,
        _ => strsim::jaro_winkler(word, candidate),
    };
    let best = among.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.8).then_some(best)
}
