//! Reads a TOML file into a tree whose nodes know their line.

use std::ops::Range;
use std::sync::Arc;

use toml::Value;
use toml_edit::{Document, Item, TableLike};

use super::problem::{Origin, Problem};
use super::tree::{Content, Node};

/// A manifest's text, by whose name its lines are cited.
struct Source<'a> {
    path: Arc<str>,
    text: &'a str,
}

/// Parses `text`, the content of the file at `path`.
///
/// # Errors
/// The first fault of syntax, with its line.
pub(super) fn parse(path: &Arc<str>, text: &str) -> Result<Node, Problem> {
    let source = Source {
        path: Arc::clone(path),
        text,
    };
    let document = Document::parse(text).map_err(|error| Problem {
        key_path: String::new(),
        origin: source.origin(error.span()),
        message: format!("this is not TOML: {}", error.message().replace('\n', ", ")),
        hint: None,
    })?;
    let values: toml::Table = toml::from_str(text).map_err(|error| Problem {
        key_path: String::new(),
        origin: source.origin(error.span()),
        message: error.message().to_owned(),
        hint: None,
    })?;
    let mut root = Node::new(Value::Table(values), &source.origin(None));
    source.locate_entries(document.as_table(), &mut root);
    Ok(root)
}

impl Source<'_> {
    fn origin(&self, span: Option<Range<usize>>) -> Origin {
        let before = span.and_then(|span| self.text.get(..span.start));
        let line = before.map(|text| text.bytes().filter(|&byte| byte == b'\n').count() + 1);
        Origin::File {
            path: Arc::clone(&self.path),
            line,
        }
    }

    fn locate_entries(&self, table: &dyn TableLike, node: &mut Node) {
        let Content::Table(entries) = &mut node.content else {
            return;
        };
        for (name, entry) in entries {
            let Some((key, item)) = table.get_key_value(name) else {
                continue;
            };
            self.locate(key.span().or_else(|| item.span()), item, entry);
        }
    }

    fn locate(&self, span: Option<Range<usize>>, item: &Item, node: &mut Node) {
        node.origin = self.origin(span);
        if let Some(table) = item.as_table_like() {
            self.locate_entries(table, node);
            return;
        }
        let Content::List(nodes) = &mut node.content else {
            return;
        };
        if let Some(tables) = item.as_array_of_tables() {
            for (table, node) in tables.iter().zip(nodes) {
                node.origin = self.origin(table.span());
                self.locate_entries(table, node);
            }
        } else if let Some(array) = item.as_array() {
            for (value, node) in array.iter().zip(nodes) {
                self.locate(value.span(), &Item::Value(value.clone()), node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "top = 1\n[a]\nb.c = 2\n\n[[list]]\nx = 1\n[[list]]\nx = [\n  1,\n  { y = 2 },\n]\n";

    #[test]
    fn every_value_knows_the_line_of_its_key() {
        let mut root = parse(&Arc::from("m.toml"), TEXT).unwrap();
        let mut lines = Vec::new();
        root.walk("", &mut |path, node| {
            lines.push(format!("{path} {}", node.origin))
        });
        let expected = [
            " m.toml",
            "a m.toml:2",
            "a.b m.toml:3",
            "a.b.c m.toml:3",
            "list m.toml:5",
            "list[0] m.toml:5",
            "list[0].x m.toml:6",
            "list[1] m.toml:7",
            "list[1].x m.toml:8",
            "list[1].x[0] m.toml:9",
            "list[1].x[1] m.toml:10",
            "list[1].x[1].y m.toml:10",
            "top m.toml:1",
        ];
        assert_eq!(lines, expected);
    }
}
