//! What a run does with what it should never have been given.

use std::fs;

use fedhost_e2e::{Scene, plugins, predictions, read_topic, simulated, wait_until, write_record};

#[test]
fn a_missing_plug_in_is_named_with_what_is_there() {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        simulated(100, 1).replace("\"logistic-regression\"", "\"logistic-regresion\""),
    );
    let run = scene.fedhost(&["run", "run.toml"]).expect_code(2);
    assert!(
        run.stderr.contains("logistic-regresion") && run.stderr.contains("\"logistic-regression\""),
        "{}",
        run.stderr
    );
}

#[test]
fn a_plug_in_of_another_kind_is_refused_with_what_it_can_do() {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        simulated(100, 1).replace(
            "plugin = \"logistic-regression\"",
            "plugin = \"standard-scaler\"",
        ),
    );
    let run = scene.fedhost(&["run", "run.toml"]).expect_code(2);
    assert!(
        run.stderr.contains("cannot both train and score"),
        "{}",
        run.stderr
    );
}

#[test]
fn wrong_parameters_are_all_named() {
    let scene = Scene::new();
    let parameters =
        "plugin = \"logistic-regression\"\nparameters = { learning_rate = -1, batchsize = 3 }";
    scene.write(
        "run.toml",
        simulated(100, 1).replace("plugin = \"logistic-regression\"", parameters),
    );
    let run = scene.fedhost(&["run", "run.toml"]).expect_code(2);
    assert!(
        run.stderr.contains("learning_rate") && run.stderr.contains("batch_size"),
        "{}",
        run.stderr
    );
}

#[test]
fn files_that_are_no_plug_ins_are_refused_and_the_others_run() {
    let scene = Scene::new();
    fs::create_dir(scene.path("plugins")).unwrap();
    for name in ["baseline-deviation.wasm", "logistic-regression.wasm"] {
        fs::copy(plugins().join(name), scene.path("plugins").join(name)).unwrap();
    }
    let whole = fs::read(plugins().join("standard-scaler.wasm")).unwrap();
    scene.write("plugins/truncated.wasm", &whole[..whole.len() / 2]);
    scene.write("plugins/text.wasm", "not WebAssembly at all");
    scene.write("plugins/core-module.wasm", b"\0asm\x01\0\0\0");
    let here = scene.path("plugins").display().to_string();
    let manifest = simulated(1_000_000, 1_000).replace("rate_hz = 0", "rate_hz = 300");
    scene.write(
        "run.toml",
        manifest.replace(&plugins().display().to_string(), &here),
    );
    // Files that the manifest does not name are loaded while the run goes on.
    let stderr = scene.path("stderr");
    let run = scene
        .prepare(&["run", "run.toml"])
        .start_with_stderr(&stderr);
    let refused = ["truncated.wasm", "text.wasm", "core-module.wasm"];
    wait_until("they are refused, and the others learn", || {
        let said = fs::read_to_string(&stderr).unwrap();
        refused.iter().all(|file| said.contains(file)) && said.matches("2/2").count() >= 2
    });
    run.send_interrupt();
    assert_eq!(run.wait_in_silence(), Some(130));
    assert_eq!(scene.events_named("plugin_failed").len(), 3);
}

#[test]
fn a_full_disk_is_said_to_be_one_and_what_was_written_is_still_there() {
    let scene = Scene::new();
    // A limit on the size of a file, smaller than a segment of the log, fails writes as a full disk
    // does.
    scene.write("run.toml", simulated(200_000, 200));
    let run = scene
        .shell("trap '' XFSZ; ulimit -f 8000; exec $FEDHOST run run.toml -q")
        .expect_code(1);
    assert!(
        run.stderr.contains("the log in data cannot write"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("hint: look for a full"),
        "{}",
        run.stderr
    );
    let before = scene.events_named("round_closed").len();

    let again = scene
        .fedhost(&[
            "run",
            "run.toml",
            "-q",
            "--rounds",
            &(before + 2).to_string(),
        ])
        .expect_code(0);
    assert!(
        again.stdout.contains(&format!("of round {}", before + 2)),
        "{}",
        again.stdout
    );
    let rounds: Vec<u64> = scene
        .events_named("round_closed")
        .iter()
        .map(|round| round["round"].as_u64().unwrap())
        .collect();
    assert_eq!(rounds, (1..=before as u64 + 2).collect::<Vec<_>>());
}

#[test]
fn a_damaged_log_is_said_to_be_damaged_and_never_shows_wrong_rows() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(2_000, 4));
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let whole = predictions(&scene.path("data"));
    let mut files: Vec<_> = walk(&scene.path("data"))
        .into_iter()
        .filter(|(_, bytes)| *bytes > 10_000)
        .collect();
    files.retain(|(path, _)| {
        path.extension()
            .is_none_or(|extension| extension != "jsonl")
            && !path.to_string_lossy().contains("compiled")
    });
    let (largest, _) = files.into_iter().max_by_key(|(_, bytes)| *bytes).unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    // The store sets room aside; what matters is what it has written.
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let middle = written / 3;
    bytes[middle..middle + 64].fill(0xa5);
    fs::write(&largest, bytes).unwrap();

    let run = scene.fedhost(&["run", "run.toml", "--rounds", "6"]);
    match run.code {
        // Refused as a whole, with what to do about it.
        Some(2) => assert!(
            run.stderr.contains("cannot be opened") && run.stderr.contains("hint:"),
            "{}",
            run.stderr
        ),
        // Or the damaged stretch is left out, and said to be.
        Some(0) => assert!(
            !scene.events_named("log_damaged").is_empty(),
            "{}",
            run.stderr
        ),
        other => panic!("ended with {other:?}: {}", run.stderr),
    }
    if run.code == Some(0) {
        for message in predictions(&scene.path("data")) {
            let id = &message["message_id"];
            if let Some(earlier) = whole.iter().find(|one| &one["message_id"] == id) {
                assert_eq!(&message, earlier);
            }
        }
    }
}

#[test]
fn an_update_that_is_none_is_kept_byte_for_byte_with_the_reason() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    write_record(
        &scene.path("data"),
        "model_updates",
        "untrusted",
        b"\xff not an update",
    );
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let rejected = &scene.events_named("update_rejected")[0];
    assert_eq!(
        (rejected["node"].as_str(), rejected["reason"].as_str()),
        (Some("untrusted"), Some("not_json"))
    );
    assert_eq!(scene.events_named("round_closed").len(), 2);
    let dead_letters = read_topic(&scene.path("data"), "model_updates.dlq");
    assert_eq!(dead_letters.len(), 1, "kept once");
    assert_eq!(dead_letters[0].value, &b"\xff not an update"[..]);
    assert_eq!(
        dead_letters[0].header("__fedhost.reason").unwrap(),
        "not_json"
    );
}

#[test]
fn a_reading_that_is_none_is_kept_and_the_others_are_scored() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    write_record(
        &scene.path("data"),
        "sensor-data-node-1",
        "untrusted",
        br#"{"sensor": "s", "temperature": "hot"}"#,
    );
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    assert_eq!(
        scene.events_named("record_skipped")[0]["reason"],
        "not_a_number"
    );
    assert_eq!(
        read_topic(&scene.path("data"), "sensor-data-node-1.dlq").len(),
        1
    );
    assert_eq!(predictions(&scene.path("data")).len(), 1_200);
}

#[test]
fn a_record_too_large_for_the_dead_letters_stops_no_role() {
    // Given a record that its topic took, and its dead-letter topic did not
    let scene = Scene::new();
    let limit = "[topics.model_updates]\nmax_message_bytes = 1048576\n\n";
    scene.write("run.toml", format!("{limit}{}", simulated(600, 2)));
    for topic in ["sensor-data-node-1", "model_updates"] {
        write_record(&scene.path("data"), topic, "untrusted", &[b'x'; 3 << 20]);
        write_record(
            &scene.path("data"),
            topic,
            "untrusted",
            b"small, and bad as well",
        );
    }
    // When a run meets it, then all the same it comes to its end, and says what it has done
    let run = scene.fedhost(&["run", "run.toml"]).expect_code(0);
    assert!(
        run.stderr.contains("without its value") && run.stderr.contains("hint: the value lies in"),
        "{}",
        run.stderr
    );
    assert_eq!(scene.events_named("round_closed").len(), 2);
    for topic in ["sensor-data-node-1", "model_updates"] {
        let dead_letters = read_topic(&scene.path("data"), &format!("{topic}.dlq"));
        let reasons: Vec<_> = dead_letters
            .iter()
            .map(|dead_letter| dead_letter.header("__fedhost.reason").unwrap())
            .collect();
        assert_eq!(
            (dead_letters.len(), reasons[0].as_ref()),
            (2, &b"too_large"[..]),
            "{topic}"
        );
        assert_eq!(
            dead_letters[0].header("__connect.errors.offset").unwrap(),
            "0"
        );
        assert_eq!(
            (dead_letters[0].value.len(), &dead_letters[1].value[..]),
            (0, &b"small, and bad as well"[..])
        );
        // It cannot be put back
        let replay = scene
            .fedhost(&["dlq", "replay", "run.toml", topic, "--force", "--dry-run"])
            .expect_code(0);
        assert!(
            replay
                .stderr
                .contains("1 dead-letter record stayed: the value was too large"),
            "{}",
            replay.stderr
        );
    }
}

fn walk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.metadata().unwrap();
        if kind.is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push((entry.path(), kind.len()));
        }
    }
    found
}
