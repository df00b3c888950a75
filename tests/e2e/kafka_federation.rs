//! A federation on Kafka is the federation on the embedded log: the same model, to the last bit.

use fedhost_e2e::broker::Share;
use fedhost_e2e::{Scene, model, on_kafka, simulated, undisturbed};

const ROWS: u64 = 600;
const ROUNDS: u64 = 2;

/// A folder with a federation whose names on the cluster are those of the share.
fn scene(share: &Share, manifest: &str) -> Scene {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        on_kafka(manifest, share.address(), share.prefix()),
    );
    scene
}

#[test]
fn it_ends_in_the_same_model_as_on_the_embedded_log_however_it_is_written_and_delivered() {
    let manifest = simulated(ROWS, ROUNDS);
    let ways = [
        ("exactly-once", "json", "gzip", "gzip"),
        ("exactly-once", "binary", "zstd", "zstd"),
        ("at-least-once", "json", "zstd", "zstd"),
        ("at-least-once", "binary", "none", "lz4"),
    ];
    // When it runs in every way, all at the same time
    let running = ways.map(|(delivery, wire, inside, outside)| {
        let share = Share::new();
        let scene = scene(&share, &manifest);
        let sets = [
            format!("kafka.delivery={delivery}"),
            format!("federation.wire={wire}"),
            format!("federation.compression={inside}"),
            format!("kafka.producer.compression_type={outside}"),
        ];
        let mut arguments = vec!["run", "run.toml", "--json"];
        arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
        let run = scene.start(&arguments);
        (run, scene, share)
    });
    // Then the model is the same
    let expected = undisturbed(&manifest);
    for ((run, _scene, _share), way) in running.into_iter().zip(ways) {
        let (code, events) = run.rest();
        assert_eq!(
            (code, model(&events)),
            (Some(0), expected.clone()),
            "{way:?}"
        );
    }
}

#[test]
fn roles_in_processes_of_their_own_make_the_same_model() {
    let (share, manifest) = (Share::new(), simulated(ROWS, ROUNDS));
    let scene = scene(&share, &manifest);
    // Given a process for each role, with a folder of its own for what it keeps
    let start = |folder: &str, role: &str, node: &[&str]| {
        let folder = format!("bus.directory={folder}");
        scene.start(
            &[
                &[
                    "run", "run.toml", "--json", "--set", &folder, "--role", role,
                ],
                node,
            ]
            .concat(),
        )
    };
    let aggregator = start("aggregator", "aggregator", &[]);
    let others = ["1", "2"].map(|node| {
        ["fog-node", "sensor"].map(|role| start(&format!("{role}-{node}"), role, &["--node", node]))
    });
    // When all have done their work
    for process in others.into_iter().flatten() {
        assert_eq!(process.wait(), Some(0));
    }
    let (code, events) = aggregator.rest();
    // Then the model is that of a single process
    assert_eq!((code, model(&events)), (Some(0), undisturbed(&manifest)));
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped() {
    let (share, manifest) = (
        Share::new(),
        simulated(1_600, 6).replace("rate_hz = 0", "rate_hz = 300"),
    );
    let scene = scene(&share, &manifest);
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    run.wait_for("round_closed");
    // When it is interrupted
    let (code, events) = run.interrupt();
    assert_eq!(code, Some(130));
    assert_eq!(events.last().unwrap()["outcome"], "interrupted");
    // And started again
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    // Then it continues, each round is closed once, and the model is that of an uninterrupted run
    assert!(
        scene.events_named("run_started")[1]["resumed_round"]
            .as_u64()
            .unwrap()
            >= 1
    );
    let rounds: Vec<u64> = scene
        .events_named("round_closed")
        .iter()
        .map(|round| round["round"].as_u64().unwrap())
        .collect();
    assert_eq!(rounds, [1, 2, 3, 4, 5, 6]);
    assert_eq!(model(&scene.events()), undisturbed(&manifest));
}

#[test]
fn two_federations_on_one_cluster_do_not_notice_each_other() {
    // Given the same roles and topics twice, under names of their own, with different rows
    let manifests = [
        simulated(ROWS, ROUNDS),
        simulated(ROWS, ROUNDS).replace("seed = ", "seed = 1"),
    ];
    let running = manifests.each_ref().map(|manifest| {
        let share = Share::new();
        let scene = scene(&share, manifest);
        (scene.start(&["run", "run.toml", "--json"]), scene, share)
    });
    // When they run at the same time, then each makes its own model and rejects no update
    let models = running.map(|(run, scene, _share)| {
        let (code, events) = run.rest();
        assert_eq!(code, Some(0));
        for name in [
            "connection_lost",
            "role_restarted",
            "standing_by",
            "update_rejected",
        ] {
            assert_eq!(scene.events_named(name).len(), 0, "{name}");
        }
        model(&events)
    });
    assert_ne!(models[0], models[1]);
    assert_eq!(models, manifests.map(|manifest| undisturbed(&manifest)));
}
