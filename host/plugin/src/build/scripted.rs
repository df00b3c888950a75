//! Builds plug-ins in Python and JavaScript: packs their modules together with an interpreter, by
//! tools from the languages' own registries in a folder that the user chooses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::tools::Tools;
use super::{BuildError, BuildStep, component};
use crate::new::{Language, PluginKind, is_name};

/// The file that describes the plug-in of a folder.
pub(super) const CARD: &str = "plugin.toml";
const WIT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/plugin.wit"));
const PACK: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/templates/javascript/build.mjs"
));
/// The last lines of a tool's output that an error repeats.
const LAST_LINES: usize = 20;

/// A folder with a plug-in that is no crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scripted {
    pub(super) name: String,
    pub(super) directory: PathBuf,
    kind: PluginKind,
    language: Language,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    name: String,
    kind: PluginKind,
    language: Language,
}

impl Scripted {
    /// Reads the card of a folder; `None` if it has none, so that it is a crate.
    pub(super) fn locate(directory: &Path) -> Result<Option<Self>, BuildError> {
        let path = directory.join(CARD);
        if !path.is_file() {
            return Ok(None);
        }
        let unreadable = |reason: String| BuildError::Card {
            path: path.clone(),
            reason,
        };
        let text = fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?;
        let Card {
            name,
            kind,
            language,
        } = toml::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if !is_name(&name) {
            return Err(unreadable(format!(
                "{name:?} is no name: use lower-case words joined by hyphens"
            )));
        }
        if language == Language::Rust {
            return Err(unreadable(
                "a plug-in in Rust has a Cargo.toml and no plugin.toml".to_owned(),
            ));
        }
        let directory = directory
            .canonicalize()
            .map_err(|error| unreadable(error.to_string()))?;
        Ok(Some(Self {
            name,
            directory,
            kind,
            language,
        }))
    }

    /// Packs the component, and checks that it is a plug-in.
    pub(super) fn encode(
        &self,
        out: &Path,
        tools: &Tools<'_>,
        progress: &mut dyn FnMut(BuildStep<'_>),
    ) -> Result<Vec<u8>, BuildError> {
        let tool = tools.find(self.language, progress)?;
        progress(BuildStep::Packing {
            name: &self.name,
            language: self.language,
        });
        let scratch = Scratch::new(out, &self.name)?;
        let made = scratch.path.join("made.wasm");
        let mut command = match self.language {
            Language::Javascript => self.javascript(&tool, &scratch, &made),
            Language::Python | Language::Rust => self.python(&tool, &scratch, &made),
        };
        run(&mut command, &self.name, progress)?;
        let bytes = fs::read(&made).map_err(|source| BuildError::Module { path: made, source })?;
        component::check(&bytes).map_err(|reason| BuildError::NotAPlugin {
            package: self.name.clone(),
            reason,
        })?;
        Ok(bytes)
    }

    fn world(&self) -> String {
        format!("{}-plugin", self.kind)
    }

    fn python(&self, tool: &Path, scratch: &Scratch, made: &Path) -> Command {
        let mut command = Command::new(tool);
        command
            .arg("--wit-path")
            .arg(scratch.path.join("wit"))
            .args(["--world", &self.world()]);
        command
            .args(["componentize", "--stub-wasi", "--python-path"])
            .arg(&self.directory);
        command.args(["app", "--output"]).arg(made);
        command
    }

    fn javascript(&self, tools: &Path, scratch: &Scratch, made: &Path) -> Command {
        let mut command = Command::new("node");
        command
            .arg(scratch.path.join("build.mjs"))
            .arg(tools)
            .arg(self.directory.join("app.js"));
        command
            .arg(scratch.path.join("wit"))
            .arg(self.world())
            .arg(made);
        command
    }
}

/// A temporary folder for the interface and the output of the tools; deleted after the build.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(out: &Path, name: &str) -> Result<Self, BuildError> {
        let path = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
        let path = path.join(format!(".{name}.build.{}", std::process::id()));
        let scratch = Self { path };
        let written = fs::create_dir_all(scratch.path.join("wit"))
            .and_then(|()| fs::write(scratch.path.join("wit/plugin.wit"), WIT))
            .and_then(|()| fs::write(scratch.path.join("build.mjs"), PACK));
        written.map_err(|source| BuildError::Install {
            path: scratch.path.clone(),
            source,
        })?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort.
        fs::remove_dir_all(&self.path).ok();
    }
}

fn run(
    command: &mut Command,
    name: &str,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<(), BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|source| BuildError::Tool {
        name: name.to_owned(),
        last_lines: format!("{program}: {source}"),
    })?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    text.lines()
        .for_each(|line| progress(BuildStep::ToolOutput(line)));
    if output.status.success() {
        return Ok(());
    }
    let lines: Vec<&str> = text.lines().collect();
    let last_lines = lines
        .get(lines.len().saturating_sub(LAST_LINES)..)
        .unwrap_or_default()
        .join("\n");
    Err(BuildError::Tool {
        name: name.to_owned(),
        last_lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_card_is_a_crate_and_a_bad_card_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Scripted::locate(folder.path()).unwrap(), None);
        let cases = [
            (
                "name = \"a\"\nkind = \"model\"\nlanguage = \"cobol\"",
                "cobol",
            ),
            ("name = \"a\"\nkind = \"model\"", "language"),
            (
                "name = \"../a\"\nkind = \"model\"\nlanguage = \"python\"",
                "no name",
            ),
            (
                "name = \"a\"\nkind = \"model\"\nlanguage = \"rust\"",
                "Cargo.toml",
            ),
        ];
        for (card, complaint) in cases {
            fs::write(folder.path().join(CARD), card).unwrap();
            let error = fedhost_base::hint::explain(&Scripted::locate(folder.path()).unwrap_err());
            assert!(
                error.contains(complaint) && error.contains("hint:"),
                "{error}"
            );
        }
        fs::write(
            folder.path().join(CARD),
            "name = \"a\"\nkind = \"model\"\nlanguage = \"python\"",
        )
        .unwrap();
        assert_eq!(
            Scripted::locate(folder.path()).unwrap().unwrap().world(),
            "model-plugin"
        );
    }
}
