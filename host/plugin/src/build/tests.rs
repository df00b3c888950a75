use std::fs;

use super::*;

const CDYLIB: &str = "[lib]\ncrate-type = [\"cdylib\"]\n";

/// No guest here is packed.
fn no_tools() -> Tools<'static> {
    Tools {
        folder: Path::new("nowhere"),
        install: false,
    }
}

/// A crate outside any workspace.
fn guest(directory: &Path, name: &str, lib_section: &str, source: &str) -> PathBuf {
    fs::create_dir_all(directory.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{lib_section}\n[workspace]\n"
    );
    fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    fs::write(directory.join("src/lib.rs"), source).unwrap();
    directory.into()
}

fn build_quietly(directories: &[PathBuf], out: &Path) -> Result<Vec<Built>, BuildError> {
    build(directories, out, &no_tools(), &mut |_| {})
}

#[test]
fn a_directory_that_makes_no_module_is_refused_before_anything_is_compiled() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let empty = at("empty");
    let plain = guest(&at("plain"), "plain", "", "");
    let broken = guest(&at("broken"), "broken", "oops", "");
    let virtual_workspace = at("virtual");
    fs::create_dir(&virtual_workspace).unwrap();
    fs::write(virtual_workspace.join("Cargo.toml"), "[workspace]\n").unwrap();

    let refused = |directory: PathBuf| build_quietly(&[directory], scratch.path()).unwrap_err();
    assert!(matches!(refused(empty), BuildError::NoCrate(_)));
    assert!(matches!(refused(plain), BuildError::NotACdylib { package } if package == "plain"));
    assert!(matches!(refused(broken), BuildError::Unreadable { .. }));
    assert!(matches!(
        refused(virtual_workspace),
        BuildError::Unreadable { .. }
    ));
}

#[test]
fn two_crates_of_one_name_are_refused_and_one_named_twice_counts_once() {
    let scratch = tempfile::tempdir().unwrap();
    let first = guest(&scratch.path().join("first"), "same", CDYLIB, "");
    let second = guest(&scratch.path().join("second"), "same", CDYLIB, "");

    let error = package::locate(&[first.clone(), second]).unwrap_err();
    assert!(matches!(error, BuildError::SameName { name, .. } if name == "same"));
    assert_eq!(package::locate(&[first.clone(), first]).unwrap().len(), 1);
}

#[test]
fn a_crate_that_does_not_compile_says_why() {
    let scratch = tempfile::tempdir().unwrap();
    let guest = guest(
        &scratch.path().join("x"),
        "does-not-compile",
        CDYLIB,
        "compile_error!(\"on purpose\");",
    );
    let mut said = String::new();
    let error = build(&[guest], scratch.path(), &no_tools(), &mut |step| {
        if let BuildStep::ToolOutput(line) = step {
            said.push_str(line);
        }
    });
    let error = fedhost_base::hint::explain(&error.unwrap_err());
    assert!(
        error.contains("cargo could not build does-not-compile") && error.contains("on purpose"),
        "{error}"
    );
    assert!(said.contains("on purpose"), "{said}");
}

#[test]
fn a_module_that_exports_no_plug_in_is_not_installed() {
    let scratch = tempfile::tempdir().unwrap();
    let guest = guest(&scratch.path().join("x"), "no-plug-in", CDYLIB, "");
    let error = build_quietly(&[guest], &scratch.path().join("plugins")).unwrap_err();
    assert!(
        matches!(&error, BuildError::NotAPlugin { package, .. } if package == "no-plug-in"),
        "{error}"
    );
    assert!(!scratch.path().join("plugins").exists());
}

#[test]
fn crates_of_one_workspace_are_built_together() {
    let package = |name: &str, workspace: &str| Package {
        name: name.into(),
        directory: name.into(),
        manifest: Path::new(name).join("Cargo.toml"),
        workspace: workspace.into(),
    };
    let packages = [
        package("a", "/one"),
        package("b", "/two"),
        package("c", "/one"),
    ];
    let grouped: Vec<(PathBuf, Vec<&str>)> = package::by_workspace(&packages)
        .into_iter()
        .map(|workspace| {
            (
                workspace.root,
                workspace
                    .packages
                    .iter()
                    .map(|package| package.name.as_str())
                    .collect(),
            )
        })
        .collect();
    assert_eq!(
        grouped,
        [("/one".into(), vec!["a", "c"]), ("/two".into(), vec!["b"])]
    );
}
