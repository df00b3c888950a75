//! `make chaos`: the proof of delivery that anyone can run.
//!
//! A federation of separate processes (an aggregator, two fog nodes, two sensors) works on a
//! cluster while faults are done to it: to the brokers, to the connections, to the processes. When
//! it has finished, a checker that shares no code with the program counts what lies in the topics:
//! no reading lost, none scored twice, no update counted twice, every bad record dead-lettered
//! once, and the same model to the last bit as without any fault.
//!
//! What happens when is decided by a seed, and tied to how far the federation has come.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a proof that prints as it goes, and a case that cannot continue fails"
)]

mod baseline;
mod cases;
mod check;
mod client;
mod cluster;
mod faults;
mod manifest;
mod moment;
mod options;
mod process;
mod timeline;
mod world;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;
use fedhost_base::clock::Stopwatch;

use crate::baseline::Baselines;
use crate::cases::{CASES, Case};
use crate::check::{Account, Count};
use crate::cluster::Cluster;
use crate::manifest::Delivery;
use crate::options::Options;
use crate::world::World;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list {
        CASES
            .iter()
            .for_each(|case| println!("{:24} {:6} {}", case.name, case.on.word(), case.about));
        return ExitCode::SUCCESS;
    }
    // What went wrong, without the way there through this program.
    std::panic::set_hook(Box::new(|wrong| {
        println!("  WRONG: {}", wrong.payload_as_str().unwrap_or_default())
    }));
    let watch = Stopwatch::start();
    let mut proof = Proof::default();
    for seed in options.seeds() {
        for (case, delivery) in options.runs() {
            proof.attempt(case, delivery, seed);
        }
    }
    proof.summary(watch);
    if proof.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Everything that is run, one after the other.
#[derive(Default)]
struct Proof {
    baselines: Baselines,
    /// A broker that the last case has left in good health: starting one takes seconds.
    spare: Option<Cluster>,
    trials: Vec<Trial>,
}

impl Proof {
    fn attempt(&mut self, case: &'static Case, delivery: Delivery, seed: u64) {
        let watch = Stopwatch::start();
        println!(
            "\n{}, {} on {}, seed {seed}: {}",
            case.name,
            delivery.word(),
            case.on.word(),
            case.about
        );
        // A broken case must not keep the others from being tried; what went wrong is printed where
        // it happens.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run(case, delivery, seed)));
        let trial = Trial {
            case,
            delivery,
            seed,
            seconds: watch.elapsed().as_secs_f64(),
            account: outcome.ok(),
        };
        if trial.is_ok() {
            println!("  ok in {:.1} s", trial.seconds);
        } else {
            println!("  FAILED with seed {seed}; once more: {}", trial.command());
        }
        self.trials.push(trial);
    }

    fn run(&mut self, case: &'static Case, delivery: Delivery, seed: u64) -> Account {
        let baseline = self.baselines.of(case.load);
        let cluster = self
            .spare
            .take()
            .filter(|spare| spare.serves(case.on))
            .unwrap_or_else(|| Cluster::start(case.on));
        let mut world = World::new(cluster, case.load, delivery, case.settings);
        world.start();
        for step in case.steps(seed) {
            world.wait_for(&step.when);
            step.what.happen(&mut world, &step.when);
        }
        world.wait_for_the_end();
        let account = check::check(&mut world, &baseline);
        account.print();
        if account.is_clean() {
            self.spare = world.into_cluster().filter(Cluster::outlives_a_case);
        }
        account
    }

    fn is_ok(&self) -> bool {
        self.trials.iter().all(Trial::is_ok)
    }

    fn summary(&self, watch: Stopwatch) {
        println!("\nthere / lost / repeated:");
        self.trials.iter().for_each(|trial| println!("{trial}"));
        let (failed, seconds) = (
            self.trials.iter().filter(|trial| !trial.is_ok()),
            watch.elapsed().as_secs_f64(),
        );
        let commands: Vec<String> = failed.map(Trial::command).collect();
        let ok = self.trials.len() - commands.len();
        println!(
            "\nproof of delivery: {ok} ok, {} failed, in {seconds:.0} s",
            commands.len()
        );
        commands.iter().for_each(|command| println!("  {command}"));
    }
}

/// A case that was tried.
struct Trial {
    case: &'static Case,
    delivery: Delivery,
    seed: u64,
    seconds: f64,
    /// None when it did not come to its end.
    account: Option<Account>,
}

impl Trial {
    fn is_ok(&self) -> bool {
        self.account.as_ref().is_some_and(Account::is_clean)
    }

    /// Repeats it.
    fn command(&self) -> String {
        let Self {
            case,
            delivery,
            seed,
            ..
        } = self;
        let (name, delivery) = (case.name, delivery.word());
        format!("make chaos CHAOS=\"--case {name} --delivery {delivery} --seed {seed}\"")
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case,
            delivery,
            seed,
            seconds,
            account,
        } = self;
        let verdict = if self.is_ok() { "ok" } else { "FAILED" };
        write!(
            f,
            "{:22} {:14} {seed:4} {verdict:6} {seconds:5.1} s",
            case.name,
            delivery.word()
        )?;
        for Count {
            what,
            there,
            lost,
            repeated,
        } in account.iter().flat_map(Account::counts)
        {
            write!(f, "  {what} {there}/{lost}/{repeated}")?;
        }
        Ok(())
    }
}
