//! Describes a component file, whether or not this host would run it.

use fedhost_base::hint::explain;
use std::path::Path;

use fedhost_domain::model::Sha256Hex;
use serde::Serialize;
use wasmparser::{CustomSectionReader, KnownCustom, Parser, Payload};

use super::descriptor::Descriptor;
use super::exports::Abilities;
use super::loader::Loader;
use super::refusal::Reason;
use super::scan::Scan;
use super::text::plain;

/// Bytes of a metadata text that are shown.
const TEXT_MAX_BYTES: usize = 256;
/// Tools that are listed.
const PRODUCERS_MAX: usize = 64;
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

/// A tool that was used to build a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
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
        let scan = Scan::of(&bytes).unwrap_or_default();
        let (producers, licence) = metadata(&bytes);
        let examined = self.examine(file);
        let verdict = match &examined {
            Ok(_) => ComponentVerdict::Accepted,
            Err(refused) => ComponentVerdict::Refused {
                reason: explain(&refused.reason),
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
            imports: clean(scan.imports),
            exports: clean(scan.exports),
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

/// Returns the metadata that tools have added to a component; of a damaged file, the readable part.
fn metadata(bytes: &[u8]) -> (Vec<Producer>, Option<String>) {
    let mut producers: Vec<Producer> = Vec::new();
    let mut licence = None;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else {
            continue;
        };
        add_producers(&section, &mut producers);
        if section.name() == "licenses" && licence.is_none() {
            licence = Some(plain(
                &String::from_utf8_lossy(section.data()),
                TEXT_MAX_BYTES,
            ));
        }
    }
    (producers, licence)
}

/// Adds the tools of a section that are not listed yet, as long as there is room.
fn add_producers(section: &CustomSectionReader<'_>, producers: &mut Vec<Producer>) {
    let KnownCustom::Producers(fields) = section.as_known() else {
        return;
    };
    for field in fields.into_iter().map_while(Result::ok) {
        for tool in field.values.into_iter().map_while(Result::ok) {
            if producers.len() == PRODUCERS_MAX {
                return;
            }
            let [role, name, version] =
                [field.name, tool.name, tool.version].map(|text| plain(text, TEXT_MAX_BYTES));
            let producer = Producer {
                role,
                name,
                version,
            };
            if !producers.contains(&producer) {
                producers.push(producer);
            }
        }
    }
}
