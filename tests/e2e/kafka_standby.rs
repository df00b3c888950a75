//! A second process of a role: it waits while the first is at work, and takes over when that has
//! gone.

use fedhost_e2e::broker::Share;
use fedhost_e2e::{Running, Scene, model, on_kafka, simulated, undisturbed};

struct Federation {
    scene: Scene,
    share: Share,
}

impl Federation {
    /// A process of some roles, with a folder of its own for what it keeps.
    fn start(&self, folder: &str, roles: &[&str]) -> Running {
        let folder = format!("bus.directory={folder}");
        self.scene
            .start(&[&["run", "run.toml", "--json", "--set", &folder], roles].concat())
    }

    fn stand_by(&self, folder: &str, roles: &[&str], group: &str) -> Running {
        let mut standby = self.start(folder, roles);
        assert_eq!(
            standby.wait_for("standing_by")["group"],
            self.share.topic(group)
        );
        standby
    }
}

const AGGREGATOR: [&str; 2] = ["--role", "aggregator"];
const NODE: [&str; 4] = ["--role", "fog-node", "--node", "1"];

#[test]
fn a_second_process_of_a_role_takes_over_from_one_that_was_interrupted() {
    let (share, manifest) = (
        Share::new(),
        simulated(2_600, 10).replace("rate_hz = 0", "rate_hz = 150"),
    );
    let scene = Scene::new();
    scene.write(
        "run.toml",
        on_kafka(&manifest, share.address(), share.prefix()),
    );
    let federation = Federation { scene, share };
    // Given two processes of the aggregator and of a fog node each
    let (mut aggregator, mut node) = (
        federation.start("aggregator", &AGGREGATOR),
        federation.start("node", &NODE),
    );
    let sensor = federation.start("sensor", &["--role", "sensor", "--node", "1"]);
    let others = federation.start(
        "others",
        &["--role", "fog-node", "--role", "sensor", "--node", "2"],
    );
    node.wait_for("node_trained");
    aggregator.wait_for("round_closed");
    let mut second_node = federation.stand_by("second-node", &NODE, "fog-node-1");
    let second_aggregator = federation.stand_by("second-aggregator", &AGGREGATOR, "aggregator");
    // When the first ones are interrupted
    let (code, heard) = node.interrupt();
    assert_eq!(code, Some(130));
    assert!(
        heard.iter().all(|event| event["event"] != "role_restarted"),
        "it was at work to the end: {heard:?}"
    );
    second_node.wait_for("node_trained");
    let (code, before) = aggregator.interrupt();
    assert_eq!(code, Some(130));
    assert!(
        before
            .iter()
            .all(|event| event["event"] != "role_restarted"),
        "so was the aggregator: {before:?}"
    );
    // Then the second ones continue, and the model is that of an undisturbed run
    let (code, after) = second_aggregator.rest();
    assert_eq!((code, model(&after)), (Some(0), undisturbed(&manifest)));
    assert_eq!(
        [second_node.wait(), sensor.wait(), others.wait()],
        [Some(0); 3]
    );
    assert!(
        after
            .iter()
            .filter(|event| event["event"] == "round_closed")
            .count()
            > 0,
        "{before:?}"
    );
}
