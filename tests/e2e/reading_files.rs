//! Files of rows as people have them: read alike by evaluations, by sensors and by `plugin try`, or
//! refused with what to do. The files lie in `tests/data/files`.

use std::path::PathBuf;

use fedhost_e2e::{Finished, Scene, catalogue, predictions, root};
use serde_json::Value;

fn data(file: &str) -> String {
    let path = root().join("tests/data/files").join(file);
    path.canonicalize()
        .unwrap_or_else(|_| path.clone())
        .display()
        .to_string()
}

/// Evaluates one plug-in on files of the folder of data.
fn evaluate(plugin: &str, file: &str, options: &[&str]) -> Finished {
    let (file, folder) = (data(file), catalogue().display().to_string());
    let usual = [
        "evaluate",
        "--plugins-dir",
        &folder,
        "--plugin",
        plugin,
        "--data",
        &file,
    ];
    Scene::new().fedhost(&[&usual[..], options].concat())
}

fn document(run: &Finished) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

/// Runs one sensor with these keys and one fog node.
fn run(scene: &Scene, model: &str, keys: &str) -> Finished {
    scene.write("run.toml", manifest(model, keys));
    scene.fedhost(&["run", "run.toml"])
}

fn manifest(model: &str, keys: &str) -> String {
    format!(
        "[bus]\ndirectory = \"data\"\n[data]\ndirectory = \"{}\"\n[plugins]\ndirectory = \"{}\"\n\
         [model]\nplugin = \"{model}\"\n[training]\nrows_per_round = \"all\"\n\
         [federation]\nmin_nodes = 1\nrounds = 2\n\
         [[sensor]]\nnode = 1\nkind = \"csv\"\n{keys}\n[[fog_node]]\nid = 1\n",
        PathBuf::from(data("")).display(),
        catalogue().display(),
    )
}

#[test]
fn files_of_many_kinds_are_evaluated_with_the_right_options() {
    let cases: [(&str, &[&str], u64, u64); 14] = [
        ("plain.csv", &["--label", "y"], 3, 80),
        ("plain.csv.gz", &["--label", "y"], 3, 80),
        ("true-false.csv", &["--label", "y"], 3, 80),
        ("cp1252.csv", &["--label", "y", "--ignore", "T °C"], 1, 80),
        (
            "minus-one.csv",
            &["--label", "y", "--anomalous", "-1"],
            3,
            80,
        ),
        (
            "swat.csv",
            &[
                "--label",
                "Normal/Attack",
                "--normal",
                "Normal",
                "--ignore",
                "Timestamp",
            ],
            3,
            80,
        ),
        (
            "decimal-comma.csv",
            &["--label", "attack", "--ignore", "t", "--decimal", ","],
            2,
            80,
        ),
        ("na.csv", &["--label", "y"], 2, 80),
        ("nan.jsonl", &["--label", "y"], 2, 80),
        ("headerless.csv", &["--no-header", "--label", "f3"], 3, 80),
        ("index.csv", &["--label", "y", "--ignore", "1"], 2, 80),
        ("trailing.csv", &["--label", "y"], 2, 80),
        (
            "cic.csv",
            &[
                "--label",
                "Label",
                "--normal",
                "BENIGN",
                "--ignore",
                "Fwd Header Length",
                "--missing",
                "Infinity",
            ],
            3,
            80,
        ),
        (
            "two-labels.csv",
            &["--label", "y", "--ignore", "changepoint"],
            2,
            80,
        ),
    ];
    for (file, options, columns, rows) in cases {
        let run = evaluate(
            "isolation-forest",
            file,
            &[options, &["--json", "-q"]].concat(),
        );
        assert_eq!(run.code, Some(0), "{file}: {}", run.stderr);
        let document = document(&run);
        assert_eq!(document["data"]["columns"], columns, "{file}");
        assert_eq!(document["data"]["rows"], rows, "{file}");
        let share = document["data"]["anomalous"].as_f64().unwrap();
        assert!(share > 0.0 && share < 0.5, "{file}: {share}");
    }
}

#[test]
fn labels_and_training_rows_may_lie_in_files_of_their_own() {
    let labels = data("machine-1-1-label.txt");
    let options = ["--no-header", "--labels-from", &labels, "--json", "-q"];
    let run = evaluate("isolation-forest", "machine-1-1.txt", &options).expect_code(0);
    assert_eq!(document(&run)["data"]["rows"], 80);
    let train = data("unlabelled.csv");
    let options = ["--label", "y", "--train", &train, "--json", "-q"];
    let run = evaluate("isolation-forest", "plain.csv", &options).expect_code(0);
    let document = document(&run);
    assert_eq!(document["protocol"], "given");
    assert_eq!(
        (&document["training_rows"], &document["scored_rows"]),
        (&80.into(), &80.into())
    );
}

#[test]
fn what_cannot_be_read_is_refused_with_the_option_that_helps() {
    let cases: [(&str, &[&str], &[&str]); 8] = [
        (
            "headerless.csv",
            &["--label", "0"],
            &["names of columns are numbers", "--no-header"],
        ),
        (
            "swat.csv",
            &["--label", "Normal/Attack", "--ignore", "Timestamp"],
            &[
                "holds \"Normal\"",
                "its values are Normal, ",
                "--normal Normal",
            ],
        ),
        (
            "decimal-comma.csv",
            &["--label", "attack", "--ignore", "t"],
            &["holds \"0,126\"", "--decimal ,"],
        ),
        (
            "plain.csv.zip",
            &["--label", "y"],
            &["a zip file that holds \"plain.csv\"", "unzip"],
        ),
        (
            "minus-one.csv",
            &["--label", "y"],
            &["holds \"-1\"", "its values are 1, -1"],
        ),
        (
            "index.csv",
            &["--label", "y"],
            &["column 1 (from 1) has no name", "--ignore 1"],
        ),
        (
            "cic.csv",
            &["--label", "Label", "--normal", "BENIGN"],
            &[
                "two columns are called \"Fwd Header Length\"",
                "--ignore 'Fwd Header Length'",
            ],
        ),
        (
            "plain.csv",
            &[],
            &["nothing says which rows are anomalous", "--labels-from"],
        ),
    ];
    for (file, options, expected) in cases {
        let run = evaluate("isolation-forest", file, options);
        assert_eq!(run.code, Some(2), "{file}: {}", run.stderr);
        for text in expected {
            assert!(run.stderr.contains(text), "{file}: {text}: {}", run.stderr);
        }
    }
}

#[test]
fn reasons_to_doubt_the_rows_are_in_the_table_the_page_and_the_document() {
    let cases: [(&str, &str, &[&str], &str, &str); 4] = [
        (
            "logistic-regression",
            "row-number/*.csv",
            &["--label", "y", "--protocol", "by-file:0.5"],
            "counting-column",
            "--ignore 'Unnamed: 0'",
        ),
        (
            "isolation-forest",
            "meter.csv",
            &["--label", "anomaly"],
            "merged-values",
            "subtract an offset",
        ),
        (
            "isolation-forest",
            "x_tr_50_1st_17.csv",
            &["--label", "Label", "--protocol", "prefix:50"],
            "one-class",
            "",
        ),
        (
            "ewma",
            "plain.csv",
            &["--label", "y"],
            "constant-training-scores",
            "--threshold best-f1",
        ),
    ];
    for (plugin, file, options, code, remedy) in cases {
        let page = "page.html";
        let scene = Scene::new();
        let (data, folder) = (data(file), catalogue().display().to_string());
        let usual = [
            "evaluate",
            "--plugins-dir",
            &folder,
            "--plugin",
            plugin,
            "--data",
            &data,
            "--report",
            page,
            "-q",
        ];
        let arguments = [&usual[..], options].concat();
        let table = scene.fedhost(&arguments).expect_code(0);
        assert!(
            table.stdout.contains("warning: ") && table.stdout.contains(remedy),
            "{file}: {}",
            table.stdout
        );
        let html = std::fs::read_to_string(scene.path(page)).unwrap();
        assert!(
            html.contains("Reasons for caution") && html.contains("Remedy: "),
            "{file}"
        );
        let run = scene
            .fedhost(&[&arguments[..], &["--json"]].concat())
            .expect_code(0);
        let document: Value = serde_json::from_str(&run.stdout).unwrap();
        let warnings = document["warnings"].as_array().unwrap();
        assert!(
            warnings.iter().any(|warning| warning["code"] == code),
            "{file}: {warnings:?}"
        );
        if code == "counting-column" {
            let checks = document["results"][0]["integrity"].as_array().unwrap();
            let check = checks
                .iter()
                .find(|check| check["check"] == "row-number")
                .unwrap();
            assert_eq!(check["kept"], Value::Null, "it cannot be checked: {check}");
        }
    }
}

#[test]
fn a_sensor_reads_what_an_evaluation_reads() {
    let cases = [
        ("plain.csv.gz", "label = \"y\""),
        ("true-false.csv", "label = \"y\""),
        ("cp1252.csv", "label = \"y\""),
        ("nan.jsonl", "label = \"y\""),
        ("trailing.csv", "label = \"y\""),
        ("minus-one.csv", "label = \"y\"\nanomalous = [\"-1\"]"),
        (
            "swat.csv",
            "label = \"Normal/Attack\"\nnormal = [\"Normal\"]\ntime = \"Timestamp\"",
        ),
        (
            "decimal-comma.csv",
            "label = \"attack\"\ndecimal = \",\"\nignore = [\"t\"]",
        ),
        ("headerless.csv", "label = \"f3\"\nno_header = true"),
    ];
    for (file, keys) in cases {
        let scene = Scene::new();
        let keys = format!("files = [\"{file}\"]\n{keys}");
        let run = run(&scene, "logistic-regression", &keys);
        assert_eq!(run.code, Some(0), "{file}: {}", run.stderr);
        assert_eq!(predictions(&scene.path("data")).len(), 80, "{file}");
        let finished = &scene.events_named("sensor_finished")[0];
        assert_eq!(
            (&finished["rows"], &finished["skipped"]),
            (&80.into(), &0.into()),
            "{file}"
        );
    }
}

#[test]
fn keys_that_do_not_fit_a_sensors_file_are_found_before_the_run() {
    let cases = [
        (
            "files = [\"minus-one.csv\"]\nlabel = \"y\"",
            "anomalous = [\"-1\"]",
        ),
        (
            "files = [\"plain.csv\"]\nlabel = \"Y\"",
            "did you mean label = \"y\"?",
        ),
        (
            "files = [\"two-labels.csv\"]\nlabel = \"y\"\nignore = [\"changepont\"]",
            "did you mean \"changepoint\"?",
        ),
        (
            "files = [\"headerless.csv\"]\nlabel = \"y\"",
            "no_header = true",
        ),
    ];
    for (keys, remedy) in cases {
        let scene = Scene::new();
        let run = run(&scene, "logistic-regression", keys);
        assert_eq!(run.code, Some(2), "{keys}: {}", run.stderr);
        assert!(run.stderr.contains(remedy), "{keys}: {}", run.stderr);
        let check = scene.fedhost(&["check", "run.toml"]).expect_code(2);
        assert!(check.stderr.contains(remedy), "{keys}: {}", check.stderr);
    }
}

#[test]
fn a_model_that_needs_no_labels_trains_on_rows_without() {
    let scene = Scene::new();
    run(&scene, "autoencoder", "files = [\"unlabelled.csv\"]").expect_code(0);
    let rounds = scene.events_named("round_closed");
    assert_eq!((rounds.len(), &rounds[0]["samples"]), (2, &80.into()));
}

#[test]
fn a_run_that_cannot_train_ends_with_the_reason() {
    let scene = Scene::new();
    let labelless = run(
        &scene,
        "logistic-regression",
        "files = [\"unlabelled.csv\"]",
    )
    .expect_code(1);
    assert!(
        labelless.stderr.contains("without labels"),
        "{}",
        labelless.stderr
    );
    for (file, content) in [
        ("empty.csv", ""),
        ("header.csv", "a,b,y\n"),
        ("refused.csv", "a,b,y\nwarm,1,0\nhot,2,0\n"),
    ] {
        let scene = Scene::new();
        scene.write(file, content);
        let manifest = manifest(
            "autoencoder",
            &format!("files = [\"{file}\"]\nlabel = \"y\""),
        );
        let here = format!("directory = \"{}\"", PathBuf::from(data("")).display());
        scene.write("run.toml", manifest.replace(&here, "directory = \".\""));
        let run = scene.fedhost(&["run", "run.toml"]).expect_code(1);
        assert!(
            run.stderr.contains("none of their rows can be trained on"),
            "{file}: {}",
            run.stderr
        );
    }
}

#[test]
fn plugin_try_reads_what_an_evaluation_reads() {
    let component = catalogue()
        .join("isolation-forest.wasm")
        .display()
        .to_string();
    for (file, options) in [
        ("plain.csv.gz", &["--label", "y"][..]),
        ("true-false.csv", &["--label", "y"]),
        ("cp1252.csv", &["--label", "y"]),
        ("minus-one.csv", &["--label", "y", "--anomalous", "-1"]),
        ("nan.jsonl", &["--label", "y"]),
    ] {
        let file = data(file);
        let usual = ["plugin", "try", &component, &file];
        let run = Scene::new()
            .fedhost(&[&usual[..], options].concat())
            .expect_code(0);
        assert_eq!(run.stdout.lines().count(), 81, "{file}: {}", run.stderr);
    }
}
