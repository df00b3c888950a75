use super::*;

const DRAIN: Duration = Duration::from_secs(5);

/// A group of one topic, driven without a log.
struct Table {
    groups: Groups,
    now: Instant,
}

impl Table {
    fn new() -> Self {
        Self {
            groups: Groups::new(DRAIN),
            now: fedhost_base::clock::now(),
        }
    }

    /// A member of a topic with two partitions.
    fn join(&self) -> Id {
        let mut readers = self.groups.lock();
        let entry = readers.shared.entry("g".to_owned()).or_default();
        for partition in 0..2 {
            entry.slots.entry(place(partition)).or_default();
        }
        let id = epoch::next();
        let joined = Joined {
            topics: BTreeSet::from([Arc::from("t")]),
            wake: Arc::default(),
        };
        entry.members.insert(id, joined);
        self.groups.rearrange(entry, self.now);
        id
    }

    /// Takes and holds what the member may take.
    fn take(&self, member: Id) -> Vec<(Place, u64)> {
        let claimed = self.groups.claim("g", member, self.now).into_iter();
        let held = |place: Place| {
            let epoch = self.groups.hold("g", member, &place)?;
            Some((place, epoch))
        };
        claimed.filter_map(held).collect()
    }

    fn standing(&self, (place, epoch): &(Place, u64)) -> Standing {
        self.groups.standing("g", place, *epoch)
    }

    fn check(&self, ((topic, partition), epoch): &(Place, u64)) -> bool {
        let offset = GroupOffset {
            group: "g".into(),
            topic: Arc::clone(topic),
            partition: *partition,
            next: 1,
            epoch: Some(*epoch),
        };
        self.groups.check(&[offset]).is_ok()
    }
}

fn place(partition: u32) -> Place {
    ("t".into(), partition)
}

#[test]
fn a_partition_moves_once_it_is_released() {
    let table = Table::new();
    // Given a member with both partitions
    let first = table.join();
    let held = table.take(first);
    assert_eq!(held.len(), 2);
    // When another one joins, then it gets nothing before one is released
    let second = table.join();
    assert_eq!(table.take(second), []);
    assert_eq!(table.standing(&held[0]), Standing::Held);
    assert_eq!(
        table.standing(&held[1]),
        Standing::Leaving(table.now + DRAIN)
    );
    assert!(table.check(&held[1]), "it may finish");
    table.groups.release("g", &held[1].0, held[1].1);
    let moved = table.take(second);
    assert_eq!(moved[0].0, place(1));
    // And the first one's ownership is over
    assert!(table.check(&moved[0]) && !table.check(&held[1]));
}

#[test]
fn an_owner_that_does_not_release_is_fenced_when_its_time_is_over() {
    let mut table = Table::new();
    let first = table.join();
    let held = table.take(first);
    let second = table.join();
    assert_eq!(table.groups.due("g", second), Some(table.now + DRAIN));
    table.now += DRAIN;
    // When the second claims it, then the first may not write any more, before the second holds it
    assert_eq!(table.groups.claim("g", second, table.now), [place(1)]);
    assert!(!table.check(&held[1]));
    assert_eq!(table.standing(&held[1]), Standing::Ended);
    // And a late release changes nothing
    table.groups.release("g", &held[1].0, held[1].1);
    assert!(table.groups.hold("g", second, &place(1)).is_some());
}

#[test]
fn what_a_member_had_is_free_when_it_leaves() {
    let table = Table::new();
    let first = table.join();
    let held = table.take(first);
    let second = table.join();
    table.groups.leave("g", first, &held, table.now);
    assert_eq!(table.take(second).len(), 2);
    assert!(!table.check(&held[0]) && !table.check(&held[1]));
}

#[test]
fn a_claim_of_a_member_that_left_is_free_again() {
    let table = Table::new();
    let first = table.join();
    assert_eq!(table.groups.claim("g", first, table.now).len(), 2);
    let second = table.join();
    table.groups.leave("g", first, &[], table.now);
    assert_eq!(table.groups.hold("g", first, &place(0)), None);
    assert_eq!(table.take(second).len(), 2);
}

#[test]
fn an_offset_without_an_epoch_is_refused_while_members_share() {
    let table = Table::new();
    let bare = GroupOffset {
        group: "g".into(),
        topic: "t".into(),
        partition: 0,
        next: 1,
        epoch: None,
    };
    assert!(table.groups.check(std::slice::from_ref(&bare)).is_ok());
    let member = table.join();
    assert!(table.groups.check(std::slice::from_ref(&bare)).is_err());
    table.groups.leave("g", member, &[], table.now);
    assert!(table.groups.check(&[bare]).is_ok());
}
