//! What a bus promises to members of a group that share the partitions of a topic.

mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fedhost_bus::{Assignment, Error, GroupOffset, Member, MemberEvent, Record, Start, Write};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use self::workers::{Worker, copies};
use super::{Case, numbered, texts};

/// Longer than a bus takes to notice anything that would happen by mistake.
const QUIET: Duration = Duration::from_millis(300);

impl Case {
    async fn join(&self, topic: &Arc<str>) -> Box<dyn Member> {
        self.bus
            .join(&self.name("g"), &[topic], Start::Earliest)
            .await
            .expect("joined")
    }
}

/// A member, and what it has by the events that it got.
struct Held {
    member: Box<dyn Member>,
    partitions: BTreeMap<u32, Assignment>,
}

impl Held {
    async fn join(case: &Case, topic: &Arc<str>) -> Self {
        Self {
            member: case.join(topic).await,
            partitions: BTreeMap::new(),
        }
    }

    async fn event(&mut self) -> MemberEvent {
        let event = self.member.next(100).await.expect("an event");
        match &event {
            MemberEvent::Assigned(assigned) => {
                let assigned = assigned.iter().map(|new| (new.partition, new.clone()));
                self.partitions.extend(assigned);
            }
            MemberEvent::Lost(lost) => {
                for (_, partition) in lost {
                    self.partitions.remove(partition);
                }
            }
            MemberEvent::Records(_) | MemberEvent::Revoking { .. } => {}
        }
        event
    }

    /// Waits until it has this number of partitions.
    async fn has(&mut self, count: usize) {
        while self.partitions.len() != count {
            let event = self.event().await;
            assert!(!matches!(event, MemberEvent::Records(_)), "{event:?}");
        }
    }

    async fn records(&mut self, count: usize) -> Vec<Record> {
        let mut records = Vec::new();
        while records.len() < count {
            if let MemberEvent::Records(more) = self.event().await {
                records.extend(more);
            }
        }
        records
    }

    /// Waits for the first partitions that it is to give up.
    async fn revoked(&mut self) -> Vec<(Arc<str>, u32)> {
        loop {
            if let MemberEvent::Revoking { partitions, .. } = self.event().await {
                return partitions;
            }
        }
    }

    fn offset(&self, partition: u32, next: u64) -> GroupOffset {
        self.partitions[&partition].offset(next)
    }
}

async fn store(case: &Case, offsets: Vec<GroupOffset>) -> Result<(), Error> {
    let write = Write {
        offsets,
        ..Write::default()
    };
    case.bus.write(write).await.map(|_| ())
}

/// The next offset behind the records of each partition.
fn behind(records: &[Record]) -> BTreeMap<u32, u64> {
    records
        .iter()
        .map(|record| (record.position.partition, record.position.offset + 1))
        .collect()
}

pub(crate) async fn a_joining_member_takes_over_after_the_drain(case: &Case) {
    let topic = case.topic("t", 4).await;
    for partition in 0..4 {
        case.write(numbered(&topic, partition, 0..5)).await;
    }
    // Given a member that has read everything, and has not stored it
    let mut first = Held::join(case, &topic).await;
    first.has(4).await;
    let read = behind(&first.records(20).await);
    // When another one joins
    let mut second = Held::join(case, &topic).await;
    // Then the first is asked for some partitions, and the second waits for them
    let leaving = tokio::select! {
        leaving = first.revoked() => leaving,
        event = second.event() => panic!("assigned before the drain: {event:?}"),
    };
    assert_eq!(leaving.len(), 2, "{leaving:?}");
    // And when what is under way is stored and released
    let offsets = leaving
        .iter()
        .map(|(_, partition)| first.offset(*partition, read[partition]));
    store(case, offsets.collect()).await.expect("still its own");
    first.member.release(&leaving);
    // Then the second continues behind it, and nothing is read twice
    second.has(2).await;
    for (partition, assignment) in &second.partitions {
        assert_eq!(assignment.next, read[partition], "partition {partition}");
    }
    for partition in 0..4 {
        case.write(numbered(&topic, partition, 5..6)).await;
    }
    assert_eq!(texts(&second.records(2).await), ["5", "5"]);
    assert_eq!(texts(&first.records(2).await), ["5", "5"]);
}

pub(crate) async fn the_partitions_of_a_dropped_member_go_to_the_others(case: &Case) {
    let topic = case.topic("t", 2).await;
    for partition in 0..2 {
        case.write(numbered(&topic, partition, 0..3)).await;
    }
    let mut first = Held::join(case, &topic).await;
    first.has(2).await;
    // Given a member that has stored a part of what it read
    let read = first.records(6).await;
    let stored = read[0].position.clone();
    let offset = first.offset(stored.partition, stored.offset + 1);
    store(case, vec![offset]).await.expect("its own");
    // When it is dropped, then another one gets all partitions, where they were stored
    let mut second = Held::join(case, &topic).await;
    drop(first);
    second.has(2).await;
    assert_eq!(second.records(5).await.len(), 5);
    assert_eq!(second.member.positions().len(), 2);
}

pub(crate) async fn a_write_of_a_member_that_lost_the_partition_is_refused(case: &Case) {
    let (topic, output) = (case.topic("t", 2).await, case.topic("output", 1).await);
    for partition in 0..2 {
        case.write(numbered(&topic, partition, 0..3)).await;
    }
    let mut first = Held::join(case, &topic).await;
    first.has(2).await;
    let read = behind(&first.records(6).await);
    // Given a member that does not release what it is asked for
    let mut second = Held::join(case, &topic).await;
    let ((_, lost), _) = tokio::join!(
        async { first.revoked().await.remove(0) },
        // When the time is over, then the next one gets it, from the stored offset
        second.has(1)
    );
    assert_eq!(second.records(3).await.len(), 3);
    store(case, vec![second.offset(lost, read[&lost])])
        .await
        .expect("its own");
    // And the first one's write is refused as a whole, whatever else it holds
    let late = Write {
        records: numbered(&output, 0, 0..1),
        offsets: vec![
            first.offset(1 - lost, read[&(1 - lost)]),
            first.offset(lost, 1),
        ],
        state: Vec::new(),
    };
    let refused = case.bus.write(late).await.expect_err("refused");
    assert!(matches!(refused, Error::Fenced { .. }), "{refused}");
    let stored = case.bus.group_offsets(&case.name("g")).await;
    let stored = stored.expect("offsets").into_iter();
    let stored: BTreeMap<_, _> = stored.map(|at| (at.partition, at.next)).collect();
    assert_eq!(stored, BTreeMap::from([(lost, read[&lost])]));
    // And it gets an event, and continues with what it has
    while first.partitions.contains_key(&lost) {
        let event = first.event().await;
        assert!(matches!(event, MemberEvent::Lost(_)), "{event:?}");
    }
    let own = first.offset(1 - lost, read[&(1 - lost)]);
    store(case, vec![own]).await.expect("still its own");
}

pub(crate) async fn a_member_without_partitions_waits_for_some(case: &Case) {
    let topic = case.topic("t", 1).await;
    case.write(numbered(&topic, 0, 0..3)).await;
    // Given more members than partitions
    let mut first = Held::join(case, &topic).await;
    first.has(1).await;
    let mut second = Held::join(case, &topic).await;
    assert_eq!(texts(&first.records(3).await), ["0", "1", "2"]);
    // Then those without wait, and are in no one's way
    let waiting = tokio::time::timeout(QUIET, second.event()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    assert_eq!(second.member.positions(), BTreeMap::new());
    case.write(numbered(&topic, 0, 3..4)).await;
    assert_eq!(texts(&first.records(1).await), ["3"]);
    // Until the others are gone
    drop(first);
    second.has(1).await;
    assert_eq!(texts(&second.records(4).await), ["0", "1", "2", "3"]);
}

pub(crate) async fn a_group_is_read_alone_or_shared(case: &Case) {
    let topic = case.topic("t", 1).await;
    let group = case.name("g");
    let member = case.join(&topic).await;
    let busy = case.bus.subscribe(&group, &[&topic], Start::Earliest).await;
    let busy = busy.err().expect("refused");
    assert!(matches!(busy, Error::GroupBusy { .. }), "{busy}");
    drop(member);
    let reader = case.read_from_start("g", &[&topic]).await;
    let busy = case.bus.join(&group, &[&topic], Start::Earliest).await;
    let busy = busy.err().expect("refused");
    assert!(matches!(busy, Error::GroupBusy { .. }), "{busy}");
    drop(reader);
}

pub(crate) async fn an_offset_without_an_epoch_does_not_move_a_shared_group(case: &Case) {
    let topic = case.topic("t", 1).await;
    case.write(numbered(&topic, 0, 0..3)).await;
    let mut member = Held::join(case, &topic).await;
    member.has(1).await;
    let bare = GroupOffset {
        epoch: None,
        ..member.offset(0, 1)
    };
    let refused = store(case, vec![bare]).await.expect_err("refused");
    assert!(matches!(refused, Error::Fenced { .. }), "{refused}");
    let stored = case.bus.group_offsets(&case.name("g")).await;
    assert_eq!(stored.expect("offsets"), []);
}

pub(crate) async fn members_that_leave_in_order_do_nothing_twice(case: &Case) {
    let (input, output) = (case.topic("t", 4).await, case.topic("output", 4).await);
    // Given members that come and go while records flow
    let mut workers = vec![Worker::start(case, &input, &output).await];
    for round in 0..3_u32 {
        for partition in 0..4 {
            case.write(numbered(&input, partition, round * 20..(round + 1) * 20))
                .await;
        }
        workers.push(Worker::start(case, &input, &output).await);
        if workers.len() > 2 {
            workers.remove(0).leave().await;
        }
    }
    // When all is done
    let done = copies(case, &output, 4 * 60).await;
    for worker in workers {
        worker.leave().await;
    }
    // Then each record was handled once, and those of a partition in order
    for partition in 0..4 {
        let expected: Vec<String> = (0..60)
            .map(|number| format!("{partition}/{number}"))
            .collect();
        assert_eq!(done[&partition], expected, "partition {partition}");
    }
}

/// Members join, leave, die and stop answering, at random, while records flow.
pub(crate) async fn members_that_come_and_go_lose_and_repeat_nothing(case: &Case) {
    const RECORDS: u32 = 150;
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (input, output) = (case.topic("t", 5).await, case.topic("output", 5).await);
    let mut workers = Vec::new();
    for round in 0..case.churn {
        let (from, to) = (
            round * RECORDS / case.churn,
            (round + 1) * RECORDS / case.churn,
        );
        for partition in 0..5 {
            case.write(numbered(&input, partition, from..to)).await;
        }
        if workers.len() < 2 || random.random_bool(0.5) && workers.len() < 7 {
            workers.push(Worker::start(case, &input, &output).await);
            continue;
        }
        let worker: Worker = workers.remove(random.random_range(0..workers.len()));
        match random.random_range(0..3) {
            0 => worker.leave().await,
            1 => worker.die(),
            // It answers again when another one has its partitions.
            _ => worker.hang(case.drain * 2),
        }
    }
    workers.push(Worker::start(case, &input, &output).await);
    // When all is done, by members that are still there
    let done = copies(case, &output, 5 * RECORDS as usize).await;
    // Then each record took effect once, and those of a partition in order
    for partition in 0..5 {
        let expected: Vec<String> = (0..RECORDS)
            .map(|number| format!("{partition}/{number}"))
            .collect();
        if !case.repeats {
            assert_eq!(done[&partition], expected, "partition {partition}");
            continue;
        }
        let mut seen = BTreeSet::new();
        let first = done[&partition].iter().filter(|text| seen.insert(*text));
        assert!(
            first.eq(expected.iter()),
            "partition {partition}: {:?}",
            done[&partition]
        );
    }
}
