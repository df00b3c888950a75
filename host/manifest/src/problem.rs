//! What is wrong with a manifest, where it was written, and what to do about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Where a value came from. Later variants lie above earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The built-in `config/default.toml`.
    Default,
    /// The manifest.
    File {
        /// As given on the command line.
        path: Arc<str>,
        /// From 1; `None` for something the file lacks.
        line: Option<usize>,
    },
    /// The environment variable of this name.
    Environment(Arc<str>),
    /// `--set`.
    Set,
}

impl Origin {
    /// A variable or `--set` carries plain text, whose type is known only once the schema has been
    /// consulted.
    pub(super) fn is_untyped(&self) -> bool {
        matches!(self, Self::Environment(_) | Self::Set)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File {
                path,
                line: Some(line),
            } => write!(f, "{path}:{line}"),
            Self::File { path, line: None } => f.write_str(path),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Set => f.write_str("--set"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One thing that must be changed before the manifest can run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For example `sensor[0].rate_hz`; empty when the file as a whole is meant.
    pub key_path: String,
    /// Where the offending value was written.
    pub origin: Origin,
    /// What is wrong, and why.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key_path.is_empty() {
            write!(f, "{}: ", self.key_path)?;
        }
        f.write_str(&self.message)?;
        self.hint
            .iter()
            .try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

/// Every problem of a manifest, in the order of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    all: Vec<Problem>,
    /// By key path: how the key was written, where that is not how the manifest keeps it.
    spellings: BTreeMap<String, String>,
}

impl Serialize for Problems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all.serialize(serializer)
    }
}

impl Problems {
    /// Problems that were found by reading what a manifest names.
    #[must_use]
    pub fn found(all: Vec<Problem>) -> Self {
        Self {
            all,
            ..Self::default()
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.all.iter()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.all.push(problem);
    }

    pub(super) fn of(problem: Problem) -> Self {
        Self {
            all: vec![problem],
            ..Self::default()
        }
    }

    /// The key at `key_path` was written as `written`, and problems with it name it so.
    pub(super) fn spelled(&mut self, key_path: &str, written: &str) {
        self.spellings
            .insert(key_path.to_owned(), written.to_owned());
    }

    /// In the order of the lines of the manifest at `path`, to which everything belongs that is
    /// written nowhere.
    pub(super) fn into_result(mut self, path: &Arc<str>) -> Result<(), Self> {
        for problem in self
            .all
            .iter_mut()
            .filter(|problem| problem.origin == Origin::Default)
        {
            problem.origin = Origin::File {
                path: Arc::clone(path),
                line: None,
            };
        }
        for problem in &mut self.all {
            if let Some(written) = self.spellings.get(&problem.key_path) {
                problem.key_path.clone_from(written);
            }
        }
        self.all.sort_by(|a, b| a.origin.cmp(&b.origin));
        if self.all.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }

    /// Whether nothing is wrong at any of `key_paths`, above or below it: a check that reads these
    /// may be made.
    pub(super) fn spare(&self, key_paths: &[&str]) -> bool {
        !key_paths.iter().any(|path| {
            self.all
                .iter()
                .any(|problem| related(&problem.key_path, path))
        })
    }
}

/// Whether one of the key paths lies within the other.
fn related(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || short.is_empty() || rest.starts_with(['.', '[']))
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.all.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl miette::Diagnostic for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_path_is_related_to_what_lies_above_and_below_it_only() {
        for (a, b) in [
            ("sensor", "sensor[0].node"),
            ("sensor[0].node", "sensor"),
            ("", "bus"),
            ("bus", "bus"),
        ] {
            assert!(related(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("sensor[1]", "sensor[10]"),
            ("topics.model", "topics.model_updates"),
            ("bus", "model"),
        ] {
            assert!(!related(a, b), "{a} {b}");
        }
    }
}
