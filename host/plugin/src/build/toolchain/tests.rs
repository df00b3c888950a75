//! Compilers and a rustup that are shell scripts: what they say is what a machine's would.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

struct Machine {
    root: TempDir,
    steps: Vec<String>,
}

impl Machine {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            steps: Vec::new(),
        }
    }

    fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A compiler under a sysroot of its own, as `rustc --print` sees it.
    fn compiler(&self, name: &str) -> Compiler {
        let sysroot = self.sysroot(name);
        let lib = sysroot.join("lib/rustlib");
        fs::create_dir_all(lib.join("host/lib")).unwrap();
        let body = format!(
            "case \"$*\" in\n*{TARGET}*) echo {lib}/{TARGET}/lib;;\n*target-libdir*) echo {lib}/host/lib;;\n*) echo {root};;\nesac",
            lib = lib.display(),
            root = sysroot.display(),
        );
        Compiler {
            cargo: self.root.path().join(format!("{name}-cargo")),
            rustc: self.script(name, &body),
        }
    }

    fn sysroot(&self, name: &str) -> PathBuf {
        self.root.path().join(format!("{name}-sysroot"))
    }

    fn install_target(&self, name: &str) {
        fs::create_dir_all(
            self.sysroot(name)
                .join("lib/rustlib")
                .join(TARGET)
                .join("lib"),
        )
        .unwrap();
    }

    fn install_sources(&self, name: &str) {
        let std = self.sysroot(name).join("lib/rustlib/src/rust/library/std");
        fs::create_dir_all(&std).unwrap();
        fs::write(std.join("Cargo.toml"), "").unwrap();
    }

    fn choose(&mut self, compilers: &[Compiler], rustup: &Path) -> Result<Toolchain, BuildError> {
        let steps = &mut self.steps;
        choose(
            self.root.path(),
            compilers,
            rustup.as_os_str(),
            &mut |step| steps.push(format!("{step:?}")),
        )
    }
}

const NO_RUSTUP: &str = "/nonexistent/rustup";

#[test]
fn a_target_that_is_installed_is_used_as_it_is() {
    let mut machine = Machine::new();
    let compiler = machine.compiler("rustc");
    machine.install_target("rustc");
    let found = machine.choose(&[compiler], Path::new(NO_RUSTUP)).unwrap();
    assert_eq!(found.std, Std::Installed);
    assert!(machine.steps.is_empty());
}

#[test]
fn rustup_adds_a_target_that_is_missing() {
    let mut machine = Machine::new();
    let compiler = machine.compiler("rustc");
    let libdir = machine
        .sysroot("rustc")
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib");
    let rustup = machine.script(
        "rustup",
        &format!("[ \"$1\" != target ] || mkdir -p {}", libdir.display()),
    );
    let found = machine.choose(&[compiler], &rustup).unwrap();
    assert_eq!(found.std, Std::Installed);
    assert_eq!(machine.steps, ["AddingTarget"]);
}

#[test]
fn without_rustup_the_standard_library_is_built_from_the_sources_of_its_compiler() {
    let mut machine = Machine::new();
    let compilers = [machine.compiler("rustc"), machine.compiler("distribution")];
    machine.install_sources("distribution");
    let found = machine.choose(&compilers, Path::new(NO_RUSTUP)).unwrap();
    assert!(matches!(found.std, Std::FromSource { .. }));
    assert_eq!(found.rustc, compilers[1].rustc);

    let command = found.build_command();
    assert_uses(&command, &compilers[1]);
    assert!(
        command
            .get_args()
            .any(|argument| argument == "-Zbuild-std=std,panic_abort")
    );
}

#[test]
fn a_distribution_with_the_target_needs_no_sources() {
    let mut machine = Machine::new();
    let compilers = [machine.compiler("rustc"), machine.compiler("distribution")];
    machine.install_target("distribution");
    let found = machine.choose(&compilers, Path::new(NO_RUSTUP)).unwrap();
    assert_eq!(found.std, Std::Installed);
    assert_uses(&found.build_command(), &compilers[1]);
}

/// Cargo and compiler belong together.
fn assert_uses(command: &Command, compiler: &Compiler) {
    assert_eq!(command.get_program(), compiler.cargo);
    let rustc = command
        .get_envs()
        .find(|(name, _)| *name == "RUSTC")
        .and_then(|(_, value)| value);
    assert_eq!(rustc, Some(compiler.rustc.as_os_str()));
}

#[test]
fn when_nothing_works_the_error_says_what_was_tried_and_what_to_install() {
    let mut machine = Machine::new();
    let compiler = machine.compiler("rustc");
    let rustup = machine.script(
        "rustup",
        "[ \"$1\" != target ] || { echo 'error: no network' >&2; exit 1; }",
    );
    let error = machine.choose(&[compiler], &rustup).unwrap_err();
    let error = fedhost_base::hint::explain(&error);
    for part in [
        "has no such target",
        "rustup could not add it (error: no network)",
        "hint: run `rustup target add",
    ] {
        assert!(error.contains(part), "{error}");
    }
}
