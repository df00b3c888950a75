use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A segment of `commits` commits with one value each, and where each entry ends.
fn segment(commits: u64) -> (Vec<u8>, Vec<usize>) {
    let mut content = Vec::new();
    let mut ends = Vec::new();
    for commit in 1..=commits {
        let puts = Puts::from([(b"key".to_vec(), Some(Bytes::from(vec![7; 20])))]);
        let body = encode_puts(puts.iter().map(|(key, value)| (key, value.as_ref())));
        head(commit).write(&body, 0, &mut content);
        ends.push(content.len());
    }
    (content, ends)
}

fn head(commit: u64) -> Head<'static> {
    Head {
        kind: Kind::Commit,
        commit,
        topic: "",
        partition: 0,
        number: 0,
    }
}

fn commits(survey: &Survey<'_>) -> Vec<u64> {
    survey
        .entries
        .iter()
        .map(|entry| entry.head.commit)
        .collect()
}

proptest! {
    #[test]
    fn a_changed_byte_costs_its_entry_only(at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let (mut content, ends) = segment(5);
        let at = at.index(content.len());
        content[at] ^= change;
        let hit = ends.iter().position(|end| at < *end).unwrap() as u64 + 1;
        let survey = Survey::of(&content).expect("of this version");
        let expected: Vec<u64> = (1..=5).filter(|commit| *commit != hit).collect();
        prop_assert_eq!(commits(&survey), expected);
        prop_assert_eq!(survey.damaged.len(), 1);
        prop_assert!(survey.damaged[0].contains(&at));
        prop_assert_eq!(survey.end, content.len());
    }

    #[test]
    fn an_unfinished_entry_is_no_damage(at in any::<prop::sample::Index>()) {
        let (mut content, ends) = segment(5);
        content.truncate(at.index(content.len()));
        let survey = Survey::of(&content).expect("of this version");
        let whole = ends.iter().filter(|end| **end <= content.len()).count();
        prop_assert_eq!(commits(&survey).len(), whole);
        prop_assert_eq!(&survey.damaged, &[]);
        prop_assert_eq!(survey.end, whole.checked_sub(1).map_or(0, |last| ends[last]));
    }

    #[test]
    fn any_bytes_are_surveyed_without_a_panic(content in vec(any::<u8>(), 0..200)) {
        let content = [MAGIC, &content].concat();
        let _ = Survey::of(&content);
    }
}

#[test]
fn a_copy_of_an_entry_at_another_place_is_none() {
    let (content, _) = segment(1);
    let mut moved = vec![1; 10];
    moved.extend(&content);
    let survey = Survey::of(&moved).unwrap();
    assert!(commits(&survey).is_empty());
    assert_eq!(survey.damaged.first(), Some(&(0..moved.len())));
}

#[test]
fn zeros_between_entries_are_no_entry() {
    let (mut content, ends) = segment(3);
    content[ends[0]..ends[1]].fill(0);
    let survey = Survey::of(&content).unwrap();
    assert_eq!(commits(&survey), [1, 3]);
    assert_eq!(survey.zeros.first(), Some(&(ends[0]..ends[1])));
}

#[test]
fn an_entry_of_a_later_version_is_told_apart_from_damage() {
    let (mut content, _) = segment(1);
    content[MAGIC.len()] = 9;
    let checksum = xxh3_64_with_seed(&content[..HEAD_BYTES], 0);
    content[HEAD_BYTES..][..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(Survey::of(&content), Err(LaterVersion(9)));
}
