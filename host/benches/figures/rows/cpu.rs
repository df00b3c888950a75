//! Processor time of this process.

/// Ticks a second of the times in `/proc`, the same on all of Linux's usual processors.
const TICKS_PER_SECOND: f64 = 100.0;

/// A point of this process's time on processors.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    seconds: f64,
}

impl Cpu {
    /// The time so far, of all threads; `None` where the system does not say it.
    pub(crate) fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The program's name may hold spaces, and ends with the last parenthesis.
        let (_, fields) = stat.rsplit_once(')')?;
        let times = fields.split_whitespace().skip(11).take(2);
        let ticks: Option<f64> = times.map(|ticks| ticks.parse::<f64>().ok()).sum();
        Some(Self {
            seconds: ticks? / TICKS_PER_SECOND,
        })
    }

    /// Seconds since then.
    pub(crate) fn elapsed(self) -> f64 {
        Self::now().map_or(f64::NAN, |now| now.seconds - self.seconds)
    }
}
