//! Divides partitions among members: evenly, and moving as few as that takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Id, Place};

/// Who is to have each partition, given who has it now. A member gets partitions only of its own
/// topics; a partition that no member wants is left out.
pub(super) fn balance(
    members: &BTreeMap<Id, &BTreeSet<Arc<str>>>,
    current: BTreeMap<Place, Option<Id>>,
) -> BTreeMap<Place, Id> {
    let mut loads: BTreeMap<Id, usize> = members.keys().map(|&id| (id, 0)).collect();
    let mut owners = BTreeMap::new();
    let mut free = Vec::new();
    for (place, owner) in current {
        let stays = owner.filter(|id| {
            members
                .get(id)
                .is_some_and(|topics| topics.contains(&place.0))
        });
        match stays {
            Some(id) => {
                *loads.entry(id).or_default() += 1;
                owners.insert(place, id);
            }
            None => free.push(place),
        }
    }
    for place in free {
        if let Some((id, _)) = least_loaded(members, &loads, &place) {
            *loads.entry(id).or_default() += 1;
            owners.insert(place, id);
        }
    }
    while let Some((place, from, to)) = next_move(members, &loads, &owners) {
        *loads.entry(from).or_default() -= 1;
        *loads.entry(to).or_default() += 1;
        owners.insert(place, to);
    }
    owners
}

/// A move that makes the division more even. Every one lowers the sum of squared loads, so there
/// is a last one.
fn next_move(
    members: &BTreeMap<Id, &BTreeSet<Arc<str>>>,
    loads: &BTreeMap<Id, usize>,
    owners: &BTreeMap<Place, Id>,
) -> Option<(Place, Id, Id)> {
    // The last partitions go first, so that those in front keep their owners for long.
    owners.iter().rev().find_map(|(place, &from)| {
        let (to, load) = least_loaded(members, loads, place)?;
        let own = loads.get(&from).copied().unwrap_or(0);
        (own > load + 1).then(|| (place.clone(), from, to))
    })
}

fn least_loaded(
    members: &BTreeMap<Id, &BTreeSet<Arc<str>>>,
    loads: &BTreeMap<Id, usize>,
    place: &Place,
) -> Option<(Id, usize)> {
    let wants = members
        .iter()
        .filter(|(_, topics)| topics.contains(&place.0));
    wants
        .map(|(&id, _)| (id, loads.get(&id).copied().unwrap_or(0)))
        .min_by_key(|&(id, load)| (load, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(count: u32) -> impl Iterator<Item = Place> {
        (0..count).map(|partition| (Arc::from("t"), partition))
    }

    fn topics() -> BTreeSet<Arc<str>> {
        BTreeSet::from([Arc::from("t")])
    }

    #[test]
    fn a_member_gets_partitions_of_its_own_topics_only() {
        let (t, u) = (topics(), BTreeSet::from([Arc::from("u")]));
        let members = BTreeMap::from([(1, &t), (2, &u)]);
        let owners = balance(&members, places(4).map(|place| (place, Some(2))).collect());
        assert_eq!(owners.into_values().collect::<Vec<_>>(), [1, 1, 1, 1]);
        let no_owners = BTreeMap::from([(2, &u)]);
        assert!(balance(&no_owners, places(4).map(|place| (place, None)).collect()).is_empty());
    }

    proptest! {
        #[test]
        fn partitions_are_divided_evenly_and_few_move(
            before in proptest::collection::vec(proptest::option::of(0_u64..6), 0..30),
            members in proptest::collection::btree_set(0_u64..6, 1..6),
        ) {
            let topics = topics();
            let members: BTreeMap<_, _> = members.into_iter().map(|id| (id, &topics)).collect();
            let count = u32::try_from(before.len()).unwrap();
            let current: BTreeMap<_, _> = places(count).zip(before).collect();
            let owners = balance(&members, current.clone());
            // All are given, and no member has more than one more than another
            prop_assert_eq!(owners.len(), current.len());
            let load = |id: u64| owners.values().filter(|&&owner| owner == id).count();
            let loads: Vec<usize> = members.keys().map(|&id| load(id)).collect();
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
            // Only those leave a member that are above its share
            let share = current.len().div_ceil(members.len());
            for &id in members.keys() {
                let had = current.values().filter(|&&owner| owner == Some(id)).count();
                let kept = current.iter().filter(|(place, owner)| {
                    **owner == Some(id) && owners[*place] == id
                });
                prop_assert!(kept.count() >= had.min(share.saturating_sub(1)));
            }
            // And what is even already stays as it is
            let again = owners.iter().map(|(place, id)| (place.clone(), Some(*id))).collect();
            prop_assert_eq!(balance(&members, again), owners);
        }
    }
}
