//! Finds the programs that pack Python and JavaScript, and installs them on request.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, BuildStep};
use crate::new::Language;

const PYTHON: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/templates/python/requirements.txt"
));
const JAVASCRIPT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/templates/javascript/tools.json"
));

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
            let installed = tools
                .join("node_modules/@bytecodealliance/componentize-js/src/componentize.js")
                .is_file();
            (installed && runs(Path::new("node"))).then_some(tools)
        }
        Language::Python | Language::Rust => {
            let candidates = [
                folder.join("python/bin/componentize-py"),
                PathBuf::from("componentize-py"),
            ];
            candidates.into_iter().find(|program| runs(program))
        }
    }
}

fn runs(program: &Path) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn install(language: Language, folder: &Path) -> Result<(), BuildError> {
    let (folder, list, wanted) = match language {
        Language::Javascript => (folder.join("javascript"), "package.json", JAVASCRIPT),
        Language::Python | Language::Rust => (folder.join("python"), "requirements.txt", PYTHON),
    };
    let failed = |reason: String| BuildError::InstallTools { language, reason };
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&folder)
            .output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(failed(format!(
                "{}: {}",
                program.display(),
                String::from_utf8_lossy(&output.stderr)
            ))),
            Err(error) => Err(failed(format!("{}: {error}", program.display()))),
        }
    };
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join(list), wanted))
        .map_err(|error| failed(format!("{}: {error}", folder.display())))?;
    if language == Language::Javascript {
        return run(Path::new("npm"), &["install", "--no-audit", "--no-fund"]);
    }
    run(Path::new("python3"), &["-m", "venv", "."])?;
    run(
        &folder.join("bin/pip"),
        &["install", "-q", "--disable-pip-version-check", "-r", list],
    )
}
