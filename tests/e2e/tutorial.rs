//! `plugins/TUTORIAL.md`, command by command, as its reader would type them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use fedhost_e2e::{fedhost, root};

/// Commands that are typed together, and the exit code that the last one has.
#[derive(Debug, PartialEq)]
struct Block {
    script: String,
    code: i32,
}

/// The commands under one heading of the tutorial.
fn blocks(document: &str, heading: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut here, mut inside) = (false, false);
    for line in document.lines() {
        // What belongs to a numbered step is indented by three.
        let text = line.strip_prefix("   ").unwrap_or(line);
        match text.strip_prefix("```") {
            Some("") => inside = false,
            Some(kind) if here && kind.starts_with("sh") => {
                let code = kind
                    .strip_prefix("sh exit ")
                    .map_or(0, |code| code.parse().unwrap());
                blocks.push(Block {
                    script: String::new(),
                    code,
                });
                inside = true;
            }
            _ if inside => {
                let block = blocks.last_mut().unwrap();
                block.script.push_str(text);
                block.script.push('\n');
            }
            _ => {
                if let Some(title) = line.strip_prefix("## ") {
                    here = title == heading;
                }
            }
        }
    }
    blocks
}

/// A folder inside the source, where the tutorial is followed; removed when it went well.
struct Desk {
    folder: PathBuf,
}

impl Desk {
    fn new(name: &str) -> Self {
        let folder = root()
            .canonicalize()
            .unwrap()
            .join("target/tutorial")
            .join(name);
        std::fs::remove_dir_all(&folder).ok();
        std::fs::create_dir_all(folder.join("bin")).unwrap();
        let binary = fedhost().get_program().to_owned();
        std::os::unix::fs::symlink(binary, folder.join("bin/fedhost")).unwrap();
        Self { folder }
    }

    /// Types the commands one after the other; each has to go well, or as the tutorial says.
    fn follow(&self, block: &Block) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            [self.folder.join("bin")]
                .into_iter()
                .chain(std::env::split_paths(&path)),
        );
        let mut command = Command::new("sh");
        command
            .args(["-ec", &block.script])
            .current_dir(&self.folder)
            .env("PATH", path.unwrap());
        command.env(
            "CARGO_TARGET_DIR",
            root().canonicalize().unwrap().join("target/tutorial/cargo"),
        );
        command
            .env_remove("KAFKA_BOOTSTRAP_SERVERS")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let said =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert_eq!(
            output.status.code(),
            Some(block.code),
            "{}\nsaid {}\n{}",
            block.script,
            said[0],
            said[1]
        );
    }

    /// Uses the tools that are installed for the tests.
    fn lay_out_tools(&self, tool: &str) {
        let tools = root().canonicalize().unwrap().join("target/tools");
        assert!(
            tools.join(tool).exists(),
            "there is no {tool} in {}: run `make test-tools`, or `make test`",
            tools.display()
        );
        std::fs::create_dir_all(self.folder.join("target")).unwrap();
        std::os::unix::fs::symlink(&tools, self.folder.join("target/tools")).unwrap();
    }
}

fn follow(name: &str, heading: &str, tool: Option<&str>) {
    /// Packing takes gigabytes of memory and every core.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let document = std::fs::read_to_string(root().join("plugins/TUTORIAL.md")).unwrap();
    let blocks = blocks(&document, heading);
    assert!(blocks.len() >= 2, "there are no commands under {heading:?}");
    let desk = Desk::new(name);
    if let Some(tool) = tool {
        desk.lay_out_tools(tool);
    }
    for block in &blocks {
        desk.follow(block);
    }
    std::fs::remove_dir_all(&desk.folder).unwrap();
}

#[test]
fn the_tutorial_works_in_rust() {
    follow("rust", "In Rust", None);
}

#[test]
fn the_tutorial_works_in_python() {
    follow("python", "In Python", Some("python"));
}

#[test]
fn the_tutorial_works_in_javascript() {
    follow("javascript", "In JavaScript", Some("javascript"));
}

#[test]
fn every_kind_in_rust_builds_and_keeps_every_promise() {
    let new = |kind: &str| format!("fedhost plugin new a-{kind} --kind {kind}\n");
    let check = "fedhost plugin build a-preprocessor a-model a-detector --out plugins\nfedhost plugin check plugins\n";
    let script = ["preprocessor", "model", "detector"].map(new).concat() + check;
    let desk = Desk::new("kinds");
    desk.follow(&Block { script, code: 0 });
    std::fs::remove_dir_all(&desk.folder).unwrap();
}

#[test]
fn our_plug_ins_in_python_and_javascript_keep_every_promise() {
    let desk = Desk::new("scripted");
    desk.lay_out_tools("python");
    let guests = ["python-zscore", "javascript-ewma"]
        .map(|name| guest(name).display().to_string())
        .join(" ");
    let script =
        format!("fedhost plugin build {guests} --out plugins\nfedhost plugin check plugins\n");
    desk.follow(&Block { script, code: 0 });
    std::fs::remove_dir_all(&desk.folder).unwrap();
}

fn guest(name: &str) -> PathBuf {
    Path::new(root()).join("guests").join(name)
}

#[test]
fn commands_are_taken_from_the_heading_that_is_asked_for() {
    let document = "## A\n```sh\nfirst\n```\n## B\n1. Do.\n\n   ```sh exit 1\n   cat <<'END'\n     indented\n   END\n   ```\n```toml\nx = 1\n```\n";
    let found = blocks(document, "B");
    assert_eq!(
        found,
        [Block {
            script: "cat <<'END'\n  indented\nEND\n".into(),
            code: 1
        }]
    );
}
