//! Describes a component file, whether or not this host would run it.

use fedhost_base::hint::explain;
use std::path::Path;

use fedhost_domain::model::Sha256Hex;
use serde::Serialize;

use super::descriptor::Descriptor;
use super::exports::Abilities;
use super::loader::Loader;
use super::refusal::Reason;
use super::scan::{Producer, Scan};
use super::text::plain;

/// Bytes of a metadata text that are shown.
const TEXT_MAX_BYTES: usize = 256;
/// Size of a page of memory.
const PAGE_BYTES: u64 = 65_536;

/// The description of one file.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Its path, as given.
    pub file: String,
    /// Size in bytes.
    pub size_bytes: usize,
    /// Digest of the file.
    pub sha256: Sha256Hex,
    /// The names of its imports.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
    /// What it can be opened as; absent if it is refused.
    pub abilities: Option<Abilities>,
    /// Its description of itself; absent if it is refused.
    pub descriptor: Option<Descriptor>,
    /// Its initial memory; absent if it is refused, or has none.
    pub initial_memory_bytes: Option<u64>,
    /// The tools that built it, such as `language: Rust`, from the component's metadata.
    pub producers: Vec<Producer>,
    /// The licence expression in the component's metadata.
    pub licence: Option<String>,
    /// Whether this host would run it.
    pub verdict: ComponentVerdict,
}

/// Whether this host would run a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum ComponentVerdict {
    /// It would.
    Accepted,
    /// It would not.
    Refused {
        /// The whole story, with a hint on its own line.
        reason: String,
    },
}

impl Loader {
    /// Inspects a file without announcing an event. The component is compiled, and its `describe`
    /// is called, under its limits.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn inspect(&self, file: &Path) -> Result<Inspection, Reason> {
        let bytes = self.read(file)?;
        // Of a file that cannot be scanned, the verdict has the reason.
        let Scan {
            imports,
            exports,
            producers,
            licence,
        } = self.scan(file, &bytes).unwrap_or_default();
        let examined = self.accept(file, &bytes);
        let verdict = match &examined {
            Ok(_) => ComponentVerdict::Accepted,
            Err(reason) => ComponentVerdict::Refused {
                reason: explain(reason),
            },
        };
        let plugin = examined.as_ref().ok();
        let clean = |names: Vec<String>| {
            names
                .iter()
                .map(|name| plain(name, TEXT_MAX_BYTES))
                .collect()
        };
        let resources = plugin.and_then(|plugin| plugin.pre.component().resources_required());
        Ok(Inspection {
            file: file.display().to_string(),
            size_bytes: bytes.len(),
            sha256: Sha256Hex::of(&bytes),
            imports: clean(imports),
            exports: clean(exports),
            abilities: plugin.map(|plugin| plugin.abilities()),
            descriptor: plugin.map(|plugin| plugin.descriptor().clone()),
            initial_memory_bytes: resources
                .and_then(|it| it.max_initial_memory_size)
                .map(|pages| pages * PAGE_BYTES),
            producers,
            licence,
            verdict,
        })
    }
}
