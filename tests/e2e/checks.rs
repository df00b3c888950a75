//! Manifests: everything that is wrong at once, before anything is started.

use fedhost_e2e::{Scene, root, simulated};

#[test]
fn five_mistakes_are_named_at_once_with_line_and_key_and_nothing_starts() {
    let scene = Scene::new();
    let manifest = simulated(100, 1)
        .replace("min_nodes = 2", "min_nodes = 0")
        .replace("round_interval_ms = 60000", "round_interval = 60000")
        .replace("window_rows = 1000", "window_rows = \"many\"")
        .replace(
            "kind = \"simulated\"\nrate_hz = 0\nrows = 100\nseed = 1",
            "kind = \"simulated\"\nrate_hz = -1\nseed = 1",
        )
        .replace("[[fog_node]]\nid = 2", "[[fog_node]]\nid = 3");
    scene.write("run.toml", manifest);
    for command in ["check", "run"] {
        let checked = scene.fedhost(&[command, "run.toml"]).expect_code(2);
        for key in [
            "federation.min_nodes",
            "federation.round_interval",
            "training.window_rows",
            "sensor[0].rate_hz",
            "sensor[1].node",
        ] {
            assert!(checked.stderr.contains(key), "{key} in {}", checked.stderr);
        }
        assert!(
            checked.stderr.contains("round_interval_ms"),
            "the nearest name is offered: {}",
            checked.stderr
        );
        assert!(checked.stderr.contains("run.toml:"), "{}", checked.stderr);
    }
    assert!(!scene.path("data").exists(), "nothing was started");
}

#[test]
fn problems_come_as_json_too() {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        simulated(100, 1).replace("min_nodes = 2", "min_nodes = 0"),
    );
    let checked = scene
        .fedhost(&["check", "run.toml", "--json"])
        .expect_code(2);
    assert_eq!(
        checked.json()["problems"][0]["key_path"],
        "federation.min_nodes"
    );
}

#[test]
fn warnings_of_settings_are_shown_without_a_run() {
    let scene = Scene::new();
    let weak = "[kafka]\ndelivery = \"at-least-once\"\n[kafka.producer]\nacks = 1\nenable_idempotence = false\n\n";
    let manifest = simulated(100, 1).replace("[bus]\n", "[bus]\nkind = \"kafka\"\n");
    scene.write("run.toml", format!("{weak}{manifest}"));
    let checked = scene.fedhost(&["check", "run.toml"]).expect_code(0);
    for warning in ["warning: kafka: acks = 1", "enable_idempotence = false"] {
        assert!(checked.stderr.contains(warning), "{}", checked.stderr);
    }
    let json = scene
        .fedhost(&["check", "run.toml", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(json["warnings"].as_array().unwrap().len(), 2, "{json}");
}

#[test]
fn the_schema_of_manifests_is_a_json_schema() {
    let schema = Scene::new()
        .fedhost(&["check", "--schema"])
        .expect_code(0)
        .json();
    assert!(schema["$schema"].is_string() && schema["properties"]["federation"].is_object());
}

#[test]
fn the_effective_manifest_says_where_each_value_comes_from() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(100, 1));
    let script =
        "FEDHOST__MODEL__SEED=11 $FEDHOST check run.toml --print --set federation.rounds=9";
    let printed = scene.shell(script).expect_code(0).stdout;
    let line = |key: &str| {
        printed
            .lines()
            .find(|line| line.trim_start().starts_with(key))
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        line("seed = 11").contains("FEDHOST__MODEL__SEED"),
        "{printed}"
    );
    assert!(line("rounds = 9").contains("--set"), "{printed}");
    assert!(line("min_nodes = 2").contains("run.toml:"), "{printed}");
    assert!(
        line("max_staleness_rounds").contains("default"),
        "{printed}"
    );
}

#[test]
fn every_manifest_that_comes_with_the_source_is_sound() {
    let scene = Scene::new();
    for folder in ["valve1", "valve2", "other"] {
        for run in 0..3 {
            scene.write(
                &format!("skab/{folder}/{run}.csv"),
                "datetime;Pressure;anomaly;changepoint\n2020;1;0;0\n",
            );
        }
    }
    for name in ["demo.toml", "skab.toml", "skab-central.toml"] {
        let path = root().join("config").join(name);
        scene
            .shell(&format!("SKAB_DIR=skab $FEDHOST check {}", path.display()))
            .expect_code(0);
    }
}

#[test]
fn every_manifest_in_the_readme_is_sound() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let snippets: Vec<&str> = readme
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert!(!snippets.is_empty());
    for snippet in snippets {
        let scene = Scene::new();
        scene.write("readme.toml", snippet);
        scene.fedhost(&["check", "readme.toml"]).expect_code(0);
    }
}

#[test]
fn help_teaches_every_command() {
    let scene = Scene::new();
    let commands: [&[&str]; 14] = [
        &[],
        &["run"],
        &["check"],
        &["doctor"],
        &["report"],
        &["plugin", "list"],
        &["plugin", "inspect"],
        &["plugin", "build"],
        &["topics", "create"],
        &["topics", "list"],
        &["topics", "describe"],
        &["topics", "lag"],
        &["topics", "recommend"],
        &["completions"],
    ];
    for command in commands {
        let help = scene
            .fedhost(&[command, &["--help"]].concat())
            .expect_code(0);
        assert!(
            help.stdout.contains("Example") || help.stdout.contains("Start here"),
            "{}",
            help.stdout
        );
    }
    assert!(
        scene
            .fedhost(&["completions", "bash"])
            .expect_code(0)
            .stdout
            .contains("fedhost")
    );
}
