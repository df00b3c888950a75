//! Makes components of guest crates, for `fedhost plugin build`.
//!
//! Cargo compiles, with whichever tool chain here can compile for a component; the core module becomes a component in
//! this process; a file under its final name is always whole, since a running host may be watching the directory.

mod cargo;
mod component;
mod package;
mod toolchain;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use package::Package;

/// The target of every guest: it offers no system interface, so a guest can import nothing but the host's.
const TARGET: &str = "wasm32-unknown-unknown";

/// What is being done, for a person who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildStep<'a> {
    /// The target is missing, and rustup can fetch it.
    AddingTarget,
    /// The target is missing, and its standard library is compiled from the sources beside this compiler.
    BuildingStd {
        /// The compiler.
        rustc: &'a Path,
    },
    /// Cargo compiles these packages of one workspace.
    Compiling {
        /// Their names.
        packages: &'a [String],
    },
    /// A line of cargo's, as it came.
    CargoSays(&'a str),
    /// A component is in its place.
    Installed(&'a Built),
}

/// A component that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The package's name.
    pub name: String,
    /// Where it lies: `NAME.wasm`.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Digest of the file, in lower-case hex.
    pub sha256: String,
}

/// Why no component came out.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory holds no crate.
    #[error("there is no Cargo.toml in {}\nhint: name the directory of a guest crate; `fedhost plugin new` makes one", .0.display())]
    NoCrate(PathBuf),
    /// The crate makes no module.
    #[error(
        "{package} makes no module that could become a component\nhint: add to its Cargo.toml: [lib] crate-type = [\"cdylib\", \"rlib\"]"
    )]
    NotACdylib {
        /// Its name.
        package: String,
    },
    /// Two directories hold packages of one name, which would overwrite each other.
    #[error("{} and {} both make {name}.wasm\nhint: rename one of the packages", .directories[0].display(), .directories[1].display())]
    SameName {
        /// The name.
        name: String,
        /// Where.
        directories: [PathBuf; 2],
    },
    /// Cargo cannot make sense of the crate.
    #[error("cargo cannot read the crate in {}: {reason}\nhint: `cargo metadata` there shows the same", .directory.display())]
    Unreadable {
        /// Where.
        directory: PathBuf,
        /// As cargo says.
        reason: String,
    },
    /// A program could not be started.
    #[error(
        "cannot run {program}: {source}\nhint: install Rust from https://rustup.rs and make sure that {program} is on the PATH"
    )]
    Spawn {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// Nothing here compiles for the target.
    #[error(
        "no Rust here can compile for {TARGET}: {tried}\nhint: run `rustup target add {TARGET}`, or on Debian \
         `apt-get install rustc-web cargo-web rust-web-src lld`"
    )]
    NoTarget {
        /// What was tried, and how it failed.
        tried: String,
    },
    /// Compilation failed.
    #[error("cargo could not build {}:\n{last_lines}\nhint: the first error above is the one to mend", .packages.join(", "))]
    Cargo {
        /// The packages asked for.
        packages: Vec<String>,
        /// The end of what cargo said.
        last_lines: String,
    },
    /// What cargo built is not there any more.
    #[error("cannot read {}, which cargo has built: {source}\nhint: build again, without another cargo at work there", .path.display())]
    Module {
        /// Where it was to be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The module is not a component of this host.
    #[error(
        "{package} is no fedhost plug-in: {reason}\nhint: its lib.rs needs one of the export macros of fedhost-guest, such as `export_model!(MyModel)`"
    )]
    NotAPlugin {
        /// Its name.
        package: String,
        /// What is missing or in the way.
        reason: String,
    },
    /// The component could not be put in its place.
    #[error("cannot write {}: {source}\nhint: check that the directory is writable and the disk is not full", .path.display())]
    Install {
        /// Where it was to go.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Builds the guest crate in each directory and installs it in `out` as `PACKAGE.wasm`.
///
/// Packages of one workspace are compiled together. Components are installed only when all have been built.
///
/// # Errors
/// The first failure; what was in `out` before is then still there.
pub fn build(
    directories: &[PathBuf],
    out: &Path,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<Vec<Built>, BuildError> {
    let packages = package::locate(directories)?;
    let mut components = Vec::with_capacity(packages.len());
    for workspace in package::by_workspace(&packages) {
        let toolchain = toolchain::Toolchain::find(&workspace.root, progress)?;
        for (package, module) in cargo::compile(&workspace, &toolchain, progress)? {
            components.push((package.name.clone(), component::encode(&package.name, &module)?));
        }
    }
    components.into_iter().map(|(name, bytes)| install(&name, &bytes, out, progress)).collect()
}

fn install(name: &str, bytes: &[u8], out: &Path, progress: &mut dyn FnMut(BuildStep<'_>)) -> Result<Built, BuildError> {
    let built = component::install(name, bytes, out)?;
    progress(BuildStep::Installed(&built));
    Ok(built)
}
