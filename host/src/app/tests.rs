//! What derives from the table of roles shows a role that no other code names.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Options, buses, doctor, lag};
use fedhost_base::observer::NoObserver;
use fedhost_base::observer::Observer;
use fedhost_manifest::{
    ClientRole, Completion, Extent, Manifest, Read, RestartPolicy, RoleId, RoleKind, RoleSpec,
    Spooling, load,
};

fn manifest() -> Manifest {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    let text = "[model]\nplugin = \"m\"\n[[fog_node]]\nid = 1\n[[fog_node]]\nid = 2\n\
                [bus]\nkind = \"kafka\"\n[[topics.other]]\nname = \"alarms\"\n";
    std::fs::write(&path, text).unwrap();
    load(&path, [], &[]).unwrap().manifest
}

/// Reads scores, and writes alarms.
fn stage(manifest: &Manifest) -> RoleSpec {
    let topics = manifest.topics.by_key(&manifest.fog_node_ids());
    let (_, alarms) = topics
        .into_iter()
        .find(|(_, topic)| topic.name == "alarms")
        .unwrap();
    RoleSpec {
        id: RoleId::FogNode(2),
        name: "stage-alarms".to_owned(),
        clients: ClientRole::Sensor,
        reads: vec![Read {
            group: "stage-alarms".to_owned(),
            key: "predictions",
            topic: manifest.topics.predictions(),
            extent: Extent::All,
        }],
        results: vec![alarms],
        keeps_state: true,
        needs_plugins: true,
        spooling: Spooling::Writes,
        restart: RestartPolicy::Rejoin,
        completion: Completion::EndsRun,
    }
}

#[test]
fn a_new_entry_shows_up_in_lag_doctor_and_selection() {
    // Given a manifest whose table has one more role
    let manifest = manifest();
    let mut roles = manifest.roles();
    roles.push(stage(&manifest));
    // Then its group can be behind
    let is_tracked = |read: &Read| read.group == "stage-alarms" && read.topic.name == "predictions";
    assert!(lag::tracked(&roles).any(is_tracked));
    // And the doctor asks for the rights to read and write its topics
    let observer: Arc<dyn Observer> = Arc::new(NoObserver);
    let options = buses::kafka_options(&manifest, ClientRole::Admin, &observer);
    let needs = doctor::needs(&manifest, &roles, &options);
    let group = options.group("stage-alarms");
    assert!(
        needs
            .reads
            .iter()
            .any(|read| read.group == group && read.stores_offsets)
    );
    for written in ["alarms", "predictions.dlq"] {
        assert!(
            needs.writes.iter().any(|name| name == written),
            "{:?}",
            needs.writes
        );
    }
    // And `--role` and `--node` select it
    let selected = |roles: Vec<RoleSpec>, kind, node| {
        let options = Options {
            roles: BTreeSet::from([kind]),
            nodes: BTreeSet::from([node]),
            ..Options::default()
        };
        let selected = options.select(roles).into_iter();
        selected.map(|spec| spec.name).collect::<Vec<_>>()
    };
    assert_eq!(
        selected(roles.clone(), RoleKind::FogNode, 2),
        ["fog-node-2", "stage-alarms"]
    );
    assert_eq!(selected(roles, RoleKind::FogNode, 1), ["fog-node-1"]);
}

#[test]
fn topics_that_no_role_writes_are_left_to_other_programs() {
    let manifest = manifest();
    let observer: Arc<dyn Observer> = Arc::new(NoObserver);
    let options = buses::kafka_options(&manifest, ClientRole::Admin, &observer);
    let needs = doctor::needs(&manifest, &manifest.roles(), &options);
    assert!(needs.topics.iter().any(|topic| topic.name == "alarms"));
    assert!(!needs.writes.iter().any(|name| name == "alarms"));
}
