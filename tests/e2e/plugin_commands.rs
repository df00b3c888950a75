//! `plugin list`, `plugin inspect`, and the refusals they show.

use fedhost_e2e::{Scene, plugins, simulated};

#[test]
fn the_plug_ins_of_a_directory_are_listed_with_what_they_can_do() {
    let scene = Scene::new();
    scene.write("text.wasm", "nothing");
    let directory = plugins().display().to_string();
    let listed = scene
        .fedhost(&["plugin", "list", "--directory", &directory])
        .expect_code(0);
    for name in [
        "baseline-deviation",
        "logistic-regression",
        "standard-scaler",
    ] {
        assert!(listed.stdout.contains(name), "{}", listed.stdout);
    }
    assert!(
        listed.stdout.contains("learning_rate="),
        "{}",
        listed.stdout
    );
    let json = scene
        .fedhost(&["plugin", "list", "--directory", &directory, "--json"])
        .expect_code(0)
        .json();
    assert_eq!(json["plugins"].as_array().unwrap().len(), 5);
    let refused = scene
        .fedhost(&["plugin", "list", "--directory", "."])
        .expect_code(0);
    assert!(
        refused.stderr.contains("refused: text.wasm"),
        "{}",
        refused.stderr
    );
}

#[test]
fn our_plug_ins_import_nothing_but_the_host_interface() {
    let scene = Scene::new();
    for name in [
        "baseline-deviation",
        "logistic-regression",
        "standard-scaler",
    ] {
        let file = plugins().join(format!("{name}.wasm")).display().to_string();
        let inspected = scene
            .fedhost(&["plugin", "inspect", &file, "--json"])
            .expect_code(0)
            .json();
        let imports: Vec<&str> = inspected["imports"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap())
            .collect();
        assert!(
            imports
                .iter()
                .all(|import| import.starts_with("fedhost:plugin/")),
            "{imports:?}"
        );
        assert_eq!(inspected["descriptor"]["name"], name);
    }
}

#[test]
fn a_file_that_would_be_refused_is_said_to_be_with_the_reason() {
    let scene = Scene::new();
    scene.write("core.wasm", b"\0asm\x01\0\0\0");
    let inspected = scene
        .fedhost(&["plugin", "inspect", "core.wasm"])
        .expect_code(1);
    assert!(
        inspected.stderr.contains("would be refused") && inspected.stderr.contains("core module"),
        "{}",
        inspected.stderr
    );
    scene
        .fedhost(&["plugin", "inspect", "absent.wasm"])
        .expect_code(2);
}

#[test]
fn a_folder_that_is_no_crate_cannot_be_built() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("empty")).unwrap();
    let built = scene.fedhost(&["plugin", "build", "empty"]).expect_code(1);
    assert!(
        built.stderr.contains("Cargo.toml") && built.stderr.contains("hint:"),
        "{}",
        built.stderr
    );
}

#[test]
fn a_component_signed_as_the_manual_says_is_run_and_another_is_not() {
    let scene = Scene::new();
    for name in ["baseline-deviation", "logistic-regression"] {
        scene.write(
            &format!("plugins/{name}.wasm"),
            std::fs::read(plugins().join(format!("{name}.wasm"))).unwrap(),
        );
    }
    let sign = "openssl pkeyutl -sign -inkey key.pem -rawin";
    let script = format!(
        "set -e; openssl genpkey -algorithm ed25519 -out key.pem
         for name in baseline-deviation logistic-regression; do
           {sign} -in plugins/$name.wasm -out plugins/$name.wasm.sig
         done
         openssl pkey -in key.pem -pubout -outform DER | tail -c 32 | base64"
    );
    let key = scene.shell(&script).expect_code(0).stdout;
    let signed = format!(
        "watch_ms = 0\ntrusted_keys = [\"{}\"]\nrequire_signature = true\n\n[preprocess]",
        key.trim()
    );
    let manifest = simulated(400, 1)
        .replace(&plugins().display().to_string(), "plugins")
        .replace("[preprocess]", &signed);
    scene.write("run.toml", manifest);
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    std::fs::remove_file(scene.path("plugins/logistic-regression.wasm.sig")).unwrap();
    let refused = scene.fedhost(&["run", "run.toml", "-q"]).expect_code(2);
    assert!(
        refused.stderr.contains("it has no signature"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_command_for_compiling_serves_only_this_program() {
    let scene = Scene::new();
    assert!(
        !scene
            .fedhost(&["--help"])
            .expect_code(0)
            .stdout
            .contains("compile-component")
    );
    let compiled = scene
        .fedhost(&["compile-component", "1073741824", "60"])
        .expect_code(1);
    assert!(compiled.stderr.contains("error: "), "{}", compiled.stderr);
}
