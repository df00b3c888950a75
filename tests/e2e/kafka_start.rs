//! Where a new fog node begins to read.

use fedhost_bus::kafka::Properties;
use fedhost_e2e::broker::Share;
use fedhost_e2e::{Scene, on_kafka, simulated, wait_until};

use crate::kafka_security::write;

const NODE: [&str; 7] = [
    "run", "run.toml", "--json", "--role", "fog-node", "--node", "1",
];

#[test]
fn a_node_that_begins_at_the_newest_reading_misses_none_from_then_on() {
    let (share, scene) = (Share::new(), Scene::new());
    let manifest = on_kafka(&simulated(600, 2), share.address(), share.prefix());
    scene.write(
        "run.toml",
        manifest.replace(
            "[kafka.consumer]",
            "[kafka.consumer]\nauto_offset_reset = \"latest\"",
        ),
    );
    scene
        .fedhost(&["topics", "create", "run.toml", "-q"])
        .expect_code(0);
    let (topic, properties) = (share.topic("sensor-data-node-1"), Properties::default());
    let properties = properties.with([("bootstrap.servers", share.address())]);
    let ask = |arguments: &[&str]| {
        scene
            .fedhost(&[arguments, &["--json"]].concat())
            .expect_code(0)
            .json()
    };
    let has_its_place = || {
        let lag = ask(&["topics", "lag", "run.toml"]);
        let mut groups = lag["groups"].as_array().unwrap().iter();
        groups.any(|lag| lag["topic"] == *topic && lag["committed"] == 3)
    };
    // Given what was there before the node, none of which it could read
    (0..3).for_each(|_| write(&properties, &topic, "no reading"));
    // When it has its place, and is killed before it has read anything
    let node = scene.start(&NODE);
    wait_until("it has its place", has_its_place);
    node.kill();
    // Then after a restart it takes what came meanwhile, and nothing from before
    write(&properties, &topic, "no reading either");
    let mut node = scene.start(&NODE);
    let skipped = node.wait_for("record_skipped");
    assert_eq!(skipped["offset"], 3, "{skipped}");
    node.interrupt();
    assert_eq!(scene.events_named("record_skipped").len(), 1);
}
