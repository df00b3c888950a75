//! Counts what became of every reading, update and bad record, from the topics themselves.

mod dead_letters;
mod models;
mod readings;
mod scores;

use std::fmt;

use crate::baseline::Baseline;
use crate::manifest::{Delivery, NODES};
use crate::world::World;

/// The result: figures, and everything that must not be.
#[derive(Debug, Default)]
pub(crate) struct Account {
    counts: Vec<Count>,
    faults: Vec<String>,
}

/// What became of all readings, updates and the like.
#[derive(Clone, Debug)]
pub(crate) struct Count {
    pub(crate) what: &'static str,
    /// Those that are there, each counted once.
    pub(crate) there: usize,
    pub(crate) lost: usize,
    /// Those that are there again, under the same name: what at-least-once delivery allows after a
    /// crash.
    pub(crate) repeated: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}, lost {}, repeated {}",
            self.what, self.there, self.lost, self.repeated
        )
    }
}

impl Account {
    /// Nothing is missing, and nothing is there twice.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    pub(crate) fn counts(&self) -> &[Count] {
        &self.counts
    }

    pub(crate) fn print(&self) {
        let counts: Vec<String> = self.counts.iter().map(ToString::to_string).collect();
        println!("  {}", counts.join("; "));
        self.faults
            .iter()
            .for_each(|fault| println!("  WRONG: {fault}"));
    }

    fn count(&mut self, what: &'static str, there: usize, lost: usize, repeated: usize) {
        self.counts.push(Count {
            what,
            there,
            lost,
            repeated,
        });
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// A fault when there are any of them.
    fn none_of<T: fmt::Debug>(&mut self, what: &str, found: &[T]) {
        if let Some(first) = found.first() {
            self.fault(format!("{what}: {}, the first is {first:?}", found.len()));
        }
    }
}

/// To be called when every part has ended.
pub(crate) fn check(world: &mut World, baseline: &Baseline) -> Account {
    let mut account = Account::default();
    let readings = NODES.map(|node| readings::Readings::of(world, node));
    readings::check(world, &readings, &mut account);
    scores::check(world, &readings, &mut account);
    let updates = models::check(world, baseline, &mut account);
    dead_letters::check(world, &readings, &updates, &mut account);
    account
}

/// Whether the promise allows what a crash may repeat.
fn may_repeat(world: &World) -> bool {
    world.delivery == Delivery::AtLeastOnce
}
