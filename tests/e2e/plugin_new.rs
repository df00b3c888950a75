//! `plugin new`, and the messages for missing build tools.

use fedhost_e2e::{Scene, root};

#[test]
fn a_plug_in_is_started_once_and_the_next_commands_are_printed() {
    let scene = Scene::new();
    let sdk = root().join("guests/sdk").display().to_string();
    let started = scene
        .fedhost(&["plugin", "new", "pump-watch", "--sdk", &sdk])
        .expect_code(0);
    let commands: Vec<&str> = started.stdout.lines().collect();
    assert_eq!(
        commands,
        [
            "fedhost plugin build pump-watch --out plugins",
            "fedhost plugin check plugins/pump-watch.wasm",
            "fedhost plugin try plugins/pump-watch.wasm pump-watch/sample.csv",
        ]
    );
    assert!(
        started
            .stderr
            .contains("cargo test --manifest-path pump-watch/Cargo.toml"),
        "{}",
        started.stderr
    );
    let again = scene
        .fedhost(&["plugin", "new", "pump-watch"])
        .expect_code(2);
    assert!(
        again.stderr.contains("pump-watch exists already"),
        "{}",
        again.stderr
    );
    let bad = scene
        .fedhost(&["plugin", "new", "Pump Watch"])
        .expect_code(2);
    assert!(
        bad.stderr.contains("hint: use lower-case words"),
        "{}",
        bad.stderr
    );
    let nowhere = scene
        .fedhost(&["plugin", "new", "other", "--sdk", "."])
        .expect_code(2);
    assert!(nowhere.stderr.contains("guests/sdk"), "{}", nowhere.stderr);
}

#[test]
fn tools_that_are_missing_are_named_with_the_way_to_get_them() {
    let scene = Scene::new();
    scene
        .fedhost(&["plugin", "new", "a", "--language", "javascript"])
        .expect_code(0);
    let built = scene
        .fedhost(&["plugin", "build", "a", "--tools", "nowhere"])
        .expect_code(1);
    for words in [
        "JavaScript needs componentize-js",
        "nowhere",
        "hint:",
        "--install-tools",
    ] {
        assert!(
            built.stderr.contains(words),
            "no {words:?} in {}",
            built.stderr
        );
    }
    assert!(!scene.path("plugins/a.wasm").exists());
}

#[test]
fn rows_that_cannot_be_tried_are_reported_with_their_place() {
    let scene = Scene::new();
    scene.write("rows.csv", "a,b\n1,2\n3,x\n");
    let component = fedhost_e2e::plugins()
        .join("standard-scaler.wasm")
        .display()
        .to_string();
    let refused = scene
        .fedhost(&["plugin", "try", &component, "rows.csv"])
        .expect_code(2);
    assert!(
        refused
            .stderr
            .contains("rows.csv:3: column \"b\" holds \"x\", which is not a number"),
        "{}",
        refused.stderr
    );
    let tried = scene
        .fedhost(&[
            "plugin", "try", &component, "rows.csv", "--ignore", "b", "--json",
        ])
        .expect_code(0);
    assert_eq!(tried.json()["columns"][0], "a");
    let table = scene
        .fedhost(&["plugin", "try", &component, "rows.csv", "--ignore", "b"])
        .expect_code(0);
    assert_eq!(table.stdout.lines().count(), 3, "{}", table.stdout);
}

#[test]
fn the_scripted_guests_equal_their_templates() {
    let scene = Scene::new();
    let cases = [
        (
            "python-zscore",
            "python",
            &[
                "algorithm.py",
                "app.py",
                "card.py",
                "conversion.py",
                "detection.py",
                "test_algorithm.py",
            ][..],
        ),
        ("javascript-ewma", "javascript", &["conversion.js"][..]),
    ];
    for (name, language, shared) in cases {
        scene
            .fedhost(&[
                "plugin",
                "new",
                name,
                "--kind",
                "detector",
                "--language",
                language,
            ])
            .expect_code(0);
        for file in shared {
            let template = std::fs::read_to_string(scene.path(name).join(file)).unwrap();
            let guest = root().join("guests").join(name).join(file);
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(&guest, &template).unwrap();
            }
            assert_eq!(
                std::fs::read_to_string(&guest).unwrap(),
                template,
                "{} differs from its template (BLESS=1 writes it)",
                guest.display()
            );
        }
    }
}
