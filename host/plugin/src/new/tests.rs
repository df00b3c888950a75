use super::*;

const KINDS: [PluginKind; 3] = [
    PluginKind::Preprocessor,
    PluginKind::Model,
    PluginKind::Detector,
];
const LANGUAGES: [Language; 3] = [Language::Rust, Language::Python, Language::Javascript];

fn begin(
    name: &str,
    kind: PluginKind,
    language: Language,
    parent: &Path,
) -> Result<Started, ScaffoldError> {
    start(&Scaffold {
        name,
        kind,
        language,
        parent,
        sdk: Some(Path::new(SDK)),
    })
}

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/sdk");

#[test]
fn every_kind_in_every_language_has_code_a_test_rows_and_no_mark_left() {
    let parent = tempfile::tempdir().unwrap();
    for kind in KINDS {
        for language in LANGUAGES {
            let name = format!("a-{kind}-in-{language}").to_lowercase();
            let started = begin(&name, kind, language, parent.path()).unwrap();
            assert!(started.files.len() >= 4, "{started:?}");
            for file in &started.files {
                let text = fs::read_to_string(file).unwrap();
                assert!(
                    !text.contains("{{"),
                    "{} has a mark that is not filled",
                    file.display()
                );
            }
            assert!(started.folder.join("sample.csv").is_file());
        }
    }
}

#[test]
fn a_folder_that_is_there_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("mine"), "precious").unwrap();
    let refused = begin("mine", PluginKind::Model, Language::Rust, parent.path()).unwrap_err();
    assert!(
        matches!(refused, ScaffoldError::Exists(_)) && fedhost_base::hint::hint(&refused).is_some()
    );
    assert_eq!(
        fs::read_to_string(parent.path().join("mine")).unwrap(),
        "precious"
    );
}

#[test]
fn a_name_that_no_manifest_or_crate_could_have_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    for name in [
        "",
        "Mine",
        "my_model",
        "../mine",
        "a--b",
        "-a",
        "1a",
        "a b",
        "core",
        &"a".repeat(65),
    ] {
        let refused = begin(name, PluginKind::Model, Language::Rust, parent.path()).unwrap_err();
        assert!(matches!(refused, ScaffoldError::Name(_)), "{name:?}");
    }
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn the_sdk_is_named_by_its_path_and_without_it_no_crate_is_written() {
    let parent = tempfile::tempdir().unwrap();
    let sdk = Path::new(SDK);
    let with = |name, sdk| Scaffold {
        name,
        kind: PluginKind::Model,
        language: Language::Rust,
        parent: parent.path(),
        sdk,
    };
    let manifest =
        |started: Started| fs::read_to_string(started.folder.join("Cargo.toml")).unwrap();
    assert!(
        manifest(start(&with("here", Some(sdk))).unwrap()).contains("fedhost-guest = { path = \"/")
    );
    let refused = start(&with("there", None)).unwrap_err();
    assert!(matches!(refused, ScaffoldError::NeedsSdk), "{refused}");
    assert!(fedhost_base::hint::explain(&refused).contains("--sdk"));
    assert!(!parent.path().join("there").exists());
    assert!(matches!(
        start(&with("nowhere", Some(parent.path()))),
        Err(ScaffoldError::NoSdk(_))
    ));
}

#[test]
fn the_commands_of_a_language_with_tools_fetch_them() {
    let parent = tempfile::tempdir().unwrap();
    for language in LANGUAGES {
        let name = format!("in-{language}").to_lowercase();
        let started = begin(&name, PluginKind::Model, language, parent.path()).unwrap();
        assert_eq!(
            started.commands[1].contains("--install-tools"),
            language != Language::Rust,
            "{:?}",
            started.commands
        );
    }
}
