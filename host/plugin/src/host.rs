//! The functions that a guest may call: to log and to report progress, both bounded.

use std::sync::Arc;
use std::time::Instant;

use fedhost_base::event::{Event, PluginEvent};
use fedhost_domain::model::Metric;

use super::bindings::{host, types};
use super::context::Context;
use super::limits::Limits;
use super::log_budget::LogBudget;
use super::text::plain;

/// Progress reports of one call that are delivered; further ones are only counted.
const PROGRESS_EVENTS_PER_CALL: u32 = 1000;
/// Numbers that one report may carry.
pub(super) const METRICS_MAX: usize = 64;
/// Bytes of a metric's name.
const METRIC_NAME_MAX_BYTES: usize = 64;
/// What the number of a metric adds to its name in a report.
const NUMBER_BYTES: usize = 48;

/// The budgets that all instances of a plug-in share.
#[derive(Debug)]
pub(super) struct Budgets {
    logs: LogBudget,
    reports: LogBudget,
}

impl Budgets {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            logs: LogBudget::new(limits.log_bytes_per_minute),
            reports: LogBudget::new(limits.log_bytes_per_minute),
        }
    }
}

/// The host's state of one instance.
pub(super) struct HostState {
    plugin: Arc<str>,
    context: Context,
    limits: Limits,
    /// From this time on the guest is asked to stop, so that it can return a result before its
    /// deadline.
    stop_from: Instant,
    budgets: Arc<Budgets>,
    logs: Tally,
    reports: Tally,
    last_error: Option<String>,
}

/// How many lines or reports of this call were delivered.
#[derive(Default)]
struct Tally {
    delivered: u32,
    dropped: u64,
}

impl Tally {
    fn admit(&mut self, max: u32) -> bool {
        let admitted = self.delivered < max;
        if admitted {
            self.delivered += 1;
        } else {
            self.dropped += 1;
        }
        admitted
    }
}

impl HostState {
    pub(super) fn new(
        plugin: Arc<str>,
        limits: Limits,
        budgets: Arc<Budgets>,
        context: Context,
    ) -> Self {
        Self {
            plugin,
            context,
            limits,
            budgets,
            stop_from: fedhost_base::clock::now(),
            logs: Tally::default(),
            reports: Tally::default(),
            last_error: None,
        }
    }

    pub(super) fn begin_call(&mut self, stop_from: Instant) {
        self.stop_from = stop_from;
        self.logs = Tally::default();
        self.reports = Tally::default();
        self.last_error = None;
    }

    /// Logs a warning for what was dropped in this call, and for what was over the budgets.
    pub(super) fn end_call(&self) {
        self.warn_of_dropped(&self.logs, &self.budgets.logs, "log lines");
        self.warn_of_dropped(&self.reports, &self.budgets.reports, "progress reports");
        self.warn_of_left_out(self.budgets.logs.due_report(), "log lines");
        self.warn_of_left_out(self.budgets.reports.due_report(), "progress reports");
    }

    fn warn_of_dropped(&self, tally: &Tally, budget: &LogBudget, what: &str) {
        let Tally { delivered, dropped } = tally;
        if *dropped == 0 {
            return;
        }
        let warning = format!("{dropped} more {what} were dropped after the first {delivered}");
        if self.budgets.logs.admit(warning.len()) {
            self.announce("warning", warning);
        } else {
            budget.count_left_out(*dropped);
        }
    }

    /// Not charged to the budget: it comes once a minute, and at the end of an instance.
    fn warn_of_left_out(&self, count: Option<u64>, what: &str) {
        let Some(count) = count else { return };
        let max = self.limits.log_bytes_per_minute;
        let warning = format!(
            "{count} {what} were left out, because all instances together may write {max} bytes a \
             minute (limits.log_bytes_per_minute)"
        );
        self.announce("warning", warning);
    }

    /// Returns the last error line of this call.
    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    fn report(&self, epoch: u32, epochs: u32, metrics: Vec<Metric>) {
        if !self.budgets.reports.admit(text_bytes(&metrics)) {
            return;
        }
        (self.context.events)(Event::Plugin(PluginEvent::PluginProgress {
            plugin: self.plugin.to_string(),
            instance: self.context.instance.clone(),
            epoch,
            epochs,
            metrics,
        }));
    }

    fn announce(&self, level: &str, message: String) {
        (self.context.events)(Event::Plugin(PluginEvent::PluginLogged {
            plugin: self.plugin.to_string(),
            instance: self.context.instance.clone(),
            level: level.to_owned(),
            message,
        }));
    }
}

impl Drop for HostState {
    /// The counts of the last minute would otherwise stay unreported.
    fn drop(&mut self) {
        self.warn_of_left_out(self.budgets.logs.last_report(), "log lines");
        self.warn_of_left_out(self.budgets.reports.last_report(), "progress reports");
    }
}

impl types::Host for HostState {}

impl host::Host for HostState {
    fn log(&mut self, level: host::Level, message: String) {
        let is_error = matches!(level, host::Level::Error);
        let admitted = self.logs.admit(self.limits.log_lines_per_call);
        if !(admitted || is_error) {
            return;
        }
        let message = plain(
            &message,
            usize::try_from(self.limits.log_line_bytes).unwrap_or(usize::MAX),
        );
        if is_error {
            self.last_error = Some(message.clone());
        }
        if admitted && self.budgets.logs.admit(message.len()) {
            self.announce(level_name(level), message);
        }
    }

    fn progress(&mut self, epoch: u32, epochs: u32, reported: Vec<types::Metric>) -> host::Signal {
        if self.reports.admit(PROGRESS_EVENTS_PER_CALL) {
            self.report(epoch, epochs, metrics(reported));
        }
        if self.context.cancel.is_cancelled() || fedhost_base::clock::now() >= self.stop_from {
            host::Signal::Stop
        } else {
            host::Signal::Proceed
        }
    }
}

fn level_name(level: host::Level) -> &'static str {
    match level {
        host::Level::Debug => "debug",
        host::Level::Info => "info",
        host::Level::Warning => "warning",
        host::Level::Error => "error",
    }
}

fn text_bytes(metrics: &[Metric]) -> usize {
    metrics
        .iter()
        .map(|metric| metric.name.len() + NUMBER_BYTES)
        .sum()
}

/// Converts the metrics of a guest: the first [`METRICS_MAX`] finite ones, names without control
/// characters.
pub(super) fn metrics(reported: Vec<types::Metric>) -> Vec<Metric> {
    reported
        .into_iter()
        .filter(|metric| metric.value.is_finite())
        .take(METRICS_MAX)
        .map(|metric| Metric {
            name: plain(&metric.name, METRIC_NAME_MAX_BYTES),
            value: metric.value,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_a_guest_are_bounded_finite_and_have_clean_names() {
        let metric = |name: &str, value| types::Metric {
            name: name.into(),
            value,
        };
        let mut reported = vec![
            metric("nan", f64::NAN),
            metric("lo\u{1b}ss", 0.5),
            metric("inf", f64::INFINITY),
        ];
        reported.extend((0..2 * METRICS_MAX).map(|_| metric("x", 1.0)));
        let kept = metrics(reported);
        assert_eq!(kept.len(), METRICS_MAX);
        assert_eq!(
            kept[0],
            Metric {
                name: "loss".into(),
                value: 0.5
            }
        );
    }
}
