//! Models above the record limit of their topics travel in chunks, with the same results.

use std::fmt::Write as _;

use fedhost_e2e::broker::{Broker, BrokerOptions};
use fedhost_e2e::{Scene, plugins};

/// Columns of a reading, so that models of them are a few kilobytes.
const COLUMNS: u32 = 200;
const ROUNDS: u32 = 3;

/// Rows with a third of anomalies.
fn csv(node: u32) -> String {
    let columns: Vec<String> = (0..COLUMNS).map(|column| format!("c{column}")).collect();
    let mut text = format!("time;{};anomaly\n", columns.join(";"));
    for row in 0..150_u32 {
        let anomalous = row % 3 == 0;
        write!(text, "2020-01-01 00:{row}").unwrap();
        for column in 0..COLUMNS {
            let wave = f64::from((row * 37 + column * 11 + node) % 13) / 13.0;
            write!(text, ";{:.3}", wave + if anomalous { 2.0 } else { 0.0 }).unwrap();
        }
        writeln!(text, ";{}", u8::from(anomalous)).unwrap();
    }
    text
}

fn manifest(bus: &str) -> String {
    let nodes: String = (1..=2)
        .map(|node| {
            format!(
                "[[sensor]]\nname = \"pump-{node}\"\nnode = {node}\nkind = \"csv\"\nfiles = [\"{node}.csv\"]\n\
                 delimiter = \";\"\ntime = \"time\"\nlabel = \"anomaly\"\n[[fog_node]]\nid = {node}\n"
            )
        })
        .collect();
    format!(
        "[bus]\n{bus}directory = \"data\"\n[plugins]\ndirectory = \"{}\"\n\
         [preprocess]\nplugin = \"baseline-deviation\"\nparameters = {{ window = 20 }}\n\
         [model]\nplugin = \"logistic-regression\"\n\
         [federation]\nmin_nodes = 2\nrounds = {ROUNDS}\ncompression = \"none\"\nround_interval_ms = 60000\n\
         [training]\nrows_per_round = \"all\"\n{nodes}",
        plugins().display()
    )
}

/// The final model of a federation on `bus`, by its sha256.
fn final_model(bus: &str, further: &[&str]) -> (Scene, String) {
    let scene = Scene::new();
    (1..=2).for_each(|node| drop(scene.write(&format!("{node}.csv"), csv(node))));
    scene.write("run.toml", manifest(bus));
    let set: Vec<&str> = further
        .iter()
        .flat_map(|setting| ["--set", setting])
        .collect();
    scene
        .fedhost(&[&["run", "run.toml", "-q"], &set[..]].concat())
        .expect_code(0);
    let last = scene.events_named("round_closed").pop().unwrap();
    assert_eq!(last["round"], ROUNDS);
    let sha256 = last["weights_sha256"].as_str().unwrap().to_owned();
    (scene, sha256)
}

#[test]
fn a_federation_whose_models_are_above_the_limit_of_their_topics_ends_with_the_same_model() {
    let broker = Broker::start(BrokerOptions::default());
    let (_, embedded) = final_model("", &[]);
    for delivery in ["exactly-once", "at-least-once"] {
        let servers = format!(
            "kafka.bootstrap_servers=[\"{}\"]",
            broker.address("plaintext")
        );
        let kafka = [
            servers,
            format!("kafka.delivery={delivery}"),
            format!("kafka.transactional_id_prefix={delivery}"),
            format!("kafka.group_prefix={delivery}."),
            format!("topics.prefix={delivery}."),
        ];
        // The smallest limit that there is: models, updates, readings and state are all larger
        let limits = [
            "global_model",
            "model_updates",
            "sensor_data",
            "predictions",
            "evaluations",
            "state",
        ]
        .map(|topic| format!("topics.{topic}.max_message_bytes=1024"));
        let settings: Vec<&str> = kafka.iter().chain(&limits).map(String::as_str).collect();
        let (scene, chunked) = final_model("kind = \"kafka\"\n", &settings);
        assert_eq!(chunked, embedded, "{delivery}");
        let trouble: Vec<_> = [
            "update_rejected",
            "record_skipped",
            "warned",
            "role_restarted",
        ]
        .iter()
        .flat_map(|name| scene.events_named(name))
        .collect();
        assert_eq!(trouble, Vec::<serde_json::Value>::new(), "{delivery}");
        // And they travelled in chunks, as the output says
        let described = scene.fedhost(
            &[
                &["topics", "describe", "run.toml"],
                &settings
                    .iter()
                    .flat_map(|one| ["--set", one])
                    .collect::<Vec<_>>()[..],
            ]
            .concat(),
        );
        assert!(
            described
                .stdout
                .contains("records above 1024 bytes travel in chunks"),
            "{}",
            described.stdout
        );
        let offsets = broker.tool(
            "org.apache.kafka.tools.GetOffsetShell",
            &[
                "--topic",
                &format!("{delivery}.global_model"),
                "--time",
                "-1",
            ],
        );
        let end: u32 = offsets.trim().rsplit(':').next().unwrap().parse().unwrap();
        assert!(
            end >= ROUNDS * 4,
            "a model is at least four records: {offsets}"
        );
    }
}
