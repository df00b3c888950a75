//! Asks cargo which package a directory holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::BuildError;

/// A guest crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name, and that of the component.
    pub name: String,
    /// The directory as it was given.
    pub directory: PathBuf,
    /// Its `Cargo.toml`, without links.
    pub manifest: PathBuf,
    /// The root of its workspace; its own directory if it is in none.
    pub workspace: PathBuf,
}

/// Packages of one workspace, built by one run of cargo.
#[derive(Debug)]
pub(super) struct Workspace<'a> {
    pub(super) root: PathBuf,
    pub(super) packages: Vec<&'a Package>,
}

/// Returns the package of each directory. A directory that is named twice counts once.
pub(super) fn locate(directories: &[PathBuf]) -> Result<Vec<Package>, BuildError> {
    let mut packages: Vec<Package> = Vec::with_capacity(directories.len());
    for directory in directories {
        let package = locate_one(directory)?;
        match packages.iter().find(|other| other.name == package.name) {
            Some(other) if other.manifest == package.manifest => {}
            Some(other) => {
                let directories = [other.directory.clone(), package.directory];
                return Err(BuildError::SameName {
                    name: package.name,
                    directories,
                });
            }
            None => packages.push(package),
        }
    }
    Ok(packages)
}

pub(super) fn by_workspace(packages: &[Package]) -> Vec<Workspace<'_>> {
    let mut roots: BTreeMap<&Path, Vec<&Package>> = BTreeMap::new();
    for package in packages {
        roots.entry(&package.workspace).or_default().push(package);
    }
    roots
        .into_iter()
        .map(|(root, packages)| Workspace {
            root: root.into(),
            packages,
        })
        .collect()
}

fn locate_one(directory: &Path) -> Result<Package, BuildError> {
    let manifest = directory.join("Cargo.toml");
    let manifest = manifest
        .canonicalize()
        .map_err(|_| BuildError::NoCrate(directory.into()))?;
    let metadata = metadata(directory, &manifest)?;
    let found = metadata
        .packages
        .into_iter()
        .find(|package| package.manifest_path == manifest);
    let Some(package) = found else {
        let reason = "it is a workspace without a package of its own".into();
        return Err(BuildError::Unreadable {
            directory: directory.into(),
            reason,
        });
    };
    if !package
        .targets
        .iter()
        .any(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
    {
        return Err(BuildError::NotACdylib {
            package: package.name,
        });
    }
    let workspace = metadata.workspace_root;
    Ok(Package {
        name: package.name,
        directory: directory.into(),
        manifest,
        workspace,
    })
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

fn metadata(directory: &Path, manifest: &Path) -> Result<Metadata, BuildError> {
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(manifest)
        .output()
        .map_err(|source| BuildError::Spawn {
            program: "cargo".into(),
            source,
        })?;
    let unreadable = |reason: String| BuildError::Unreadable {
        directory: directory.into(),
        reason,
    };
    if !output.status.success() {
        return Err(unreadable(
            String::from_utf8_lossy(&output.stderr).trim().into(),
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| unreadable(error.to_string()))
}
