//! Tests against a real broker, named by `KAFKA_BOOTSTRAP_SERVERS`, and against librdkafka's mock
//! where it behaves like a broker.

mod at_least_once;
pub(super) mod cluster;
mod exactly_once;
mod recorder;

use std::sync::Arc;

use bytes::Bytes;

use self::cluster::Cluster;
use self::recorder::Recorder;
use super::super::state::Hidden;
use super::Writer;
use crate::kafka::Delivery;
use crate::{Error, NewRecord, Position, Write};

fn record(topic: &str, value: impl Into<Bytes>) -> NewRecord {
    let (topic, value) = (topic.into(), value.into());
    NewRecord {
        topic,
        partition: None,
        timestamp_ms: 1_700_000_000_000,
        key: None,
        value,
        headers: Vec::new(),
    }
}

pub(super) fn numbered(topic: &str, numbers: std::ops::Range<u32>) -> Write {
    let records = numbers
        .map(|number| record(topic, number.to_string()))
        .collect();
    Write {
        records,
        ..Write::default()
    }
}

pub(super) fn texts(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers
        .into_iter()
        .map(|number| number.to_string())
        .collect()
}

fn offsets(positions: Result<Vec<Position>, Error>) -> Vec<u64> {
    positions
        .expect("written")
        .iter()
        .map(|position| position.offset)
        .collect()
}

/// Polls a write once, so that it is in progress.
async fn hand_in(write: &mut (impl Future<Output = Result<Vec<Position>, Error>> + Unpin)) {
    let first = std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *write).poll(context))
    });
    assert!(first.await.is_pending());
}

fn is_lost(result: &Result<Vec<Position>, Error>) -> bool {
    matches!(result, Err(Error::Lost { .. }))
}

/// Tests of both kinds of writer, on a real broker.
mod both {
    use super::*;

    async fn writer(delivery: Delivery) -> (Cluster, Writer, Arc<str>) {
        let cluster = Cluster::real().await;
        let topic = cluster.topic("t", 2, 4 << 20).await;
        let writer = cluster.writer(delivery, "role").await.expect("started");
        (cluster, writer, topic)
    }

    async fn a_record_lies_where_it_is_said_to_and_as_it_was_written(delivery: Delivery) {
        let (cluster, writer, topic) = writer(delivery).await;
        let headers = vec![
            ("h".to_owned(), Bytes::from_static(&[0, 255])),
            ("h".to_owned(), Bytes::new()),
        ];
        let key = Some(Bytes::from_static(b"\0key"));
        let full = NewRecord {
            partition: Some(1),
            timestamp_ms: 7,
            key,
            headers,
            ..record(&topic, vec![0, 1])
        };
        let key = Some(Bytes::new());
        let empty = NewRecord {
            partition: Some(1),
            timestamp_ms: 0,
            key,
            ..record(&topic, Bytes::new())
        };
        let large = record(&topic, vec![7; 4 << 20]);
        // When full records, empty records, and records of the exact limit are written
        let records = vec![full.clone(), large.clone(), empty.clone()];
        let positions = writer
            .write(Write {
                records,
                ..Write::default()
            })
            .await
            .expect("written");
        // Then each is read back unchanged from its returned position
        let read = cluster.read(&topic, "read_committed");
        for (position, written) in positions.iter().zip([full, large, empty]) {
            let found = read
                .iter()
                .find(|record| record.position == *position)
                .expect("it is there");
            let NewRecord {
                timestamp_ms,
                key,
                value,
                headers,
                ..
            } = written;
            assert_eq!(
                (found.timestamp_ms, &found.key, &found.headers),
                (timestamp_ms, &key, &headers)
            );
            assert!(found.value == value);
        }
        assert_eq!(read.len(), 3);
    }

    async fn a_refused_write_leaves_nothing_behind(delivery: Delivery) {
        let (cluster, writer, topic) = writer(delivery).await;
        let bad = [
            record("no-such-topic", "x"),
            record(&topic, vec![0; (64 << 20) + 1]),
            NewRecord {
                partition: Some(2),
                ..record(&topic, "x")
            },
        ];
        for bad in bad {
            let records = vec![record(&topic, "good"), bad];
            let state = vec![("s".to_owned(), Some(Bytes::from("x")))];
            writer
                .write(Write {
                    records,
                    state,
                    ..Write::default()
                })
                .await
                .expect_err("refused");
        }
        assert_eq!(offsets(writer.write(numbered(&topic, 0..1)).await).len(), 1);
        assert_eq!(cluster.texts(&topic), ["0"]);
        assert_eq!(
            cluster
                .state()
                .get("s", Hidden::Awaited)
                .await
                .expect("read"),
            None
        );
    }

    async fn a_record_that_the_broker_refuses_ends_its_own_write_only(delivery: Delivery) {
        // Given a topic whose limit is lower than the known one
        let (cluster, writer, _) = writer(delivery).await;
        let topic = cluster.topic("small", 1, 2_000).await;
        cluster.learn(&topic, 1, 4 << 20);
        // When a record over its limit is written between others, at the same time
        let too_large = Write {
            records: vec![record(&topic, vec![0; 3_000])],
            ..Write::default()
        };
        let (before, refused, after) = tokio::join!(
            writer.write(numbered(&topic, 0..3)),
            writer.write(too_large),
            writer.write(numbered(&topic, 3..6)),
        );
        // Then it is refused with the reason, and the others are written, in order
        let refused = refused.expect_err("too large").to_string();
        assert!(
            refused.contains("refuses to write a record") && refused.contains("larger than"),
            "{refused}"
        );
        assert_eq!((offsets(before).len(), offsets(after).len()), (3, 3));
        assert_eq!(cluster.texts(&topic), texts(0..6));
    }

    async fn offsets_of_a_group_move_with_the_write(delivery: Delivery) {
        let (cluster, writer, topic) = writer(delivery).await;
        let group = cluster.name("g");
        // When two writes move the offset of a group without readers
        for next in [3, 5] {
            let offsets = vec![cluster.offset(&group, &topic, 1, next)];
            writer
                .write(Write {
                    offsets,
                    ..numbered(&topic, 0..1)
                })
                .await
                .expect("written");
        }
        // Then the last one counts
        assert_eq!(cluster.committed(&group, &topic, 1), Some(5));
        assert_eq!(cluster.committed(&group, &topic, 0), None);
    }

    async fn a_reader_whose_place_is_gone_moves_no_offset(delivery: Delivery) {
        let (cluster, writer, topic) = writer(delivery).await;
        let (gone, fresh) = (cluster.name("gone"), cluster.name("fresh"));
        // Given a reader that has left its group without knowing it
        let _reader = cluster.reader_that_left(&gone, &topic);
        let with_offset = |group: &str, numbers| {
            let offsets = vec![cluster.offset(group, &topic, 0, 9)];
            Write {
                offsets,
                ..numbered(&topic, numbers)
            }
        };
        // When it writes at the same time as another
        let (refused, written) = tokio::join!(
            writer.write(with_offset(&gone, 0..1)),
            writer.write(with_offset(&fresh, 1..2))
        );
        // Then it is fenced, and the other is not
        assert!(is_lost(&refused), "{refused:?}");
        written.expect("written");
        assert_eq!(
            (
                cluster.committed(&gone, &topic, 0),
                cluster.committed(&fresh, &topic, 0)
            ),
            (None, Some(9))
        );
    }

    async fn a_reader_that_a_rebalance_leaves_in_its_place_goes_on(delivery: Delivery) {
        let (cluster, writer, topic) = writer(delivery).await;
        let group = cluster.name("g");
        let _reader = cluster.reader_in_a_rebalance(&group, &topic);
        let offsets = vec![cluster.offset(&group, &topic, 0, 9)];
        writer
            .write(Write {
                offsets,
                ..numbered(&topic, 0..1)
            })
            .await
            .expect("written");
        assert_eq!(
            (cluster.committed(&group, &topic, 0), cluster.texts(&topic)),
            (Some(9), texts(0..1))
        );
    }

    async fn state_keeps_the_newest_value_of_each_name(delivery: Delivery) {
        let (cluster, writer, _) = writer(delivery).await;
        let put =
            |name: &str, value: Option<&'static str>| (name.to_owned(), value.map(Bytes::from));
        let state = cluster.state();
        assert_eq!(state.get("a", Hidden::Awaited).await.expect("read"), None);
        let first = vec![
            put("a", Some("1")),
            put("b", Some("1")),
            put("a", Some("2")),
        ];
        writer
            .write(Write {
                state: first,
                ..Write::default()
            })
            .await
            .expect("written");
        assert_eq!(
            state.get("a", Hidden::Awaited).await.expect("read"),
            Some(Bytes::from("2"))
        );
        let second = vec![put("a", Some("")), put("b", None)];
        writer
            .write(Write {
                state: second,
                ..Write::default()
            })
            .await
            .expect("written");
        // Both from a reader that has read before and from a new one
        for state in [state, cluster.state()] {
            assert_eq!(
                state.get("a", Hidden::Awaited).await.expect("read"),
                Some(Bytes::new())
            );
            assert_eq!(state.get("b", Hidden::Awaited).await.expect("read"), None);
        }
    }

    async fn closing_carries_out_what_was_handed_in(delivery: Delivery) {
        let (cluster, writer, topic) = writer(delivery).await;
        // When a writer is closed with many writes in progress
        let write = |number| Box::pin(writer.write(numbered(&topic, number..number + 1)));
        let mut writes: Vec<_> = (0..50).map(write).collect();
        for write in &mut writes {
            hand_in(write).await;
        }
        writer.close().await;
        // Then all of them are written and answered, and no further write is accepted
        for write in writes {
            assert_eq!(offsets(write.await).len(), 1);
        }
        assert_eq!(cluster.texts(&topic), texts(0..50));
        assert!(matches!(
            writer.write(numbered(&topic, 0..1)).await,
            Err(Error::Closed)
        ));
    }

    async fn many_tasks_lose_and_repeat_nothing(delivery: Delivery) {
        let (cluster, writer, topic) = writer(delivery).await;
        let writer = Arc::new(writer);
        let tasks: Vec<_> = (0..8_u32)
            .map(|task| {
                let (writer, topic) = (Arc::clone(&writer), Arc::clone(&topic));
                tokio::spawn(async move {
                    for number in 0..50 {
                        writer
                            .write(numbered(
                                &topic,
                                task * 100 + number..task * 100 + number + 1,
                            ))
                            .await
                            .expect("ok");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("the task ended well");
        }
        let mut read = cluster.texts(&topic);
        for task in 0..8 {
            let mine: Vec<_> = read
                .iter()
                .filter(|text| text.parse::<u32>().unwrap() / 100 == task)
                .collect();
            assert!(mine.is_sorted_by_key(|text| text.parse::<u32>().unwrap()));
        }
        read.sort_unstable();
        read.dedup();
        assert_eq!(read.len(), 400);
    }

    macro_rules! both {
        ($($promise:ident),* $(,)?) => {
            mod exactly_once {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $promise() {
                        super::$promise(super::Delivery::ExactlyOnce).await;
                    }
                )*
            }
            mod at_least_once {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $promise() {
                        super::$promise(super::Delivery::AtLeastOnce).await;
                    }
                )*
            }
        };
    }
    both!(
        a_record_lies_where_it_is_said_to_and_as_it_was_written,
        a_refused_write_leaves_nothing_behind,
        a_record_that_the_broker_refuses_ends_its_own_write_only,
        offsets_of_a_group_move_with_the_write,
        a_reader_whose_place_is_gone_moves_no_offset,
        a_reader_that_a_rebalance_leaves_in_its_place_goes_on,
        state_keeps_the_newest_value_of_each_name,
        closing_carries_out_what_was_handed_in,
        many_tasks_lose_and_repeat_nothing,
    );
}
