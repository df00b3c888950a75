//! Checks that a component keeps the promises of `wit/plugin.wit`, for its author.
//!
//! Every check opens its own instances, in sandboxes and by the calls that a run uses, on synthetic
//! rows that are always the same. A check must not know the algorithm: it compares the results of
//! two runs, or a result with what the interface requires.

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

/// The settings with which a component is checked.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Names of the columns of the rows, at least one, unique.
    pub columns: Vec<String>,
    /// As [`Plugin::check_parameters`] returned them.
    pub parameters: Vec<Parameter>,
    /// Names of the parameters that keep their values while the others are set to their limits.
    pub given: Vec<String>,
    /// The seed of trainers and detectors.
    pub seed: u64,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckResult {
    /// Its name, such as `scoring/batch-split`.
    pub check: String,
    /// The promise, in one line.
    pub promise: &'static str,
    /// How the promise was broken; `None` when it was kept.
    pub fault: Option<Fault>,
}

/// One promise, and the function that tests it.
struct Check<S> {
    name: &'static str,
    promise: &'static str,
    run: fn(&S) -> Result<(), Fault>,
}

/// Runs every check that applies to the component's exports, and passes each result to `on_result`
/// as soon as the check is done. Blocks for some thousand short calls into the component.
pub fn check(
    plugin: &Plugin,
    setup: &Setup,
    on_result: &mut dyn FnMut(&CheckResult),
) -> Vec<CheckResult> {
    let bench = Bench::new(plugin, setup);
    let can = plugin.abilities();
    let mut run = CheckRun {
        results: Vec::new(),
        on_result,
    };
    run.group("card", &card::checks(), &bench);
    if can.preprocessing {
        run.group("preprocessing", &stream::checks(), &bench.preprocessing());
        run.group("preprocessing", &preprocessing::checks(), &bench);
    }
    if can.training {
        run.group("training", &training::checks(), &bench);
    }
    if can.detection {
        if can.training {
            run.group("scoring", &scoring::checks(), &bench);
        }
        run.group("scoring", &stream::checks(), &bench.scoring());
    }
    run.results
}

struct CheckRun<'a> {
    results: Vec<CheckResult>,
    on_result: &'a mut dyn FnMut(&CheckResult),
}

impl CheckRun<'_> {
    fn group<S>(&mut self, group: &str, checks: &[Check<S>], subject: &S) {
        for check in checks {
            let result = CheckResult {
                check: format!("{group}/{}", check.name),
                promise: check.promise,
                fault: (check.run)(subject).err(),
            };
            (self.on_result)(&result);
            self.results.push(result);
        }
    }
}
