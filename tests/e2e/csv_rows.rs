//! Rows from CSV files: held-out runs, rows that are none.

use std::fmt::Write as _;

use fedhost_e2e::{Scene, plugins, predictions};

/// A run of 300 rows whose second half is shifted: the anomaly.
fn csv(shift: f64) -> String {
    let mut text = "time;pressure;flow;anomaly\n".to_owned();
    for row in 0..300_u32 {
        let wave = f64::from(row * 37 % 11) / 11.0;
        let anomalous = (150..200).contains(&row);
        let pressure = wave + if anomalous { shift } else { 0.0 };
        writeln!(
            text,
            "2020-01-01 00:{row};{pressure:.4};{:.4};{}",
            1.0 - wave,
            u8::from(anomalous)
        )
        .unwrap();
    }
    text
}

fn manifest() -> String {
    format!(
        "[bus]\ndirectory = \"data\"\n[plugins]\ndirectory = \"{}\"\n\
         [preprocess]\nplugin = \"baseline-deviation\"\nparameters = {{ window = 100 }}\n\
         [model]\nplugin = \"logistic-regression\"\n\
         [federation]\nmin_nodes = 1\nrounds = 5\n\
         [training]\nrows_per_round = \"all\"\n\
         [[sensor]]\nname = \"pump\"\nnode = 1\nkind = \"csv\"\nfiles = [\"runs/*.csv\"]\ndelimiter = \";\"\n\
         time = \"time\"\nlabel = \"anomaly\"\nhold_out = 0.67\n\
         [[fog_node]]\nid = 1\n",
        plugins().display()
    )
}

#[test]
fn held_out_runs_are_scored_in_every_round_and_never_trained_on() {
    let scene = Scene::new();
    for run in 0..3 {
        scene.write(&format!("runs/{run}.csv"), csv(3.0));
    }
    scene.write("run.toml", manifest());
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let rounds = scene.events_named("round_closed");
    assert!(
        rounds.iter().all(|round| round["samples"] == 300),
        "one of three runs is trained on: {}",
        rounds[0]
    );
    let evaluations = scene.events_named("round_evaluated");
    assert_eq!(evaluations.len(), 5);
    let after = &evaluations[4]["after"];
    assert_eq!(
        (after["rows"].as_u64(), after["anomalous"].as_u64()),
        (Some(600), Some(100))
    );
    assert!(after["roc_auc"].as_f64().unwrap() > 0.95, "{after}");
    assert_eq!(evaluations[4]["before"], evaluations[3]["after"]);
}

#[test]
fn bad_rows_are_named_by_file_and_line_and_nothing_else_is_lost() {
    let scene = Scene::new();
    let good = csv(3.0);
    scene.write("runs/0.csv", &good);
    let damaged = good
        .replacen("2020-01-01 00:3;", "2020-01-01 00:3;;;", 1)
        .replacen("2020-01-01 00:7;", "2020-01-01 00:7;warm", 1);
    scene.write("runs/1.csv", damaged);
    scene.write("runs/2.csv", "");
    scene.write(
        "run.toml",
        manifest().replace("hold_out = 0.67", "hold_out = 0.0"),
    );
    let run = scene.fedhost(&["run", "run.toml"]).expect_code(0);
    let skipped = scene.events_named("record_skipped");
    let found: Vec<(u64, &str)> = skipped
        .iter()
        .map(|event| {
            (
                event["offset"].as_u64().unwrap(),
                event["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [(5, "ragged_row"), (9, "not_a_number"), (1, "no_columns")]
    );
    assert!(
        run.stderr.contains("1.csv") && run.stderr.contains("ragged_row"),
        "{}",
        run.stderr
    );
    let finished = &scene.events_named("sensor_finished")[0];
    assert_eq!(
        (finished["rows"].as_u64(), finished["skipped"].as_u64()),
        (Some(598), Some(3))
    );
    assert_eq!(predictions(&scene.path("data")).len(), 598);
}
