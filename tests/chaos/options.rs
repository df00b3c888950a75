//! What is to be run.

use clap::Parser;

use crate::cases::{CASES, Case};
use crate::cluster::On;
use crate::manifest::Delivery;

/// Does faults to a federation, and counts what became of its records.
///
/// Without options: a few cases, in less than two minutes.
#[derive(Debug, Parser)]
#[command(
    name = "chaos",
    after_help = "\
Examples:
  make chaos                                          every case, three seeds
  make chaos CHAOS=--list                             the cases, and what each does
  make chaos CHAOS=\"--case all-killed --seed 7\"      one of them, with both promises
  make chaos CHAOS=\"--all --on mock --seeds 10\"      ten seeds, without a broker

The same seed does the same faults at the same points of a run. A failure is printed with the command that repeats it."
)]
pub(crate) struct Options {
    /// Name the cases, where each runs and what it does, and end
    #[arg(long)]
    pub(crate) list: bool,
    /// All cases, not only the short ones
    #[arg(long)]
    all: bool,
    /// Only this case; may be repeated
    #[arg(long = "case", value_name = "NAME", value_parser = named)]
    cases: Vec<&'static Case>,
    /// Only cases on this cluster
    #[arg(long)]
    on: Option<On>,
    /// Only with this promise
    #[arg(long)]
    delivery: Option<Delivery>,
    /// Decides which faults happen, and when
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of seeds, from the given one on
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// Only cases whose names hold this, as other test targets take it
    filter: Option<String>,
    /// Nothing is captured here
    #[arg(long, hide = true)]
    nocapture: bool,
    /// Cases run one after the other
    #[arg(long, hide = true)]
    test_threads: Option<u64>,
}

fn named(name: &str) -> Result<&'static Case, String> {
    CASES
        .iter()
        .find(|case| case.name == name)
        .ok_or_else(|| "no such case; --list names them".to_owned())
}

impl Options {
    pub(crate) fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        self.seed..self.seed + self.seeds
    }

    /// Each case with each promise that it is to be tried with.
    pub(crate) fn runs(&self) -> Vec<(&'static Case, Delivery)> {
        let named: Vec<&Case> = if self.cases.is_empty() {
            CASES.iter().collect()
        } else {
            self.cases.clone()
        };
        let pairs = named.into_iter().flat_map(|case| {
            case.on
                .deliveries()
                .iter()
                .map(move |&delivery| (case, delivery))
        });
        pairs
            .filter(|&(case, delivery)| self.wants(case, delivery))
            .collect()
    }

    fn wants(&self, case: &Case, delivery: Delivery) -> bool {
        let everything = self.all || !self.cases.is_empty();
        (everything || case.short.contains(&delivery))
            && self.on.is_none_or(|on| case.on == on)
            && self.delivery.is_none_or(|only| only == delivery)
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| case.name.contains(filter))
    }
}
