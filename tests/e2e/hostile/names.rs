//! Names of files that would command a terminal, or mislead its reader.

use fedhost_e2e::Scene;

/// Clears the screen, and turns what follows around.
const NAME: &str = "a\u{1b}[2J\u{202e}gnp.wasm";
/// As it is shown.
const SHOWN: &str = "a\\u{1b}[2J\\u{202e}gnp.wasm";

#[test]
fn a_name_of_a_file_is_shown_with_its_hidden_characters_written_out() {
    let scene = Scene::new();
    scene.write(&format!("components/{NAME}"), "no component");
    let file = format!("components/{NAME}");
    for arguments in [
        ["plugin", "list", "--directory", "components"].as_slice(),
        ["plugin", "check", "components"].as_slice(),
        ["plugin", "inspect", &file].as_slice(),
    ] {
        let output = scene.fedhost(arguments);
        let text = output.stdout + &output.stderr;
        assert!(text.contains(SHOWN), "{arguments:?}: {text:?}");
        assert!(
            !text.contains(['\u{1b}', '\u{202e}']),
            "{arguments:?}: {text:?}"
        );
    }
}

#[test]
fn in_json_the_name_is_the_same_text_without_its_raw_characters() {
    let scene = Scene::new();
    scene.write(&format!("components/{NAME}"), "no component");
    let output = scene.fedhost(&["plugin", "list", "--directory", "components", "--json"]);
    assert!(!output.stdout.contains(['\u{1b}', '\u{202e}']));
    assert_eq!(
        output.json()["refused"][0]["file"],
        format!("components/{NAME}")
    );
}
