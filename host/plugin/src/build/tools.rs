//! Finds the programs that pack Python and JavaScript, and installs them on request.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, BuildStep};
use crate::new::Language;

macro_rules! list {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $path))
    };
}

const PYTHON: &str = list!("python/requirements.txt");
const JAVASCRIPT: &str = list!("javascript/tools.json");
const JAVASCRIPT_LOCK: &str = list!("javascript/tools-lock.json");
/// Holds the list of what an installation has put into its folder; empty while it is not complete.
const INSTALLED: &str = "installed";

/// Where the tools are, and whether they may be installed.
#[derive(Clone, Copy, Debug)]
pub struct Tools<'a> {
    /// The folder with `python` and `javascript`.
    pub folder: &'a Path,
    /// Whether missing tools are installed there.
    pub install: bool,
}

impl Tools<'_> {
    /// Returns the program for Python, or the folder of the tools for JavaScript.
    pub(super) fn find(
        &self,
        language: Language,
        progress: &mut dyn FnMut(BuildStep<'_>),
    ) -> Result<PathBuf, BuildError> {
        let folder = std::path::absolute(self.folder).unwrap_or_else(|_| self.folder.to_owned());
        if let Some(tool) = look(language, &folder) {
            return Ok(tool);
        }
        if self.install {
            progress(BuildStep::InstallingTools {
                language,
                folder: &folder,
            });
            install(language, &folder)?;
        }
        look(language, &folder).ok_or_else(|| BuildError::NoTools {
            language,
            what: what(language),
            folder,
        })
    }
}

fn what(language: Language) -> &'static str {
    match language {
        Language::Javascript => "componentize-js 0.23.0 and node",
        Language::Python | Language::Rust => "componentize-py 0.25.1",
    }
}

fn look(language: Language, folder: &Path) -> Option<PathBuf> {
    match language {
        Language::Javascript => {
            let tools = folder.join("javascript");
            let program = "node_modules/@bytecodealliance/componentize-js/src/componentize.js";
            let is_usable = tools.join(program).is_file()
                && !is_outdated(&tools, JAVASCRIPT_LOCK)
                && runs(Path::new("node"));
            is_usable.then_some(tools)
        }
        Language::Python | Language::Rust => {
            let tools = folder.join("python");
            let own = tools.join("bin/componentize-py");
            if !is_outdated(&tools, PYTHON) && runs(&own) {
                return Some(own);
            }
            let on_the_path = PathBuf::from("componentize-py");
            runs(&on_the_path).then_some(on_the_path)
        }
    }
}

/// Whether an installation put something else there, or was not completed. A folder that a user
/// filled has no such list and is taken as it is.
fn is_outdated(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|installed| installed != wanted)
}

fn runs(program: &Path) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn install(language: Language, folder: &Path) -> Result<(), BuildError> {
    match language {
        Language::Javascript => {
            let folder = folder.join("javascript");
            let installation = Installation::begin(language, &folder)?;
            installation.write("package.json", JAVASCRIPT)?;
            installation.write("package-lock.json", JAVASCRIPT_LOCK)?;
            installation.run(Path::new("npm"), &["ci", "--no-audit", "--no-fund"])?;
            installation.write(INSTALLED, JAVASCRIPT_LOCK)
        }
        Language::Python | Language::Rust => {
            let folder = folder.join("python");
            let installation = Installation::begin(language, &folder)?;
            installation.write("requirements.txt", PYTHON)?;
            installation.run(Path::new("python3"), &["-m", "venv", "."])?;
            let pip = folder.join("bin/pip");
            let quiet = ["install", "-q", "--disable-pip-version-check", "-r"];
            installation.run(&pip, &[&quiet[..], &["requirements.txt"]].concat())?;
            installation.write(INSTALLED, PYTHON)
        }
    }
}

/// Tools of one language that are being installed.
struct Installation<'a> {
    language: Language,
    folder: &'a Path,
}

impl<'a> Installation<'a> {
    fn begin(language: Language, folder: &'a Path) -> Result<Self, BuildError> {
        let installation = Self { language, folder };
        fs::create_dir_all(folder).map_err(|error| installation.failed(folder, &error))?;
        installation.write(INSTALLED, "")?;
        Ok(installation)
    }

    fn write(&self, name: &str, content: &str) -> Result<(), BuildError> {
        let path = self.folder.join(name);
        fs::write(&path, content).map_err(|error| self.failed(&path, &error))
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Result<(), BuildError> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder)
            .output()
            .map_err(|error| self.failed(program, &error))?;
        if output.status.success() {
            return Ok(());
        }
        Err(self.failed(program, &String::from_utf8_lossy(&output.stderr)))
    }

    fn failed(&self, what: &Path, reason: &dyn std::fmt::Display) -> BuildError {
        BuildError::InstallTools {
            language: self.language,
            reason: format!("{}: {reason}", what.display()),
        }
    }
}
