//! A simulated machine on a vibrating foundation: three accelerations, a temperature, a pressure,
//! and faults of several realistic shapes. The same seed gives the same rows.

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// The columns of every simulated row, in order.
pub const COLUMNS: [&str; 5] = [
    "vibration_x",
    "vibration_y",
    "vibration_z",
    "temperature",
    "pressure",
];

const ROW_SECONDS: f64 = 1.0 / 200.0;
const FAULT_ROWS: std::ops::Range<u32> = 10..60;
/// A machine is started healthy.
const FIRST_HEALTHY_ROWS: u32 = 250;

/// One row: m/s² three times, °C, bar; and whether a fault was present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimulatedRow {
    /// In the order of [`COLUMNS`].
    pub values: [f64; 5],
    /// Whether a fault was under way.
    pub anomalous: bool,
}

/// What can go wrong with the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A worn bearing: shocks at a high frequency on all axes.
    Bearing,
    /// An imbalance: the rotation shows much more on two axes.
    Imbalance,
    /// Lost cooling: the temperature climbs.
    Overheating,
    /// A leak: the pressure sinks.
    Leak,
    /// A blocked valve: pressure oscillates and the temperature follows.
    BlockedValve,
    /// A loose mount: one axis drowns in noise.
    LooseMount,
}

const FAULTS: [Fault; 6] = [
    Fault::Bearing,
    Fault::Imbalance,
    Fault::Overheating,
    Fault::Leak,
    Fault::BlockedValve,
    Fault::LooseMount,
];

#[derive(Clone, Copy, Debug)]
struct Episode {
    fault: Fault,
    severity: f64,
    length: u32,
    age: u32,
}

/// An endless iterator of rows.
#[derive(Clone, Debug)]
pub struct SimulatedMachine {
    random: ChaCha8Rng,
    anomaly_rate: f64,
    row: u64,
    /// Rotation, Hz.
    rotation: f64,
    temperature: f64,
    pressure: f64,
    healthy_rows_left: u32,
    episode: Option<Episode>,
}

impl SimulatedMachine {
    /// A machine of its own character, by the seed; `anomaly_rate` is the long-run share of faulty
    /// rows, 0 to below 1.
    #[must_use]
    pub fn new(seed: u64, anomaly_rate: f64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let rotation = random.random_range(23.0..27.0);
        let temperature = random.random_range(58.0..66.0);
        let pressure = random.random_range(4.6..5.4);
        let mut machine = Self {
            random,
            anomaly_rate: anomaly_rate.clamp(0.0, 0.99),
            row: 0,
            rotation,
            temperature,
            pressure,
            healthy_rows_left: 0,
            episode: None,
        };
        machine.healthy_rows_left = machine.healthy_stretch().max(FIRST_HEALTHY_ROWS);
        machine
    }

    /// So long that faults make up their share on average.
    fn healthy_stretch(&mut self) -> u32 {
        if self.anomaly_rate <= 0.0 {
            return u32::MAX;
        }
        let mean_fault = f64::from(FAULT_ROWS.start + FAULT_ROWS.end - 1) / 2.0;
        let mean_healthy = mean_fault * (1.0 - self.anomaly_rate) / self.anomaly_rate;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of rows; `as` saturates"
        )]
        let rows = (mean_healthy * self.random.random_range(0.5..1.5)).round() as u32;
        rows.max(1)
    }

    fn noise(&mut self, deviation: f64) -> f64 {
        let unit: f64 = StandardNormal.sample(&mut self.random);
        unit * deviation
    }

    /// Moves on by one row; says which fault is present, how strong (0 to about 1.5) and how far
    /// along (0 to 1).
    fn advance(&mut self) -> Option<(Fault, f64, f64)> {
        match &mut self.episode {
            None if self.healthy_rows_left > 0 => {
                self.healthy_rows_left -= 1;
                None
            }
            None => {
                let episode = self.begin_episode();
                self.episode = Some(episode);
                Some((episode.fault, episode.severity, 0.0))
            }
            Some(episode) => {
                episode.age += 1;
                let Episode {
                    fault,
                    severity,
                    length,
                    age,
                } = *episode;
                if age < length {
                    return Some((fault, severity, f64::from(age) / f64::from(length)));
                }
                self.episode = None;
                self.healthy_rows_left = self.healthy_stretch().saturating_sub(1);
                None
            }
        }
    }

    fn begin_episode(&mut self) -> Episode {
        let choice = (self.random.next_u32() as usize) % FAULTS.len();
        let fault = FAULTS.get(choice).copied().unwrap_or(Fault::Bearing);
        Episode {
            fault,
            severity: self.random.random_range(0.5..1.5),
            length: self.random.random_range(FAULT_ROWS),
            age: 0,
        }
    }

    fn healthy(&mut self) -> [f64; 5] {
        #[expect(
            clippy::cast_precision_loss,
            reason = "row numbers stay far below 2^53"
        )]
        let time = self.row as f64 * ROW_SECONDS;
        let phase = std::f64::consts::TAU * self.rotation * time;
        let load = (time / 90.0).sin();
        [
            1.0 * phase.sin() + self.noise(0.25),
            0.8 * (phase + 1.6).sin() + self.noise(0.25),
            0.3 * (2.0 * phase).sin() + self.noise(0.2),
            self.temperature + 1.5 * load + self.noise(0.3),
            self.pressure + 0.08 * load + self.noise(0.04),
        ]
    }

    fn disturb(&mut self, values: &mut [f64; 5], fault: Fault, severity: f64, along: f64) {
        let [x, y, z, temperature, pressure] = values;
        match fault {
            Fault::Bearing => {
                *x += self.noise(1.6 * severity);
                *y += self.noise(1.6 * severity);
                *z += self.noise(2.4 * severity);
            }
            Fault::Imbalance => {
                *x *= 1.0 + 2.5 * severity;
                *y *= 1.0 + 2.5 * severity;
            }
            Fault::Overheating => *temperature += severity * (2.0 + 10.0 * along),
            Fault::Leak => *pressure -= severity * (0.2 + 1.2 * along),
            Fault::BlockedValve => {
                *pressure += 0.9 * severity * (along * 60.0).sin();
                *temperature += 3.0 * severity * along;
            }
            Fault::LooseMount => *z += self.noise(3.5 * severity),
        }
    }
}

impl Iterator for SimulatedMachine {
    type Item = SimulatedRow;

    fn next(&mut self) -> Option<SimulatedRow> {
        let fault = self.advance();
        let mut values = self.healthy();
        if let Some((fault, severity, along)) = fault {
            self.disturb(&mut values, fault, severity, along);
        }
        self.row += 1;
        Some(SimulatedRow {
            values,
            anomalous: fault.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let rows = |seed| {
            SimulatedMachine::new(seed, 0.1)
                .take(5_000)
                .collect::<Vec<_>>()
        };
        assert_eq!(rows(7), rows(7));
        assert_ne!(rows(7), rows(8));
    }

    #[test]
    fn faults_make_up_their_share() {
        for rate in [0.02, 0.1, 0.4] {
            let faulty = SimulatedMachine::new(3, rate)
                .take(400_000)
                .filter(|row| row.anomalous)
                .count() as f64
                / 400_000.0;
            assert!(
                (faulty - rate).abs() < 0.1 * rate + 0.005,
                "{faulty} instead of {rate}"
            );
        }
        assert!(
            SimulatedMachine::new(3, 0.0)
                .take(100_000)
                .all(|row| !row.anomalous)
        );
    }

    #[test]
    fn every_kind_of_fault_occurs_and_moves_its_columns() {
        let mut seen = std::collections::HashSet::new();
        let mut machine = SimulatedMachine::new(11, 0.3);
        for _ in 0..60_000 {
            machine.next();
            if let Some(episode) = machine.episode {
                seen.insert(format!("{:?}", episode.fault));
            }
        }
        assert_eq!(seen.len(), FAULTS.len());
    }

    #[test]
    fn a_healthy_machine_stays_in_its_range() {
        for row in SimulatedMachine::new(5, 0.0).take(50_000) {
            let [x, y, z, temperature, pressure] = row.values;
            assert!(x.abs() < 3.0 && y.abs() < 3.0 && z.abs() < 2.0);
            assert!((50.0..75.0).contains(&temperature) && (4.0..6.0).contains(&pressure));
        }
    }
}
