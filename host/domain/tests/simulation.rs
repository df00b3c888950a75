//! The round machine and the fog nodes' schedules, run against each other in one thread, with every
//! process killed at random moments. Time, order and faults come from a seed; a failing seed
//! reproduces: `SIMULATION_SEED=n cargo test`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a simulation that cannot continue fails the test"
)]

#[path = "simulation/world.rs"]
mod world;

use world::{Faults, World, local_model};

const SEEDS: u64 = 300;

fn seeds() -> Vec<u64> {
    match std::env::var("SIMULATION_SEED") {
        Ok(seed) => vec![seed.parse().expect("SIMULATION_SEED is a number")],
        Err(_) => (0..SEEDS).collect(),
    }
}

#[test]
fn killing_any_process_at_any_moment_ends_in_the_same_model() {
    let rounds = 6;
    let mut undisturbed = World::new(0, 3, rounds, Faults::none());
    undisturbed.run_to_completion();
    let expected: Vec<_> = undisturbed
        .globals()
        .iter()
        .map(|model| model.weights.sha256())
        .collect();
    for seed in seeds() {
        let mut world = World::new(
            seed,
            3,
            rounds,
            Faults {
                kills: true,
                ..Faults::none()
            },
        );
        world.run_to_completion();
        let found: Vec<_> = world
            .globals()
            .iter()
            .map(|model| model.weights.sha256())
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn every_global_model_is_the_mean_of_its_nodes_own_models() {
    let mut world = World::new(1, 4, 5, Faults::none());
    world.run_to_completion();
    let mut base = None;
    for (round, global) in (1..).zip(world.globals()) {
        let models: Vec<_> = (1..=4)
            .map(|node| local_model(node, base.as_ref(), round * world::ROWS_PER_ROUND))
            .collect();
        let total: u64 = models.iter().map(|(_, samples)| samples).sum();
        for (index, &value) in global.weights.data().iter().enumerate() {
            let mean: f64 = models
                .iter()
                .map(|(model, n)| f64::from(model.data()[index]) * *n as f64)
                .sum::<f64>()
                / total as f64;
            assert!(
                (f64::from(value) - mean).abs() < 1e-6,
                "round {round}: {value} instead of {mean}"
            );
        }
        base = Some(global.weights.as_ref().clone());
    }
}

#[test]
fn rounds_close_despite_untrusted_updates_and_slow_nodes() {
    for seed in seeds() {
        let faults = Faults {
            kills: true,
            untrusted_senders: true,
            absences: true,
            ..Faults::none()
        };
        let mut world = World::new(seed, 5, 8, faults);
        world.run_to_completion();
        world.check_participation();
    }
}

#[test]
fn an_update_that_was_written_twice_counts_once() {
    let mut written_twice = 0;
    for seed in seeds() {
        let mut world = World::new(
            seed,
            3,
            6,
            Faults {
                repeats: true,
                kills: true,
                ..Faults::none()
            },
        );
        world.run_to_completion();
        world.check_participation();
        written_twice += world.written_twice();
    }
    assert!(written_twice > 0, "no seed repeats an update");
}

#[test]
fn no_honest_behaviour_ends_the_aggregator_whatever_the_faults() {
    let mut rejections = 0;
    for seed in seeds() {
        let faults = Faults {
            kills: true,
            absences: true,
            repeats: true,
            aggregator_absences: true,
            clock_set_back: seed % 2 == 1,
            ..Faults::none()
        };
        let mut world = World::new(seed, 4, 6, faults);
        world.run_to_completion();
        world.check_participation();
        rejections += world.honest_rejections();
    }
    assert!(rejections > 0, "no seed has an update refused");
}
