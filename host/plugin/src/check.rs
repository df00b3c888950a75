//! Holds a component to the laws of `wit/plugin.wit`, for its author.
//!
//! Every check makes its own instances, in sandboxes and through the calls that a run makes, on
//! rows that are made up and always the same. It knows nothing of the algorithm: it compares what
//! the component does with what it did, or with what the laws say must come.

mod bench;
mod card;
mod fault;
mod preprocessing;
mod rows;
mod scoring;
mod stream;
mod training;

use serde::Serialize;

pub use fault::Fault;

use super::component::Plugin;
use super::parameters::Parameter;
use bench::Bench;

/// What a component is checked with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Names of the columns of the rows, at least one, unique.
    pub columns: Vec<String>,
    /// As [`Plugin::check_parameters`] returned them.
    pub parameters: Vec<Parameter>,
    /// Names of the parameters that stay as they are while the others are taken to their limits.
    pub given: Vec<String>,
    /// Of trainers and detectors.
    pub seed: u64,
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Such as `scoring/batch-split`.
    pub check: String,
    /// What is promised, in one line.
    pub promise: &'static str,
    /// How the promise was broken; `None` when it was kept.
    pub fault: Option<Fault>,
}

/// One promise, and a way to break it.
struct Check<S> {
    name: &'static str,
    promise: &'static str,
    run: fn(&S) -> Result<(), Fault>,
}

/// Runs every check that a component's exports call for, and tells of each as soon as it is done.
/// Blocks for as long as the component takes: some thousand short calls.
pub fn check(plugin: &Plugin, setup: &Setup, tell: &mut dyn FnMut(&Finding)) -> Vec<Finding> {
    let bench = Bench::new(plugin, setup);
    let can = plugin.abilities();
    let mut findings = Findings {
        found: Vec::new(),
        tell,
    };
    findings.run("card", &card::checks(), &bench);
    if can.preprocessing {
        findings.run("preprocessing", &stream::checks(), &bench.preprocessing());
        findings.run("preprocessing", &preprocessing::checks(), &bench);
    }
    if can.training {
        findings.run("training", &training::checks(), &bench);
    }
    if can.detection {
        if can.training {
            findings.run("scoring", &scoring::checks(), &bench);
        }
        findings.run("scoring", &stream::checks(), &bench.scoring());
    }
    findings.found
}

struct Findings<'a> {
    found: Vec<Finding>,
    tell: &'a mut dyn FnMut(&Finding),
}

impl Findings<'_> {
    fn run<S>(&mut self, group: &str, checks: &[Check<S>], subject: &S) {
        for check in checks {
            let name = format!("{group}/{}", check.name);
            let finding = Finding {
                check: name,
                promise: check.promise,
                fault: (check.run)(subject).err(),
            };
            (self.tell)(&finding);
            self.found.push(finding);
        }
    }
}
