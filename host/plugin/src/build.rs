//! Builds components from the sources of plug-ins, for `fedhost plugin build`.
//!
//! Rust: cargo compiles with a tool chain that has the target, and this process turns the core
//! module into a component. Python and JavaScript: their own tools pack them. A file under its
//! final name is always complete, because a running host may be watching the directory.

mod cargo;
mod component;
mod package;
mod scripted;
mod toolchain;
mod tools;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use package::Package;
pub use tools::Tools;

use super::new::Language;
use scripted::Scripted;

/// The target of every guest: it offers no system interface, so a guest can import nothing but the
/// host's.
const TARGET: &str = "wasm32-unknown-unknown";

/// The progress of a build, for the user who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildStep<'a> {
    /// The target is missing, and rustup can fetch it.
    AddingTarget,
    /// The target is missing, and its standard library is compiled from the sources beside this
    /// compiler.
    BuildingStd {
        /// The compiler.
        rustc: &'a Path,
    },
    /// Cargo compiles these packages of one workspace.
    Compiling {
        /// Their names.
        packages: &'a [String],
    },
    /// Tools are missing, and fetched.
    InstallingTools {
        /// For which language.
        language: Language,
        /// Where to.
        folder: &'a Path,
    },
    /// Modules are packed together with their interpreter.
    Packing {
        /// The plug-in's name.
        name: &'a str,
        /// Its language.
        language: Language,
    },
    /// A line of output of cargo or another tool, unchanged.
    ToolOutput(&'a str),
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

/// Why a build failed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BuildError {
    /// The directory holds no source of a plug-in.
    #[error("there is no Cargo.toml and no plugin.toml in {}", .0.display())]
    #[diagnostic(help("name the directory of a plug-in's source; `fedhost plugin new` makes one"))]
    NoCrate(PathBuf),
    /// The crate has no library that cargo builds as a module.
    #[error("cargo builds no module from {package} that could become a component")]
    #[diagnostic(help("add to its Cargo.toml: [lib] crate-type = [\"cdylib\", \"rlib\"]"))]
    NotACdylib {
        /// Its name.
        package: String,
    },
    /// A `plugin.toml` cannot be used.
    #[error("cannot use {}: {reason}", path.display())]
    #[diagnostic(help(
        "it has a name, a kind (preprocessor, model, detector) and a language (python, javascript)"
    ))]
    Card {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The tools for a language are not here.
    #[error("a plug-in in {language} needs {what}, which is neither in {} nor on the PATH", folder.display())]
    #[diagnostic(help(
        "run this again with --install-tools, or with --tools and the folder of the tools"
    ))]
    NoTools {
        /// Which language.
        language: Language,
        /// What is missing.
        what: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The tools for a language could not be installed.
    #[error("cannot install the tools for {language}: {reason}")]
    #[diagnostic(help(
        "Python needs python3 with venv (on Debian: python3-venv), JavaScript needs node and npm; both need their registry"
    ))]
    InstallTools {
        /// Which language.
        language: Language,
        /// Why.
        reason: String,
    },
    /// A tool has failed.
    #[error("{name} could not be packed:\n{last_lines}")]
    #[diagnostic(help("fix the first error above"))]
    Tool {
        /// The plug-in's name.
        name: String,
        /// The end of what the tool said.
        last_lines: String,
    },
    /// Two directories hold packages of one name, which would overwrite each other.
    #[error("{} and {} both make {name}.wasm", .directories[0].display(), .directories[1].display())]
    #[diagnostic(help("rename one of the packages"))]
    SameName {
        /// The name.
        name: String,
        /// Where.
        directories: [PathBuf; 2],
    },
    /// Cargo cannot read the crate.
    #[error("cargo cannot read the crate in {}: {reason}", .directory.display())]
    #[diagnostic(help("`cargo metadata` there shows the same"))]
    Unreadable {
        /// Where.
        directory: PathBuf,
        /// As cargo says.
        reason: String,
    },
    /// A program could not be started.
    #[error("cannot run {program}: {source}")]
    #[diagnostic(help(
        "install Rust from https://rustup.rs and make sure that {program} is on the PATH"
    ))]
    Spawn {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// No installed compiler has the target.
    #[error("no installed Rust can compile for {TARGET}: {tried}")]
    #[diagnostic(help(
        "run `rustup target add {TARGET}`, or on Debian `apt-get install rustc-web cargo-web rust-web-src lld`"
    ))]
    NoTarget {
        /// What was tried, and how it failed.
        tried: String,
    },
    /// Compilation failed.
    #[error("cargo could not build {}:\n{last_lines}", .packages.join(", "))]
    #[diagnostic(help("fix the first error above"))]
    Cargo {
        /// The packages asked for.
        packages: Vec<String>,
        /// The end of what cargo said.
        last_lines: String,
    },
    /// The module that cargo built cannot be read.
    #[error("cannot read {}, which cargo has built: {source}", .path.display())]
    #[diagnostic(help("build again, while no other cargo runs there"))]
    Module {
        /// Where it was to be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The module is not a component of this host.
    #[error("{package} is not a fedhost plug-in: {reason}")]
    #[diagnostic(help(
        "its lib.rs needs one of the export macros of fedhost-guest, such as `export_model!(MyModel)`"
    ))]
    NotAPlugin {
        /// Its name.
        package: String,
        /// What is missing or in the way.
        reason: String,
    },
    /// The component could not be written.
    #[error("cannot write {}: {source}", .path.display())]
    #[diagnostic(help("check that the directory is writable and the disk is not full"))]
    Install {
        /// Where it was to go.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Builds the plug-in in each directory and installs it in `out` as `NAME.wasm`.
///
/// Packages of one workspace are compiled together. Components are installed only when all have
/// been built.
///
/// # Errors
/// The first failure; what was in `out` before is then still there.
pub fn build(
    directories: &[PathBuf],
    out: &Path,
    tools: &Tools<'_>,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<Vec<Built>, BuildError> {
    let (scripted, crates) = sort(directories)?;
    let packages = package::locate(&crates)?;
    let mut components = Vec::with_capacity(packages.len() + scripted.len());
    for workspace in package::by_workspace(&packages) {
        let toolchain = toolchain::Toolchain::find(&workspace.root, progress)?;
        for (package, module) in cargo::compile(&workspace, &toolchain, progress)? {
            components.push((
                package.name.clone(),
                component::encode(&package.name, &module)?,
            ));
        }
    }
    for plugin in &scripted {
        if let Some(package) = packages.iter().find(|package| package.name == plugin.name) {
            let directories = [package.directory.clone(), plugin.directory.clone()];
            return Err(BuildError::SameName {
                name: plugin.name.clone(),
                directories,
            });
        }
        components.push((plugin.name.clone(), plugin.encode(out, tools, progress)?));
    }
    components
        .into_iter()
        .map(|(name, bytes)| install(&name, &bytes, out, progress))
        .collect()
}

/// Separates directories with a `plugin.toml` from those for cargo. A directory that is named twice
/// counts once.
fn sort(directories: &[PathBuf]) -> Result<(Vec<Scripted>, Vec<PathBuf>), BuildError> {
    let (mut scripted, mut crates): (Vec<Scripted>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    for directory in directories {
        let Some(plugin) = Scripted::locate(directory)? else {
            crates.push(directory.clone());
            continue;
        };
        match scripted.iter().find(|other| other.name == plugin.name) {
            Some(other) if other.directory == plugin.directory => {}
            Some(other) => {
                let directories = [other.directory.clone(), plugin.directory];
                return Err(BuildError::SameName {
                    name: plugin.name,
                    directories,
                });
            }
            None => scripted.push(plugin),
        }
    }
    Ok((scripted, crates))
}

fn install(
    name: &str,
    bytes: &[u8],
    out: &Path,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<Built, BuildError> {
    let built = component::install(name, bytes, out)?;
    progress(BuildStep::Installed(&built));
    Ok(built)
}
