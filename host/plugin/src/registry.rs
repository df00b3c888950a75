//! Finds the plug-ins of one directory by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use fedhost_base::hint::with_hint;
use fedhost_base::text::visible;
use fedhost_domain::model::PluginSelector;

use super::component::Plugin;
use super::loader::{Loader, stem};
use super::parameters::nearest;
use super::refusal::Refused;
use super::signature::signature_of;

/// Files that are loaded side by side. Each may run code of a guest; only one is compiled at a time.
const LOADED_AT_A_TIME: usize = 8;

/// The plug-ins and the refused files of a directory.
pub struct Registry {
    directory: PathBuf,
    plugins: Vec<Arc<Plugin>>,
    refused: Vec<Refused>,
    /// The stamps of the files when they were last loaded.
    loaded: BTreeMap<PathBuf, Stamps>,
    /// The stamps of the files at the last refresh.
    seen: BTreeMap<PathBuf, Stamps>,
    /// Names that were announced to be in several files.
    shared_names: BTreeSet<String>,
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
        let mut registry = Self::unloaded(directory)?;
        let files = registry.seen.keys().cloned().collect();
        registry.load_all(files, loader);
        Ok(registry)
    }

    /// Loads only the files that are called like these plug-ins: `NAME.wasm`, or `NAME-` and
    /// anything. If one of the plug-ins is in none of them, all files are loaded; else the first
    /// [`Self::refresh`] loads the other files.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open_named(
        directory: &Path,
        loader: &Loader,
        wanted: &[PluginSelector],
    ) -> Result<Self, OpenError> {
        let mut registry = Self::unloaded(directory)?;
        let (named, others): (Vec<PathBuf>, Vec<PathBuf>) =
            registry.seen.keys().cloned().partition(|file| {
                wanted
                    .iter()
                    .any(|wanted| is_called_like(file, &wanted.name))
            });
        registry.load_all(named, loader);
        if wanted.iter().any(|wanted| registry.find(wanted).is_err()) {
            registry.load_all(others, loader);
        }
        Ok(registry)
    }

    /// Lists the files of a directory.
    fn unloaded(directory: &Path) -> Result<Self, OpenError> {
        let files = components(directory).map_err(|source| OpenError {
            directory: directory.to_owned(),
            source,
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            plugins: Vec::new(),
            refused: Vec::new(),
            loaded: BTreeMap::new(),
            seen: files,
            shared_names: BTreeSet::new(),
        })
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
        let settled: Vec<PathBuf> = self
            .seen
            .iter()
            .filter(|(file, stamp)| is_to_load(file, stamp))
            .map(|(file, _)| file.clone())
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
        let is_changed = !settled.is_empty() || !gone.is_empty();
        self.load_all(settled, loader);
        Ok(is_changed)
    }

    /// Loads files side by side, so that one that takes its whole time does not delay the others.
    fn load_all(&mut self, files: Vec<PathBuf>, loader: &Loader) {
        let next = AtomicUsize::new(0);
        let loaded = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..files.len().min(LOADED_AT_A_TIME) {
                scope.spawn(|| {
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let plugin = loader.load(file);
                        let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
                        loaded.insert(file, plugin);
                    }
                });
            }
        });
        for (file, plugin) in loaded.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.take(file, plugin);
            if let Some(stamps) = self.seen.get(file) {
                self.loaded.insert(file.clone(), *stamps);
            }
        }
        self.warn_of_shared_names(loader);
    }

    fn take(&mut self, file: &Path, loaded: Result<Plugin, Refused>) {
        self.refused.retain(|refused| refused.file != file);
        match loaded {
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

    /// A file can call itself by any plug-in's name, and its version decides which one runs.
    fn warn_of_shared_names(&mut self, loader: &Loader) {
        let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for plugin in &self.plugins {
            let file = plugin.file().file_name().unwrap_or_default();
            let signed = if plugin.signed { ", signed" } else { "" };
            files.entry(&plugin.id().name).or_default().push(format!(
                "{} ({}{signed})",
                visible(&file.to_string_lossy()),
                plugin.id().version
            ));
        }
        files.retain(|_, files| files.len() > 1);
        self.shared_names
            .retain(|name| files.contains_key(name.as_str()));
        for (name, files) in files {
            if self.shared_names.insert(name.to_owned()) {
                let detail = format!(
                    "{} files are the plug-in {name}: {}; the highest version that is asked for runs, \
                     and beside a signed file no other one",
                    files.len(),
                    files.join(", ")
                );
                let hint = "pin the plug-in with { name, sha256 }, or move the other files away";
                loader.warn("plug-ins", &with_hint(detail, Some(hint)));
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
        let all = || {
            self.plugins
                .iter()
                .filter(|plugin| plugin.id().name == wanted.name)
        };
        // An unsigned file must not take the place of a signed one by its version.
        let is_signed = all().any(|plugin| plugin.signed);
        let named = || all().filter(|plugin| plugin.signed || !is_signed);
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

/// Whether a file is called like a plug-in.
fn is_called_like(file: &Path, plugin: &str) -> bool {
    let stem = stem(file);
    let rest = stem.strip_prefix(plugin);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
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
