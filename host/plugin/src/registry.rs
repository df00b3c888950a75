//! Finds the plug-ins of one directory by name.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use fedhost_domain::model::PluginSelector;

use super::component::Plugin;
use super::loader::{Loader, stem};
use super::parameters::nearest;
use super::refusal::Refused;
use super::signature::signature_of;

/// The plug-ins and the refused files of a directory.
pub struct Registry {
    directory: PathBuf,
    plugins: Vec<Arc<Plugin>>,
    refused: Vec<Refused>,
    /// The stamps of the files when they were last loaded.
    loaded: BTreeMap<PathBuf, Stamps>,
    /// The stamps of the files at the last refresh.
    seen: BTreeMap<PathBuf, Stamps>,
}

/// The stamps of a component and of its signature.
type Stamps = [Stamp; 2];

/// Changes when a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    identity: u64,
}

/// The directory cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot read the plug-in directory {}: {source}", directory.display())]
#[diagnostic(help("create it with `make plugins` or `fedhost plugin build`"))]
pub struct OpenError {
    directory: PathBuf,
    source: io::Error,
}

/// Why no plug-in was found.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum FindError {
    /// There is a file of that name, but it is refused.
    #[error("plug-in {name:?} cannot be used: {refused}")]
    Refused {
        /// The name that was looked for.
        name: String,
        /// Which file, and why.
        #[diagnostic_source]
        refused: Refused,
    },
    /// There is no plug-in of that name.
    #[error("there is no plug-in {name:?} in {}", directory.display())]
    #[diagnostic(help("{}", remedy(nearest.as_deref(), available)))]
    Unknown {
        /// The name that was looked for.
        name: String,
        /// Where it was looked for.
        directory: PathBuf,
        /// The most similar name, if one is similar.
        nearest: Option<String>,
        /// All names of the directory.
        available: Vec<String>,
    },
    /// There is a plug-in of that name, but with another version or digest.
    #[error("plug-in {name:?} in {} is not {wanted}; there is {}", directory.display(), available.join(", "))]
    #[diagnostic(help("install that version, or select an installed one"))]
    Other {
        /// The name that was looked for.
        name: String,
        /// Where it was looked for.
        directory: PathBuf,
        /// The version and digest that were asked for.
        wanted: String,
        /// The plug-ins of that name.
        available: Vec<String>,
    },
}

fn remedy(nearest: Option<&str>, available: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None if available.is_empty() => {
            "the directory is empty; `make plugins` builds the catalogue".to_owned()
        }
        None => format!("there are {}", available.join(", ")),
    }
}

impl Registry {
    /// Loads every `*.wasm` of a directory, sorted by name. A refused file is announced and listed
    /// in [`Self::refused`]; it does not affect other files. Blocks while it compiles.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open(directory: &Path, loader: &Loader) -> Result<Self, OpenError> {
        let files = components(directory).map_err(|source| OpenError {
            directory: directory.to_owned(),
            source,
        })?;
        let mut registry = Self {
            directory: directory.to_owned(),
            plugins: Vec::new(),
            refused: Vec::new(),
            loaded: files.clone(),
            seen: files.clone(),
        };
        for file in files.into_keys() {
            registry.load(&file, loader);
        }
        Ok(registry)
    }

    /// Loads changed files and drops deleted ones; returns whether there were any. A changed file
    /// is loaded once it is the same in two refreshes, because it may still be written. If a
    /// changed file is refused, its old component stays available beside the refusal. Blocks while
    /// it compiles.
    ///
    /// # Errors
    /// The directory cannot be read; then nothing changes.
    pub fn refresh(&mut self, loader: &Loader) -> io::Result<bool> {
        let files = components(&self.directory)?;
        let before = std::mem::replace(&mut self.seen, files);
        let is_to_load = |file: &PathBuf, stamp: &Stamps| {
            self.loaded.get(file) != Some(stamp) && before.get(file) == Some(stamp)
        };
        let settled: Vec<(PathBuf, Stamps)> = self
            .seen
            .iter()
            .filter(|(file, stamp)| is_to_load(file, stamp))
            .map(|(file, stamp)| (file.clone(), *stamp))
            .collect();
        let gone: Vec<PathBuf> = self
            .loaded
            .keys()
            .filter(|file| !self.seen.contains_key(*file))
            .cloned()
            .collect();
        for file in &gone {
            self.loaded.remove(file);
            self.plugins.retain(|plugin| plugin.file() != file);
            self.refused.retain(|refused| refused.file != *file);
        }
        for (file, stamp) in &settled {
            self.load(file, loader);
            self.loaded.insert(file.clone(), *stamp);
        }
        Ok(!settled.is_empty() || !gone.is_empty())
    }

    fn load(&mut self, file: &Path, loader: &Loader) {
        self.refused.retain(|refused| refused.file != file);
        match loader.load(file) {
            Err(refused) => self.refused.push(refused),
            Ok(plugin) => {
                let known = self.plugins.iter().position(|known| known.file() == file);
                match known.and_then(|index| self.plugins.get_mut(index)) {
                    // The same component was written again: its quarantine stays.
                    Some(known) if known.id() == plugin.id() => {}
                    Some(known) => *known = Arc::new(plugin),
                    None => {
                        let place = self.plugins.partition_point(|known| known.file() < file);
                        self.plugins.insert(place, Arc::new(plugin));
                    }
                }
            }
        }
    }

    /// All accepted plug-ins, sorted by file.
    #[must_use]
    pub fn plugins(&self) -> &[Arc<Plugin>] {
        &self.plugins
    }

    /// All refused files, with the reasons.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Returns the selected plug-in; of several, the one with the highest version, then the first
    /// file.
    ///
    /// # Errors
    /// There is no such plug-in, or it is refused.
    pub fn find(&self, wanted: &PluginSelector) -> Result<Arc<Plugin>, FindError> {
        let named = || {
            self.plugins
                .iter()
                .filter(|plugin| plugin.id().name == wanted.name)
        };
        named()
            .filter(|plugin| wanted.accepts(plugin.id(), &plugin.descriptor().version))
            .rev()
            .max_by(|left, right| left.descriptor().version.cmp(&right.descriptor().version))
            .cloned()
            .ok_or_else(|| {
                self.find_error(
                    wanted,
                    named().map(|plugin| plugin.id().to_string()).collect(),
                )
            })
    }

    fn find_error(&self, wanted: &PluginSelector, same_name: Vec<String>) -> FindError {
        let name = wanted.name.clone();
        let directory = self.directory.clone();
        if !same_name.is_empty() {
            return FindError::Other {
                name,
                directory,
                wanted: wanted.requirements(),
                available: same_name,
            };
        }
        if let Some(refused) = self
            .refused
            .iter()
            .find(|refused| stem(&refused.file) == name)
        {
            return FindError::Refused {
                name,
                refused: refused.clone(),
            };
        }
        let mut available: Vec<String> = self
            .plugins
            .iter()
            .map(|plugin| plugin.id().name.clone())
            .collect();
        available.dedup();
        let nearest = nearest(&name, available.iter().map(String::as_str)).map(str::to_owned);
        FindError::Unknown {
            name,
            directory,
            nearest,
            available,
        }
    }
}

fn components(directory: &Path) -> io::Result<BTreeMap<PathBuf, Stamps>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let file = entry?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            // A component is loaded again when its signature changes.
            let stamps = [Stamp::of(&file), Stamp::of(&signature_of(&file))];
            files.insert(file, stamps);
        }
    }
    Ok(files)
}

impl Stamp {
    /// Returns the stamp of a file; also of one that cannot be read, since loading it gives the
    /// error.
    fn of(file: &Path) -> Self {
        let found = fs::metadata(file).ok();
        Self {
            bytes: found.as_ref().map_or(0, fs::Metadata::len),
            modified: found.as_ref().and_then(|found| found.modified().ok()),
            identity: found.as_ref().map_or(0, identity),
        }
    }
}

/// Returns the inode: it differs if another file of the same size and time has replaced this one.
#[cfg(unix)]
fn identity(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn identity(_found: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_an_unknown_name_lists_the_available_names() {
        let unknown = |nearest: Option<&str>, available: &[&str]| {
            let available = available.iter().map(|&name| name.to_owned()).collect();
            let nearest = nearest.map(str::to_owned);
            fedhost_base::hint::explain(&FindError::Unknown {
                name: "pca".into(),
                directory: "plugins".into(),
                nearest,
                available,
            })
        };
        assert!(
            unknown(Some("pca-t2q"), &["pca-t2q"]).ends_with("hint: did you mean \"pca-t2q\"?")
        );
        assert!(unknown(None, &["a", "b"]).ends_with("hint: there are a, b"));
        assert!(unknown(None, &[]).contains("make plugins"));
    }
}
