use std::collections::BTreeSet;

use super::*;
use crate::tests::load_text;

const TWO_NODES: &str = "[model]\nplugin = \"m\"\n[[fog_node]]\nid = 1\n[[fog_node]]\nid = 7\n\
                         [[sensor]]\nkind = \"simulated\"\nnode = 7\nname = \"pump\"\n";

fn manifest() -> Manifest {
    load_text(TWO_NODES, &[], &[]).unwrap().manifest
}

#[test]
fn every_role_of_a_manifest_has_one_entry_and_one_name() {
    let names: Vec<String> = manifest()
        .roles()
        .into_iter()
        .map(|spec| spec.name)
        .collect();
    assert_eq!(
        names,
        ["aggregator", "fog-node-1", "fog-node-7", "sensor-7-pump"]
    );
}

#[test]
fn every_kind_is_in_the_table_and_is_found_by_its_word() {
    let kinds: BTreeSet<RoleKind> = manifest()
        .roles()
        .iter()
        .map(|spec| spec.id.kind())
        .collect();
    assert_eq!(kinds, RoleKind::ALL.into());
    for kind in RoleKind::ALL {
        assert_eq!(kind.word().parse(), Ok(kind));
    }
    assert!("stage".parse::<RoleKind>().is_err());
}

#[test]
fn a_group_has_one_reader_and_a_topic_that_is_read_has_a_writer() {
    let manifest = manifest();
    let roles = manifest.roles();
    let mut groups = BTreeSet::new();
    for read in roles.iter().flat_map(|spec| &spec.reads) {
        let partitions_of = (read.group.clone(), read.topic.name.clone());
        assert!(groups.insert(partitions_of), "{read:?}");
    }
    let written: BTreeSet<String> = roles
        .iter()
        .flat_map(|spec| spec.writes(&manifest))
        .map(|topic| topic.name)
        .collect();
    let topics = &manifest.topics;
    for topic in [
        topics.global_model(),
        topics.model_updates(),
        topics.evaluations(),
    ] {
        let dead_letters = topics.dead_letter_of(&topic).name;
        assert!(written.contains(&topic.name), "{written:?}");
        assert!(written.contains(&dead_letters), "{written:?}");
    }
}
