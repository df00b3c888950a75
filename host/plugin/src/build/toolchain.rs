//! Finds a tool chain for the target of guests: the target is installed, or rustup adds it, or the
//! standard library is compiled from the sources that a distribution ships with its compiler.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, BuildStep, TARGET};

/// A compiler, its cargo, and what it needs to compile for the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    std: Std,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Std {
    Installed,
    /// `linker` when the compiler does not bring its own.
    FromSource {
        linker: Option<PathBuf>,
    },
}

/// Where Debian installs its packages `rustc-web` and `cargo-web`. Another Rust may come before
/// them on the PATH.
const DISTRIBUTION: &str = "/usr/bin";

impl Toolchain {
    /// Returns the first tool chain that works for a workspace, which may choose its own.
    pub(super) fn find(
        workspace: &Path,
        progress: &mut dyn FnMut(BuildStep<'_>),
    ) -> Result<Self, BuildError> {
        let distribution = Path::new(DISTRIBUTION);
        let compilers = [
            Compiler {
                cargo: "cargo".into(),
                rustc: "rustc".into(),
            },
            Compiler {
                cargo: distribution.join("cargo"),
                rustc: distribution.join("rustc"),
            },
        ];
        choose(workspace, &compilers, OsStr::new("rustup"), progress)
    }

    /// Returns the command of cargo, with the flags and variables of this tool chain.
    pub(super) fn build_command(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command.args(["build", "--release", "--target", TARGET]);
        if self.rustc.is_absolute() {
            // Otherwise cargo would use the first compiler on the PATH.
            command.env("RUSTC", &self.rustc);
        }
        if let Std::FromSource { linker } = &self.std {
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC_BOOTSTRAP", "1");
            if let Some(linker) = linker {
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            }
        }
        command
    }

    pub(super) fn cargo(&self) -> &Path {
        &self.cargo
    }
}

#[derive(Clone, Debug)]
pub(super) struct Compiler {
    pub(super) cargo: PathBuf,
    pub(super) rustc: PathBuf,
}

pub(super) fn choose(
    workspace: &Path,
    compilers: &[Compiler],
    rustup: &OsStr,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<Toolchain, BuildError> {
    let mut tried = Vec::new();
    if let Some(active) = compilers.first() {
        if active.has_target(workspace) {
            return Ok(active.toolchain(Std::Installed));
        }
        tried.push(format!("{} has no such target", active.rustc.display()));
        match add_target(workspace, rustup, progress) {
            Ok(()) if active.has_target(workspace) => return Ok(active.toolchain(Std::Installed)),
            Ok(()) => tried.push("rustup added it to another tool chain".into()),
            Err(reason) => tried.push(reason),
        }
    }
    for compiler in compilers {
        if compiler.has_target(workspace) {
            return Ok(compiler.toolchain(Std::Installed));
        }
        if compiler.has_sources(workspace) {
            progress(BuildStep::BuildingStd {
                rustc: &compiler.rustc,
            });
            return Ok(compiler.toolchain(Std::FromSource {
                linker: compiler.linker(workspace),
            }));
        }
    }
    tried.push("no standard library sources were found".into());
    Err(BuildError::NoTarget {
        tried: tried.join("; "),
    })
}

fn add_target(
    workspace: &Path,
    rustup: &OsStr,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<(), String> {
    let present = Command::new(rustup)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !present {
        return Err("there is no rustup".into());
    }
    progress(BuildStep::AddingTarget);
    let output = Command::new(rustup)
        .args(["target", "add", TARGET])
        .current_dir(workspace)
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "rustup could not add it ({})",
            last_line(&output.stderr)
        )),
        Err(error) => Err(format!("rustup could not add it ({error})")),
    }
}

fn last_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
        .into()
}

impl Compiler {
    fn toolchain(&self, std: Std) -> Toolchain {
        Toolchain {
            cargo: self.cargo.clone(),
            rustc: self.rustc.clone(),
            std,
        }
    }

    fn has_target(&self, workspace: &Path) -> bool {
        self.print(workspace, &["target-libdir", "--target", TARGET])
            .is_some_and(|directory| directory.is_dir())
    }

    fn has_sources(&self, workspace: &Path) -> bool {
        let sysroot = self.print(workspace, &["sysroot"]);
        sysroot.is_some_and(|root| {
            root.join("lib/rustlib/src/rust/library/std/Cargo.toml")
                .is_file()
        })
    }

    /// Returns the linker to set; `None` if the compiler has its own. Compilers of distributions
    /// come without the linker that rustup's compilers include.
    fn linker(&self, workspace: &Path) -> Option<PathBuf> {
        let own = self
            .print(workspace, &["target-libdir"])?
            .parent()?
            .join("bin/rust-lld");
        if own.is_file() {
            return None;
        }
        let found = ["wasm-ld", "rust-lld", "lld"].into_iter().find(|linker| {
            Command::new(linker)
                .args(["-flavor", "wasm", "--version"])
                .output()
                .is_ok_and(|out| out.status.success())
        });
        found.map(PathBuf::from)
    }

    fn print(&self, workspace: &Path, what: &[&str]) -> Option<PathBuf> {
        let output = Command::new(&self.rustc)
            .arg("--print")
            .args(what)
            .current_dir(workspace)
            .output()
            .ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| PathBuf::from(path.trim()))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
