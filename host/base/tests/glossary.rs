//! The glossary of the README and the names in the code are the same words.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files with one of these endings below `folder`, sorted.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", "data"].contains(&name.as_str()) {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The name that a line like `pub struct Name` defines.
fn public_item(line: &str, kinds: &[&str]) -> Option<String> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = rest.trim_start_matches("const ");
    let (kind, rest) = rest.trim_start_matches("async ").split_once(' ')?;
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    kinds
        .contains(&kind)
        .then(|| rest[..end.unwrap_or(rest.len())].to_owned())
}

/// The name in `mod name;`, `pub name: Type`, `Variant {` or `Variant(`.
fn module_field_or_variant(line: &str) -> Option<String> {
    let line = line.trim();
    let module = line
        .strip_prefix("mod ")
        .and_then(|rest| rest.strip_suffix(';'));
    let field = line
        .strip_prefix("pub ")
        .and_then(|rest| rest.split_once(": "))
        .map(|(name, _)| name);
    let variant = line
        .split_once([' ', '(', ','])
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(char::is_uppercase));
    module.or(field).or(variant).map(str::to_owned)
}

#[test]
fn the_glossary_names_what_the_code_has() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let glossary = readme.split("## Glossary").nth(1).unwrap();
    let glossary = glossary.split("\n## ").next().unwrap();
    let mut defined = Vec::new();
    for path in files(&workspace().join("host"), &[".rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        let kinds = ["struct", "enum", "trait", "type", "fn", "mod"];
        defined.extend(text.lines().filter_map(|line| public_item(line, &kinds)));
        defined.extend(text.lines().filter_map(module_field_or_variant));
    }
    let rows: Vec<Vec<&str>> = glossary
        .lines()
        .filter(|line| line.starts_with("| **"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in rows {
        for name in row[2].split('`').skip(1).step_by(2) {
            let item = name.rsplit("::").next().unwrap();
            assert!(
                defined.iter().any(|known| known == item),
                "{}: {name}",
                row[1]
            );
        }
    }
}
