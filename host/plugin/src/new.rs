//! Creates a new plug-in, for `fedhost plugin new`: a folder with sources that build, a test that
//! passes, and sample rows.

mod templates;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a plug-in does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// It prepares rows for a model.
    Preprocessor,
    /// It is trained in a federation, and scores rows.
    Model,
    /// It scores rows without training.
    Detector,
}

/// What a plug-in is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// A crate that links `fedhost-guest`.
    Rust,
    /// Modules that are packed with an interpreter.
    Python,
    /// Modules that are packed with a JavaScript engine.
    Javascript,
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preprocessor => "preprocessor",
            Self::Model => "model",
            Self::Detector => "detector",
        })
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::Javascript => "JavaScript",
        })
    }
}

/// The plug-in to create.
#[derive(Clone, Debug)]
pub struct Scaffold<'a> {
    /// The plug-in's name, and its folder's.
    pub name: &'a str,
    /// What it does.
    pub kind: PluginKind,
    /// What it is written in.
    pub language: Language,
    /// The folder in which its folder is created.
    pub parent: &'a Path,
    /// The source of `fedhost-guest`, which is on no registry. Needed for Rust only.
    pub sdk: Option<&'a Path>,
}

/// The plug-in that was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Started {
    /// Its folder.
    pub folder: PathBuf,
    /// Its files, sorted.
    pub files: Vec<PathBuf>,
    /// The next commands: its test, build, check, and a try with the sample.
    pub commands: [String; 4],
}

/// Why no plug-in was created.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ScaffoldError {
    /// The name cannot be used in manifests, file names and crates.
    #[error("{0:?} is no name for a plug-in")]
    #[diagnostic(help("use lower-case words joined by hyphens, such as vibration-score"))]
    Name(String),
    /// The folder exists.
    #[error("{} exists already", .0.display())]
    #[diagnostic(help("choose another name, or remove it first"))]
    Exists(PathBuf),
    /// A crate without the SDK could not be built, and the publisher of a crate of that name
    /// could run code on its author's machine.
    #[error(
        "a plug-in in Rust needs the source of the SDK, fedhost-guest, which is on no registry"
    )]
    #[diagnostic(help(
        "name it with --sdk: the folder guests/sdk of fedhost's source; or add --language python"
    ))]
    NeedsSdk,
    /// The given folder does not hold the SDK.
    #[error("there is no crate fedhost-guest in {}", .0.display())]
    #[diagnostic(help("--sdk names the folder guests/sdk of fedhost's source"))]
    NoSdk(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    #[diagnostic(help("check that the directory is writable and the disk is not full"))]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Creates the folder and its files.
///
/// # Errors
/// The name is invalid, the folder exists, or the SDK is missing: then nothing is written. Or a
/// file cannot be written.
pub fn start(start: &Scaffold<'_>) -> Result<Started, ScaffoldError> {
    if !is_name(start.name) {
        return Err(ScaffoldError::Name(start.name.to_owned()));
    }
    let folder = start.parent.join(start.name);
    if folder.symlink_metadata().is_ok() {
        return Err(ScaffoldError::Exists(folder));
    }
    let commands = commands(&folder, start);
    let dependency = Dependency::of(start)?;
    let mut files = Vec::new();
    for (name, template) in templates::files(start.kind, start.language) {
        let path = folder.join(name);
        write(&path, &fill(template, start, &dependency, &commands))?;
        files.push(path);
    }
    files.sort();
    Ok(Started {
        folder,
        files,
        commands,
    })
}

pub(super) fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let first = name.starts_with(|first: char| first.is_ascii_lowercase());
    // Cargo and Rust reserve these names.
    name.len() <= 64
        && first
        && name.split('-').all(word)
        && !matches!(name, "test" | "core" | "std" | "fedhost-guest")
}

/// How the Rust crate finds the SDK.
struct Dependency {
    sdk: String,
    /// Crates outside of the folder of guests are workspaces of their own.
    workspace: &'static str,
}

impl Dependency {
    fn of(start: &Scaffold<'_>) -> Result<Self, ScaffoldError> {
        const OWN: &str = "\n# A workspace of its own, whatever lies above it.\n[workspace]";
        let sdk = match (start.sdk, start.language) {
            (Some(sdk), _) => sdk,
            (None, Language::Rust) => return Err(ScaffoldError::NeedsSdk),
            (None, Language::Python | Language::Javascript) => {
                return Ok(Self {
                    sdk: String::new(),
                    workspace: OWN,
                });
            }
        };
        let path = sdk
            .canonicalize()
            .map_err(|_| ScaffoldError::NoSdk(sdk.into()))?;
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
        if !manifest.contains("name = \"fedhost-guest\"") {
            return Err(ScaffoldError::NoSdk(sdk.into()));
        }
        let among_guests = start
            .parent
            .canonicalize()
            .is_ok_and(|parent| path.parent() == Some(&parent));
        let workspace = if among_guests { "" } else { OWN };
        Ok(Self {
            sdk: format!("{{ path = {:?} }}", path.display().to_string()),
            workspace,
        })
    }
}

fn commands(folder: &Path, start: &Scaffold<'_>) -> [String; 4] {
    let (name, folder) = (start.name, folder.display());
    let test = match start.language {
        Language::Rust => format!("cargo test --manifest-path {folder}/Cargo.toml"),
        Language::Python => format!("python3 -m unittest discover -s {folder}"),
        Language::Javascript => format!("node --test {folder}/test.mjs"),
    };
    // The first build fetches the tools of these languages.
    let tools = match start.language {
        Language::Rust => "",
        Language::Python | Language::Javascript => " --install-tools",
    };
    let build = format!("fedhost plugin build {folder} --out plugins{tools}");
    [
        test,
        build,
        format!("fedhost plugin check plugins/{name}.wasm"),
        format!("fedhost plugin try plugins/{name}.wasm {folder}/sample.csv"),
    ]
}

fn fill(
    template: &str,
    start: &Scaffold<'_>,
    dependency: &Dependency,
    commands: &[String],
) -> String {
    let lower = start.language.to_string().to_lowercase();
    [
        ("{{name}}", start.name),
        ("{{kind}}", &start.kind.to_string()),
        ("{{language}}", &start.language.to_string()),
        ("{{language-id}}", &lower),
        ("{{sdk}}", &dependency.sdk),
        ("{{workspace}}", dependency.workspace),
        ("{{commands}}", &commands.join("\n")),
    ]
    .into_iter()
    .fold(template.to_owned(), |text, (mark, value)| {
        text.replace(mark, value)
    })
}

fn write(path: &Path, content: &str) -> Result<(), ScaffoldError> {
    let failed = |source| ScaffoldError::Write {
        path: path.to_owned(),
        source,
    };
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .map_err(failed)?;
    fs::write(path, content).map_err(failed)
}

#[cfg(test)]
mod tests;
