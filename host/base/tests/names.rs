//! The words of this repository: plain English, one term per concept, one meaning per type name.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, iter};

/// Words that are hard for readers with another first language, each with a replacement.
const AVOIDED: [(&str, &str); 13] = [
    ("nobody", "no process, no caller, none"),
    ("whoever", "the caller, the reader, a user who"),
    ("somebody", "an operator, another process"),
    ("stranger", "untrusted, third-party, unknown"),
    ("strangers", "untrusted, third-party, unknown"),
    ("mend", "fix, repair"),
    ("mends", "fixes, repairs"),
    ("mended", "fixed, repaired"),
    ("by lot", "at random"),
    ("hears", "receives, gets"),
    ("in words", "as text"),
    ("none the wiser", "name what is unaffected"),
    ("left alone", "quarantined, unchanged"),
];

/// Names that a module gives to a public type of its own. Readers meet them with the module's name
/// in front, such as `spool::Options`.
const OF_A_MODULE: [(&str, &str); 8] = [
    ("Error", "why the work of the module failed"),
    ("Options", "the choices that its caller makes"),
    ("Outcome", "how its work ended"),
    ("Service", "what it runs until it is stopped"),
    ("Context", "the surroundings of what it runs"),
    ("Input", "what its state machine takes"),
    ("Output", "what its state machine asks for"),
    ("Progress", "how far its work has come"),
];

/// Names of sections and values of a manifest. `fedhost-manifest` has each as it is written, and
/// the part of the host that it configures has the same thing as it is used.
const OF_THE_MANIFEST: [&str; 15] = [
    "Bus",
    "DeadLetters",
    "Decimal",
    "Delivery",
    "FileFormat",
    "Fsync",
    "Kafka",
    "Limits",
    "Parameter",
    "Parameters",
    "Plugins",
    "RowsPerRound",
    "Training",
    "WhenBehind",
    "Wire",
];

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

/// Sources and documents that people read, but for this file.
fn readable() -> impl Iterator<Item = (PathBuf, String)> {
    const FOLDERS: [&str; 8] = [
        "host", "guests", "tests", "wit", "config", "plugins", "docs", "scripts",
    ];
    const PAGES: [&str; 4] = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ];
    let below = FOLDERS.into_iter().flat_map(|folder| {
        files(
            &workspace().join(folder),
            &[".rs", ".md", ".wit", ".toml", ".py"],
        )
    });
    below
        .chain(PAGES.map(|page| workspace().join(page)))
        .filter(|path| !path.ends_with("base/tests/names.rs"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
}

/// Whether `word` stands in the line by itself, and not inside a longer word or name.
fn has_word(line: &str, word: &str) -> bool {
    let line = line.to_lowercase();
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Public types of the host, by name, with the files that define them.
fn public_types() -> BTreeMap<String, Vec<PathBuf>> {
    let mut types: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in files(&workspace().join("host"), &[".rs"]) {
        let is_test = path
            .iter()
            .any(|part| part == "tests" || part == "templates");
        if is_test || path.ends_with("tests.rs") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            if let Some(name) = public_item(line, &["struct", "enum", "trait", "type"]) {
                types.entry(name).or_default().push(path.clone());
            }
        }
    }
    types
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
fn prose_uses_plain_words() {
    let mut found = Vec::new();
    for (path, text) in readable() {
        for (number, line) in iter::zip(1.., text.lines()) {
            for (word, instead) in AVOIDED {
                if has_word(line, word) {
                    let path = path.strip_prefix(workspace()).unwrap_or(&path);
                    found.push(format!(
                        "{}:{number}: {word:?}, write: {instead}",
                        path.display()
                    ));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_public_type_name_has_one_meaning() {
    let is_shared = |name: &str| {
        OF_A_MODULE.iter().any(|(shared, _)| *shared == name) || OF_THE_MANIFEST.contains(&name)
    };
    let mut types = public_types();
    types.retain(|_, paths| paths.len() > 1);
    let twice: Vec<String> = types
        .iter()
        .filter(|(name, _)| !is_shared(name))
        .map(|(name, paths)| format!("{name}: {paths:?}"))
        .collect();
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

#[test]
fn a_name_of_the_manifest_stands_there_and_at_one_more_place() {
    let types = public_types();
    for name in OF_THE_MANIFEST {
        let paths = &types[name];
        let of_the_manifest = paths
            .iter()
            .filter(|path| path.iter().any(|part| part == "manifest"));
        assert_eq!(
            (of_the_manifest.count(), paths.len()),
            (1, 2),
            "{name}: {paths:?}"
        );
    }
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
