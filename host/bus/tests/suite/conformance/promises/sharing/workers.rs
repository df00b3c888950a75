//! Members at work: each copies the records of its partitions to another topic, and stores how far
//! it has come in the same write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fedhost_bus::{Assignment, Bus, Error, Member, MemberEvent, NewRecord, Record, Start, Write};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::{Case, text};

/// What a worker is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Work,
    /// Leave once nothing is under way.
    Leave,
    /// Do nothing for this time, then continue.
    Hang(Duration),
}

pub(super) struct Worker {
    orders: watch::Sender<Order>,
    task: JoinHandle<()>,
}

impl Worker {
    pub(super) async fn start(case: &Case, input: &Arc<str>, output: &Arc<str>) -> Self {
        let (orders, heard) = watch::channel(Order::Work);
        let member = case.join(input).await;
        let work = Work {
            bus: Arc::clone(&case.bus),
            member,
            output: Arc::clone(output),
            partitions: BTreeMap::new(),
            orders: heard,
        };
        Self {
            orders,
            task: tokio::spawn(work.run()),
        }
    }

    /// Ends between two writes.
    pub(super) async fn leave(self) {
        self.orders.send_replace(Order::Leave);
        self.task.await.expect("no panic");
    }

    /// Ends wherever it is.
    pub(super) fn die(self) {
        self.task.abort();
    }

    /// Does nothing for that time, and works on for as long as the test runs.
    pub(super) fn hang(self, time: Duration) {
        self.orders.send_replace(Order::Hang(time));
    }
}

struct Work {
    bus: Arc<dyn Bus>,
    member: Box<dyn Member>,
    output: Arc<str>,
    partitions: BTreeMap<u32, Assignment>,
    orders: watch::Receiver<Order>,
}

impl Work {
    async fn run(mut self) {
        loop {
            let order = *self.orders.borrow_and_update();
            match order {
                Order::Work => {}
                Order::Leave => return,
                Order::Hang(time) => {
                    tokio::time::sleep(time).await;
                    self.orders = watch::channel(Order::Work).1;
                }
            }
            let event = tokio::select! {
                event = self.member.next(7) => event.expect("an event"),
                Ok(()) = self.orders.changed() => continue,
            };
            self.handle(event).await;
        }
    }

    async fn handle(&mut self, event: MemberEvent) {
        match event {
            MemberEvent::Assigned(assigned) => {
                let assigned = assigned.into_iter().map(|new| (new.partition, new));
                self.partitions.extend(assigned);
            }
            MemberEvent::Records(records) => {
                let mut by_partition: BTreeMap<u32, Vec<Record>> = BTreeMap::new();
                for record in records {
                    let partition = record.position.partition;
                    by_partition.entry(partition).or_default().push(record);
                }
                for (partition, records) in by_partition {
                    self.copy(partition, &records).await;
                }
            }
            // Nothing is ever under way here.
            MemberEvent::Revoking { partitions, .. } => {
                for (_, partition) in &partitions {
                    self.partitions.remove(partition);
                }
                self.member.release(&partitions);
            }
            MemberEvent::Lost(lost) => {
                for (_, partition) in &lost {
                    self.partitions.remove(partition);
                }
            }
        }
    }

    async fn copy(&mut self, partition: u32, records: &[Record]) {
        let (Some(assignment), Some(last)) = (self.partitions.get(&partition), records.last())
        else {
            return;
        };
        let copy = |record: &Record| NewRecord {
            topic: Arc::clone(&self.output),
            partition: Some(partition),
            timestamp_ms: record.timestamp_ms,
            key: None,
            value: format!("{partition}/{}", text(record)).into(),
            headers: Vec::new(),
        };
        let write = Write {
            records: records.iter().map(copy).collect(),
            offsets: vec![assignment.offset(last.position.offset + 1)],
            state: Vec::new(),
        };
        match self.bus.write(write).await {
            Ok(_) => {}
            Err(Error::Fenced { .. }) => {
                self.partitions.remove(&partition);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The copies by partition, in order, once that number of different ones are there and no more
/// follow.
pub(super) async fn copies(
    case: &Case,
    output: &Arc<str>,
    count: usize,
) -> BTreeMap<u32, Vec<String>> {
    let group = case.name("copies");
    let source = case.bus.subscribe(&group, &[output], Start::Earliest).await;
    let mut source = source.expect("subscribed");
    let mut copies: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut different = std::collections::BTreeSet::new();
    loop {
        let patience = if different.len() < count {
            Duration::from_secs(45)
        } else {
            super::QUIET
        };
        match tokio::time::timeout(patience, source.read(100)).await {
            Ok(records) => {
                for record in records.expect("readable") {
                    different.insert(text(&record).to_owned());
                    let partition = record.position.partition;
                    copies
                        .entry(partition)
                        .or_default()
                        .push(text(&record).to_owned());
                }
            }
            Err(_) if different.len() >= count => return copies,
            Err(_) => panic!("{} of {count} records were handled", different.len()),
        }
    }
}
