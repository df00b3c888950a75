//! Reads the imports, exports and metadata of a component without compiling it, so that an
//! untrusted file with forbidden imports never reaches the compiler.
//!
//! Reading takes time in proportion to the file, so it is done where compiling is: in a child
//! process with limits (see [`super::compiler`]). What is kept of the names is bounded.

use serde::{Deserialize, Serialize};
use wasmparser::{CustomSectionReader, Encoding, KnownCustom, Parser, Payload};

use super::refusal::Reason;
use super::text::plain;

/// The WIT package of this host.
const PACKAGE: &str = "fedhost:plugin/";
/// Bytes of a parser's message that are passed on.
const MESSAGE_MAX_BYTES: usize = 300;
/// Imports and exports together. A plug-in has at most seven.
const NAMES_MAX: usize = 1_000;
/// Bytes of all these names together.
const NAMES_MAX_BYTES: usize = 64 * 1024;
/// The only interfaces that a component may import.
const IMPORTABLE: [&str; 2] = ["host", "types"];

/// Bytes of a metadata text that are shown.
const TEXT_MAX_BYTES: usize = 256;
/// Tools that are listed.
const PRODUCERS_MAX: usize = 64;

/// The names of a component's imports and exports, in its order, and its metadata.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Scan {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
    /// The tools that built it.
    pub(super) producers: Vec<Producer>,
    /// Its licence expression.
    pub(super) licence: Option<String>,
}

/// A tool that was used to build a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
}

/// Why a file cannot be scanned.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum ScanError {
    NotWasm,
    CoreModule,
    Damaged(String),
    TooManyNames,
}

impl From<ScanError> for Reason {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::NotWasm => Self::NotWasm,
            ScanError::CoreModule => Self::CoreModule,
            ScanError::Damaged(message) => Self::Damaged(message),
            ScanError::TooManyNames => Self::TooManyNames {
                max: NAMES_MAX,
                max_bytes: NAMES_MAX_BYTES,
            },
        }
    }
}

impl Scan {
    /// Reads the names. Refuses core modules, damaged files, and files that are no WebAssembly.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, ScanError> {
        if !bytes.starts_with(b"\0asm") {
            return Err(ScanError::NotWasm);
        }
        let mut scan = Self::default();
        let mut bounds = Bounds::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(damaged)? {
                Payload::Version {
                    encoding: Encoding::Module,
                    ..
                } if depth == 0 => return Err(ScanError::CoreModule),
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let name = bounds.admit(import.map_err(damaged)?.name.name)?;
                        scan.imports.push(name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let name = bounds.admit(export.map_err(damaged)?.name.name)?;
                        scan.exports.push(name);
                    }
                }
                Payload::CustomSection(section) => scan.add_metadata(&section),
                _ => {}
            }
        }
        Ok(scan)
    }

    fn add_metadata(&mut self, section: &CustomSectionReader<'_>) {
        match section.as_known() {
            KnownCustom::Producers(_) => add_producers(section, &mut self.producers),
            _ if section.name() == "licenses" && self.licence.is_none() => {
                let text = section
                    .data()
                    .get(..TEXT_MAX_BYTES)
                    .unwrap_or(section.data());
                self.licence = Some(plain(&String::from_utf8_lossy(text), TEXT_MAX_BYTES));
            }
            _ => {}
        }
    }

    /// Checks by the names that this host could link it.
    pub(super) fn check(&self) -> Result<(), Reason> {
        let names = || self.imports.iter().chain(&self.exports);
        if !names().any(|name| name.starts_with(PACKAGE)) {
            return Err(Reason::NotAPlugin {
                exports: self.exports.clone(),
                imports: self.imports.clone(),
            });
        }
        let foreign: Vec<String> = names()
            .filter(|name| is_other_version(name))
            .cloned()
            .collect();
        if !foreign.is_empty() {
            return Err(Reason::OtherVersion(foreign));
        }
        let forbidden: Vec<String> = self
            .imports
            .iter()
            .filter(|name| !is_importable(name))
            .cloned()
            .collect();
        if !forbidden.is_empty() {
            return Err(Reason::Imports(forbidden));
        }
        Ok(())
    }
}

/// What was admitted so far.
#[derive(Default)]
struct Bounds {
    names: usize,
    bytes: usize,
}

impl Bounds {
    /// One more name of an untrusted file.
    fn admit(&mut self, name: &str) -> Result<String, ScanError> {
        self.names += 1;
        self.bytes += name.len();
        if self.names > NAMES_MAX || self.bytes > NAMES_MAX_BYTES {
            return Err(ScanError::TooManyNames);
        }
        Ok(name.to_owned())
    }
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

fn damaged(error: wasmparser::BinaryReaderError) -> ScanError {
    let words = plain(error.message(), MESSAGE_MAX_BYTES);
    ScanError::Damaged(format!("{words} at byte {}", error.offset()))
}

/// Splits a name of this host's package into interface and version.
fn split_name(name: &str) -> Option<(&str, Option<semver::Version>)> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    Some((interface, semver::Version::parse(version).ok()))
}

fn is_other_version(name: &str) -> bool {
    name.starts_with(PACKAGE)
        && !matches!(split_name(name), Some((_, Some(version))) if is_supported(&version))
}

fn is_importable(name: &str) -> bool {
    matches!(split_name(name), Some((interface, _)) if IMPORTABLE.contains(&interface))
}

/// Accepts 0.1.x: a later patch may add to the interface, but not change it.
fn is_supported(version: &semver::Version) -> bool {
    version.major == 0 && version.minor == 1 && version.pre.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(imports: &[&str], exports: &[&str]) -> Scan {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Scan {
            imports: owned(imports),
            exports: owned(exports),
            ..Scan::default()
        }
    }

    #[test]
    fn later_patches_of_the_package_are_accepted() {
        let names = scan(
            &["fedhost:plugin/types@0.1.0", "fedhost:plugin/host@0.1.7"],
            &["fedhost:plugin/metadata@0.1.0"],
        );
        assert_eq!(names.check(), Ok(()));
    }

    #[test]
    fn another_version_is_reported_before_a_forbidden_import() {
        for other in [
            "fedhost:plugin/metadata@0.2.0",
            "fedhost:plugin/metadata@1.0.0-rc.1",
            "fedhost:plugin/metadata",
        ] {
            assert_eq!(
                scan(&["wasi:io/poll@0.2.0"], &[other]).check(),
                Err(Reason::OtherVersion(vec![other.into()]))
            );
        }
    }

    #[test]
    fn everything_forbidden_is_listed() {
        let asked = [
            "wasi:io/poll@0.2.9",
            "fedhost:plugin/host@0.1.0",
            "run",
            "fedhost:plugin/detection@0.1.0",
        ];
        let refused = scan(&asked, &["fedhost:plugin/metadata@0.1.0"]).check();
        let forbidden = vec![
            "wasi:io/poll@0.2.9".into(),
            "run".into(),
            "fedhost:plugin/detection@0.1.0".into(),
        ];
        assert_eq!(refused, Err(Reason::Imports(forbidden)));
    }

    #[test]
    fn names_are_admitted_up_to_a_bound() {
        let mut bounds = Bounds::default();
        assert!((0..NAMES_MAX).all(|_| bounds.admit("n").is_ok()));
        assert_eq!(bounds.admit("n"), Err(ScanError::TooManyNames));
        let long = "n".repeat(NAMES_MAX_BYTES + 1);
        assert_eq!(Bounds::default().admit(&long), Err(ScanError::TooManyNames));
    }
}
