//! Any sequence of writes, outages and ends.

use bytes::Bytes;
use fedhost_bus::{Admin, Write};
use proptest::prelude::*;

use super::support::{Bench, Mood, close, offset, record, within_a_minute, write};

#[derive(Clone, Debug)]
enum Step {
    /// So many records, with or without offsets and state.
    Write(u64, bool),
    Becomes(Mood),
    /// Ends without warning, and is opened again.
    Restart,
    /// Waits until everything has arrived; only where the bus lets it.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..4_u64, any::<bool>()).prop_map(|(records, more)| Step::Write(records, more)),
        3 => prop_oneof![Just(Mood::Well), Just(Mood::Away), Just(Mood::CutOff), Just(Mood::Silent)]
            .prop_map(Step::Becomes),
        2 => Just(Step::Restart),
        1 => Just(Step::Wait),
    ]
}

/// Carries the steps out, and compares what was accepted with what arrives.
async fn check(steps: Vec<Step>) {
    let bench = Bench::new().await;
    let mut spool = bench.open().await;
    let (mut accepted, mut writes) = (Vec::new(), 0_u64);
    for step in steps {
        match step {
            Step::Write(records, more) => {
                writes += 1;
                let values: Vec<String> = (0..records)
                    .map(|part| format!("{writes} {part}"))
                    .collect();
                let mut new = Write {
                    records: values.iter().cloned().map(record).collect(),
                    ..Write::default()
                };
                if more {
                    new.offsets.push(offset(writes));
                    new.state
                        .push(("s".to_owned(), Some(Bytes::from(writes.to_string()))));
                }
                write(&spool, new).await;
                accepted.extend(values);
            }
            Step::Becomes(mood) => bench.remote.is(mood),
            Step::Restart => {
                drop(spool);
                spool = bench.open().await;
            }
            Step::Wait if *bench.remote.mood.borrow() == Mood::Well => {
                // A write that was never answered has to be given up first.
                drop(spool);
                spool = bench.open().await;
                spool.state("s").await.expect("state");
                assert_eq!(bench.remote.arrived().await, accepted);
            }
            Step::Wait => {}
        }
    }
    drop(spool);
    bench.remote.is(Mood::Well);
    let spool = bench.open().await;
    close(&spool).await;
    assert_eq!(bench.remote.arrived().await, accepted);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_was_accepted_arrives_in_order_and_once(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(within_a_minute(check(steps)));
    }
}
