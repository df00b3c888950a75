//! Turns a core module into a component, and installs it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use wit_component::{ComponentEncoder, DecodedWasm};

use super::{BuildError, Built};

/// The package of all interfaces that a plug-in may import or export.
const PACKAGE: &str = "fedhost:plugin/";
/// The interfaces that it may import.
const IMPORTS: [&str; 2] = ["host", "types"];

/// Turns the module that cargo built into a component, and checks that it is a plug-in.
pub(super) fn encode(package: &str, module: &Path) -> Result<Vec<u8>, BuildError> {
    let refuse = |reason: String| BuildError::NotAPlugin {
        package: package.into(),
        reason,
    };
    let module = fs::read(module).map_err(|source| BuildError::Module {
        path: module.into(),
        source,
    })?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode());
    let component = encoded.map_err(|error| refuse(format!("{error:#}")))?;
    check(&component).map_err(refuse)?;
    Ok(component)
}

/// Checks by its imports and exports that a component is a plug-in.
pub(super) fn check(component: &[u8]) -> Result<(), String> {
    let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err("it is a package of interfaces".into());
    };
    let world = resolve.worlds.get(world).ok_or("it has no world")?;
    let imports: Vec<String> = world
        .imports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    let exports: Vec<String> = world
        .exports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    check_names(&imports, &exports)
}

fn check_names(imports: &[String], exports: &[String]) -> Result<(), String> {
    let foreign: Vec<&str> = imports
        .iter()
        .filter(|name| !may_import(name))
        .map(String::as_str)
        .collect();
    if !foreign.is_empty() {
        return Err(format!(
            "it imports {}, which plug-ins must not",
            foreign.join(", ")
        ));
    }
    if !exports
        .iter()
        .any(|name| interface(name) == Some("metadata"))
    {
        return Err("it does not export fedhost:plugin/metadata".into());
    }
    Ok(())
}

fn may_import(name: &str) -> bool {
    interface(name).is_some_and(|interface| IMPORTS.contains(&interface))
}

/// Returns the interface of a name: `host` of `fedhost:plugin/host@0.1.0`.
fn interface(name: &str) -> Option<&str> {
    let name = name.strip_prefix(PACKAGE)?;
    Some(
        name.split_once('@')
            .map_or(name, |(interface, _version)| interface),
    )
}

/// Writes the file under another name and renames it, so that a watching host never sees a part of
/// it.
pub(super) fn install(name: &str, bytes: &[u8], out: &Path) -> Result<Built, BuildError> {
    let path = out.join(format!("{name}.wasm"));
    // The name does not end in `.wasm`, and two builds at once do not share it.
    let draft = out.join(format!(".{name}.wasm.{}", std::process::id()));
    let written = fs::create_dir_all(out)
        .and_then(|()| write(&draft, bytes))
        .and_then(|()| fs::rename(&draft, &path));
    if let Err(source) = written.and_then(|()| File::open(out)?.sync_all()) {
        // Best effort: the failure of the write is the one to report.
        let _ = fs::remove_file(&draft);
        return Err(BuildError::Install { path, source });
    }
    let sha256 = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Built {
        name: name.into(),
        path,
        bytes: bytes.len() as u64,
        sha256,
    })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plug_in_imports_nothing_but_the_host() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let metadata = "fedhost:plugin/metadata@0.1.0";
        let cases: [(&[&str], &[&str], Option<&str>); 5] = [
            (
                &["fedhost:plugin/types@0.1.0", "fedhost:plugin/host@0.1.0"],
                &[metadata],
                None,
            ),
            (&[], &["fedhost:plugin/metadata"], None),
            (
                &["wasi:io/streams@0.2.0", "env"],
                &[metadata],
                Some("it imports wasi:io/streams@0.2.0, env, which plug-ins must not"),
            ),
            (
                &["fedhost:plugin/hosting@0.1.0"],
                &[metadata],
                Some("it imports fedhost:plugin/hosting@0.1.0, which plug-ins must not"),
            ),
            (
                &[],
                &["run"],
                Some("it does not export fedhost:plugin/metadata"),
            ),
        ];
        for (imports, exports, complaint) in cases {
            assert_eq!(
                check_names(&names(imports), &names(exports))
                    .err()
                    .as_deref(),
                complaint
            );
        }
    }

    #[test]
    fn a_new_component_replaces_the_old_one() {
        let out = tempfile::tempdir().unwrap();
        let plugins = out.path().join("plugins");
        install("x", b"old", &plugins).unwrap();
        let built = install("x", b"abc", &plugins).unwrap();

        assert_eq!(fs::read(plugins.join("x.wasm")).unwrap(), b"abc");
        assert_eq!(
            fs::read_dir(&plugins).unwrap().count(),
            1,
            "a draft was left behind"
        );
        assert_eq!((built.bytes, built.path), (3, plugins.join("x.wasm")));
        assert_eq!(
            built.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_error_names_a_file_that_cannot_be_written() {
        let out = tempfile::tempdir().unwrap();
        let occupied = out.path().join("x.wasm");
        fs::create_dir(&occupied).unwrap();
        let error = install("x", b"abc", out.path()).unwrap_err();
        assert!(
            matches!(&error, BuildError::Install { path, .. } if *path == occupied),
            "{error}"
        );
        assert_eq!(
            fs::read_dir(out.path()).unwrap().count(),
            1,
            "a draft was left behind"
        );
    }
}
