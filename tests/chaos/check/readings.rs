//! What the sensors have written: their records number themselves.

use std::collections::BTreeMap;

use super::{Account, may_repeat};
use crate::client::Entry;
use crate::faults::Topic;
use crate::manifest::sensor_of;
use crate::world::World;

/// Set by sensors: `<sensor>/<number>`.
const SEQUENCE: &str = "fedhost-sequence";
/// Set on the last record of a sensor, which holds no row.
const END: &str = "fedhost-end";

/// What a record of a sensor's topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A row, for the first time.
    Row,
    /// The end of the sensor.
    End,
    /// A record that came before.
    Repeat,
    /// None of the sensor's.
    Foreign,
}

/// A node's topic, read to its end.
pub(super) struct Readings {
    pub(super) node: u32,
    pub(super) topic: String,
    /// In order.
    pub(super) entries: Vec<(Entry, Kind)>,
    /// Up to there the node has stored that it is done.
    pub(super) committed: i64,
    /// By number, how often it is there.
    numbers: BTreeMap<u64, usize>,
    /// Numbers that first came after a higher one.
    disordered: Vec<u64>,
}

impl Readings {
    pub(super) fn of(world: &World, node: u32) -> Self {
        let (client, topic) = (world.client(), world.topic(&Topic::Readings(node).name()));
        let committed = client.committed(
            &format!("{}fog-node-{node}", world.group_prefix()),
            &topic,
            0,
        );
        let (numbers, disordered) = (BTreeMap::new(), Vec::new());
        let mut readings = Self {
            node,
            entries: Vec::new(),
            committed,
            numbers,
            disordered,
            topic,
        };
        for entry in client.read(&readings.topic) {
            let kind = readings.classify(&entry);
            readings.entries.push((entry, kind));
        }
        readings
    }

    fn classify(&mut self, entry: &Entry) -> Kind {
        let Some(number) = number(entry, &sensor_of(self.node)) else {
            return Kind::Foreign;
        };
        let newest = self.numbers.last_key_value().map(|(&newest, _)| newest);
        let count = self.numbers.entry(number).or_default();
        *count += 1;
        if *count > 1 {
            return Kind::Repeat;
        }
        if newest.is_some_and(|newest| number < newest) {
            self.disordered.push(number);
        }
        if entry.content.header(END).is_some() {
            Kind::End
        } else {
            Kind::Row
        }
    }

    fn count(&self, wanted: Kind) -> usize {
        self.entries
            .iter()
            .filter(|(_, kind)| *kind == wanted)
            .count()
    }
}

fn number(entry: &Entry, sensor: &str) -> Option<u64> {
    let (name, number) = entry.content.header(SEQUENCE)?.rsplit_once('/')?;
    (name == sensor).then(|| number.parse().ok())?
}

/// Every number from 0 to that of the end is there; with the strong promise, once.
pub(super) fn check(world: &World, readings: &[Readings], account: &mut Account) {
    let (mut rows, mut lost_all, mut repeated) = (0, 0, 0);
    for Readings {
        numbers,
        topic,
        disordered,
        ..
    } in readings
    {
        let lost: Vec<u64> = (0..=world.load.rows)
            .filter(|number| !numbers.contains_key(number))
            .collect();
        account.none_of(&format!("readings lost from {topic}"), &lost);
        account.none_of(&format!("readings out of order in {topic}"), disordered);
        lost_all += lost.len();
    }
    for readings in readings {
        rows += readings.count(Kind::Row);
        repeated += readings.count(Kind::Repeat);
        if readings.count(Kind::Row) as u64 != world.load.rows || readings.count(Kind::End) != 1 {
            let (rows, ends) = (readings.count(Kind::Row), readings.count(Kind::End));
            account.fault(format!(
                "{} holds {rows} rows and {ends} ends, not {} and 1",
                readings.topic, world.load.rows
            ));
        }
    }
    if repeated > 0 && !may_repeat(world) {
        account.fault(format!("{repeated} readings are there again"));
    }
    account.count("readings", rows, lost_all, repeated);
}
