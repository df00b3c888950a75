//! Times two things in turn, and keeps the medians.

use std::fmt;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use fedhost_base::clock::Stopwatch;
use serde::Serialize;
use serde_json::json;

/// Repetitions of a figure and its baseline; odd, so that the median is one of them.
pub(crate) const REPETITIONS: usize = 9;

/// One line of the result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    baseline: Option<String>,
    baseline_value: Option<f64>,
    ratio: Option<f64>,
}

impl Figure {
    /// A time without a baseline, in `unit`.
    pub(crate) fn alone(name: &str, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            value,
            unit,
            baseline: None,
            baseline_value: None,
            ratio: None,
        }
    }

    /// `ratio` is value by baseline.
    pub(crate) fn beside(
        name: &str,
        value: f64,
        unit: &'static str,
        baseline: &str,
        baseline_value: f64,
    ) -> Self {
        Self {
            baseline: Some(baseline.to_owned()),
            baseline_value: Some(baseline_value),
            ratio: Some(value / baseline_value),
            ..Self::alone(name, value, unit)
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<34} {:>12.3} {:<8}", self.name, self.value, self.unit)?;
        if let (Some(baseline), Some(value), Some(ratio)) =
            (&self.baseline, self.baseline_value, self.ratio)
        {
            write!(f, "  {ratio:.2} of {baseline} ({value:.3})")?;
        }
        Ok(())
    }
}

/// Median time of each work, in seconds; the works take turns.
pub(crate) fn interleaved<const N: usize>(mut works: [Box<dyn FnMut() + '_>; N]) -> [f64; N] {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(REPETITIONS));
    for _ in 0..REPETITIONS {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let watch = Stopwatch::start();
            work();
            times.push(watch.elapsed().as_secs_f64());
        }
    }
    times.map(median)
}

/// Median time of one work, in seconds.
pub(crate) fn median_of(work: impl FnMut()) -> f64 {
    let [time] = interleaved([Box::new(work)]);
    time
}

/// The middle one.
pub(crate) fn median(times: Vec<f64>) -> f64 {
    quantile(times, 0.5)
}

/// The one that a share of `rank`, 0 to 1, is smaller than.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of times, rounded down"
)]
pub(crate) fn quantile(mut times: Vec<f64>, rank: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times
        .get((times.len() as f64 * rank) as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// Reads every word once, as fast as memory gives them.
pub(crate) fn read_once(values: &[f32]) -> u32 {
    black_box(
        values
            .iter()
            .fold(0_u32, |sum, value| sum.wrapping_add(value.to_bits())),
    )
}

/// The figures measured so far, as they lie in `target/bench.json`.
#[derive(Default)]
pub(crate) struct Document(Vec<Figure>);

impl Document {
    /// Measures groups of figures. A group that cannot be measured to its end takes no other group
    /// with it; the exit code then says so.
    pub(crate) fn measure(
        mut self,
        groups: impl Iterator<Item = (&'static str, fn(&mut Self))>,
    ) -> ExitCode {
        let mut code = ExitCode::SUCCESS;
        for (name, measure) in groups {
            let measured = catch_unwind(AssertUnwindSafe(|| measure(&mut self)));
            if measured.is_err() {
                println!("left out: the rest of {name}, which failed");
                code = ExitCode::FAILURE;
            }
        }
        code
    }

    /// Takes a figure: prints it, and writes the file with all figures up to this one.
    pub(crate) fn add(&mut self, figure: Figure) {
        println!("{figure}");
        self.0.push(figure);
        self.write();
    }

    /// Takes several figures, each as soon as it is measured.
    pub(crate) fn extend(&mut self, figures: impl IntoIterator<Item = Figure>) {
        figures.into_iter().for_each(|figure| self.add(figure));
    }

    fn write(&self) {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let machine = json!({
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "cores": cores,
        });
        let document = json!({ "machine": machine, "figures": self.0 });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_string_pretty(&document).unwrap()).unwrap();
    }
}
