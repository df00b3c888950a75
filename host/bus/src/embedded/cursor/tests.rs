use std::sync::Mutex;

use tokio::sync::oneshot;

use super::*;
use crate::embedded::Fsync;
use crate::embedded::commit::Commit;
use crate::embedded::store::Store;
use crate::{NewRecord, TopicSpec, Write};
use fedhost_base::event::Damage;

/// A partition with six batches of ten records.
struct Fixture {
    store: Store,
    announced: Arc<Mutex<Vec<Damage>>>,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let announced = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&announced);
        let damages = Damages::new(
            Arc::new(move |damage| told.lock().unwrap().push(damage)),
            Arc::new(|_| {}),
        );
        let store = Store::open(directory.path(), 1 << 20, Fsync::Never, damages).unwrap();
        let (retention_ms, retention_bytes) = (None, None);
        let name = "t".to_owned();
        let spec = TopicSpec {
            name,
            partitions: 1,
            retention_ms,
            retention_bytes,
            max_message_bytes: 1_000,
            ..TopicSpec::default()
        };
        store.create_topic(spec).unwrap();
        let fixture = Self {
            store,
            announced,
            _directory: directory,
        };
        (0..6).for_each(|_| fixture.write(10));
        fixture
    }

    fn write(&self, count: usize) {
        let record = || NewRecord {
            topic: "t".into(),
            partition: None,
            timestamp_ms: 0,
            key: None,
            value: "x".into(),
            headers: Vec::new(),
        };
        let records = (0..count).map(|_| record()).collect();
        let mut commit = Commit::new(&self.store);
        commit.add(
            Write {
                records,
                ..Write::default()
            },
            oneshot::channel().0,
        );
        commit.finish();
    }

    fn partition(&self) -> Arc<Partition> {
        Arc::clone(&self.store.topic("t").unwrap().partitions[0])
    }

    /// As if nothing could be read there any more.
    fn lose(&self, batches: &[u64]) {
        batches
            .iter()
            .for_each(|number| self.partition().chain.lose(*number));
    }

    /// The offsets that a reader from `start` gets, in reads of `max`.
    fn read(&self, start: u64, max: usize) -> Vec<u64> {
        let mut cursor = Cursor::new(&self.partition(), start);
        let mut records = Vec::new();
        loop {
            let before = records.len();
            cursor.take(max, &mut records, &self.store.damages);
            if records.len() == before {
                break;
            }
        }
        records
            .iter()
            .map(|record| record.position.offset)
            .collect()
    }

    fn announced(&self) -> Vec<(u64, u64)> {
        self.announced
            .lock()
            .unwrap()
            .iter()
            .map(|damage| (damage.from, damage.to))
            .collect()
    }
}

#[test]
fn whichever_batches_are_lost_the_others_are_read_and_the_loss_is_told_once() {
    let cases = [
        (vec![], vec![]),
        (vec![0], vec![(0, 10)]),
        (vec![2], vec![(20, 30)]),
        (vec![5], vec![(50, 60)]),
        (vec![1, 2, 4], vec![(10, 30), (40, 50)]),
        (vec![0, 5], vec![(0, 10), (50, 60)]),
        (vec![0, 1, 2, 3, 4, 5], vec![(0, 60)]),
    ];
    for (lost, told) in cases {
        // Given a partition that lost some of its batches
        let fixture = Fixture::new();
        fixture.lose(&lost);
        let expected: Vec<u64> = (0..60)
            .filter(|offset| !lost.contains(&(offset / 10)))
            .collect();
        // When it is read several times, in small pieces and in large ones
        for max in [1, 7, 100] {
            assert_eq!(
                fixture.read(0, max),
                expected,
                "lost {lost:?}, {max} at a time"
            );
        }
        // Then every lost stretch was reported once
        assert_eq!(fixture.announced(), told, "lost {lost:?}");
        // And what is written next is read
        fixture.write(2);
        assert_eq!(fixture.read(0, 100), [expected, vec![60, 61]].concat());
    }
}

#[test]
fn a_reader_finds_its_place_among_lost_batches() {
    let lost: [&[u64]; 5] = [&[], &[0], &[3], &[2, 3], &[5]];
    for lost in lost {
        let fixture = Fixture::new();
        fixture.lose(lost);
        for start in 0..=60 {
            let expected: Vec<u64> = (start..60)
                .filter(|offset| !lost.contains(&(offset / 10)))
                .collect();
            assert_eq!(
                fixture.read(start, 100),
                expected,
                "lost {lost:?}, from {start}"
            );
        }
    }
}

#[test]
fn an_offset_that_never_was_moves_to_the_end() {
    let fixture = Fixture::new();
    let mut cursor = Cursor::new(&fixture.partition(), 99);
    let mut records = Vec::new();
    cursor.take(10, &mut records, &fixture.store.damages);
    assert_eq!((records.len(), cursor.next()), (0, 60));
    fixture.write(1);
    cursor.take(10, &mut records, &fixture.store.damages);
    assert_eq!(records[0].position.offset, 60);
}

#[test]
fn what_retention_drops_while_it_is_looked_for_is_no_damage() {
    // Given a reader that has looked up how far the partition reaches
    let fixture = Fixture::new();
    let partition = fixture.partition();
    let looked_up = partition.tail();
    // When retention drops two batches before the reader gets to them
    fixture.lose(&[0, 1]);
    partition.publish(Tail {
        first: 2,
        oldest: 20,
        ..looked_up
    });
    let mut cursor = Cursor::new(&partition, 0);
    cursor.fetch_from(&partition, &looked_up, &fixture.store.damages);
    // Then it continues at the oldest, and calls nothing damaged
    let mut records = Vec::new();
    cursor.take(1, &mut records, &fixture.store.damages);
    assert_eq!(
        (records[0].position.offset, fixture.announced()),
        (20, vec![])
    );
}
