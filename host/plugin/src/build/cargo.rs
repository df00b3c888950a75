//! Runs cargo, and reads from its messages where each module is.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde::Deserialize;

use super::package::{Package, Workspace};
use super::toolchain::Toolchain;
use super::{BuildError, BuildStep};

/// Settings passed to cargo. They are not expected in the files of each guest, so that a guest is
/// never built without optimisation by accident.
const CONFIG: [&str; 7] = [
    "profile.release.opt-level=3",
    "profile.release.lto=\"fat\"",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.debug=false",
    // Function names stay: a backtrace is useless without them.
    "profile.release.strip=\"debuginfo\"",
    "profile.release.incremental=false",
];

/// The last lines of cargo's output that an error repeats.
const LAST_LINES: usize = 20;

/// Compiles all packages of a workspace; returns each with the path of its module.
pub(super) fn compile<'a>(
    workspace: &Workspace<'a>,
    toolchain: &Toolchain,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<Vec<(&'a Package, PathBuf)>, BuildError> {
    let names: Vec<String> = workspace
        .packages
        .iter()
        .map(|package| package.name.clone())
        .collect();
    progress(BuildStep::Compiling { packages: &names });
    let finished = run(
        command(workspace, toolchain, &names),
        toolchain.cargo(),
        progress,
    )?;
    let failed = |last_lines: String| BuildError::Cargo {
        packages: names.clone(),
        last_lines,
    };
    if !finished.success {
        return Err(failed(finished.last_lines));
    }
    let module = |package: &'a Package| match finished
        .modules
        .iter()
        .find(|made| made.manifest == package.manifest)
    {
        Some(made) => Ok((package, made.path.clone())),
        None => Err(failed(format!("cargo built no module of {}", package.name))),
    };
    workspace.packages.iter().copied().map(module).collect()
}

fn command(workspace: &Workspace<'_>, toolchain: &Toolchain, names: &[String]) -> Command {
    let mut command = toolchain.build_command();
    command
        .current_dir(&workspace.root)
        .arg("--message-format=json-render-diagnostics");
    for setting in CONFIG {
        command.args(["--config", setting]);
    }
    // Inherited flags would replace these, and a guest without SIMD is several times slower.
    command
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command.args([
        "--config",
        "target.wasm32-unknown-unknown.rustflags=[\"-Ctarget-feature=+simd128\"]",
    ]);
    for name in names {
        command.args(["--package", name]);
    }
    command
}

struct Finished {
    success: bool,
    modules: Vec<Module>,
    last_lines: String,
}

struct Module {
    manifest: PathBuf,
    path: PathBuf,
}

fn run(
    mut command: Command,
    cargo: &Path,
    progress: &mut dyn FnMut(BuildStep<'_>),
) -> Result<Finished, BuildError> {
    let spawn_error = |source| BuildError::Spawn {
        program: cargo.display().to_string(),
        source,
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(spawn_error)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Both pipes are drained at once: cargo stops when either is full.
    let (modules, last_lines) = thread::scope(|scope| {
        let modules = scope.spawn(|| stdout.map(modules).unwrap_or_default());
        let last_lines = stderr
            .map(|stderr| relay(stderr, progress))
            .unwrap_or_default();
        (modules.join().unwrap_or_default(), last_lines)
    });
    let success = child.wait().map_err(spawn_error)?.success();
    Ok(Finished {
        success,
        modules,
        last_lines,
    })
}

/// Reports every line, and returns the last ones.
fn relay(stderr: impl Read, progress: &mut dyn FnMut(BuildStep<'_>)) -> String {
    let mut last: VecDeque<String> = VecDeque::with_capacity(LAST_LINES);
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        progress(BuildStep::ToolOutput(&line));
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    Vec::from(last).join("\n")
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Returns the modules that cargo's messages name. Other kinds of messages are ignored.
fn modules(stdout: impl Read) -> Vec<Module> {
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let messages = lines.filter_map(|line| serde_json::from_str::<Message>(&line).ok());
    let module = |message: Message| {
        let path = message
            .filenames
            .into_iter()
            .find(|file| file.extension().is_some_and(|kind| kind == "wasm"))?;
        Some(Module {
            manifest: message.manifest_path?,
            path,
        })
    };
    messages
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(module)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/x/dep/Cargo.toml","filenames":["/t/libdep.rlib"]}"#,
            "\n",
            r#"{"reason":"build-script-executed","package_id":"x"}"#,
            "\nnot a message\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/x/Cargo.toml","filenames":["/t/libx.rlib","/t/x.wasm"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = modules(messages.as_bytes());
        let found: Vec<_> = found
            .iter()
            .map(|module| (module.manifest.as_path(), module.path.as_path()))
            .collect();
        assert_eq!(
            found,
            [(Path::new("/x/Cargo.toml"), Path::new("/t/x.wasm"))]
        );
    }

    #[test]
    fn every_line_is_passed_on_and_the_last_ones_are_kept() {
        let text: String = (1..=30).map(|line| format!("line {line}\n")).collect();
        let mut passed = 0;
        let last = relay(text.as_bytes(), &mut |step| {
            assert!(matches!(step, BuildStep::ToolOutput(_)));
            passed += 1;
        });
        assert_eq!(passed, 30);
        assert_eq!(
            (last.lines().count(), last.lines().next()),
            (LAST_LINES, Some("line 11"))
        );
    }
}
