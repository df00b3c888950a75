//! Stores metrics by name and labels, bounded in number.

use std::collections::BTreeMap;

use super::snapshot::{MetricFamily, MetricKind, Series};
use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::Labels;

/// The most series of all metrics together: a label with ever new values must not fill the memory.
pub(super) const SERIES_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Store {
    families: BTreeMap<&'static str, Family>,
    /// Series in all families.
    len: usize,
    left_out: u64,
}

struct Family {
    kind: MetricKind,
    help: &'static str,
    series: BTreeMap<Key, f64>,
}

/// Label names and values, as they were reported.
type Key = Vec<(&'static str, String)>;

impl Store {
    pub(super) fn set(&mut self, metric: Gauge, labels: Labels<'_>, value: f64) {
        if let Some(current) = self.value((metric.name(), metric.help(), MetricKind::Gauge), labels)
        {
            *current = value;
        }
    }

    pub(super) fn add(&mut self, metric: Count, labels: Labels<'_>, by: u64) {
        if let Some(current) =
            self.value((metric.name(), metric.help(), MetricKind::Counter), labels)
        {
            #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 a count is rounded")]
            let by = by as f64;
            *current += by;
        }
    }

    /// Removes the gauges that carry all of `labels`. Counters stay.
    pub(super) fn forget(&mut self, labels: Labels<'_>) {
        let carries_all = |key: &Key| {
            labels
                .iter()
                .all(|(name, value)| key.iter().any(|(own, of_it)| own == name && of_it == value))
        };
        for family in self
            .families
            .values_mut()
            .filter(|family| family.kind == MetricKind::Gauge)
        {
            family.series.retain(|key, _| !carries_all(key));
        }
        self.len = self
            .families
            .values()
            .map(|family| family.series.len())
            .sum();
    }

    /// Returns how often a report was dropped: too many series, or an illegal label name.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Returns all metrics that have a value, sorted by name.
    pub(super) fn metrics(&self) -> Vec<MetricFamily> {
        let families = self
            .families
            .iter()
            .filter(|(_, family)| !family.series.is_empty());
        families.map(|(name, family)| family.metric(name)).collect()
    }

    /// Returns the value of a series; `None` if the series is new and there are too many already.
    fn value(
        &mut self,
        (name, help, kind): (&'static str, &'static str, MetricKind),
        labels: Labels<'_>,
    ) -> Option<&mut f64> {
        let is_legal = labels.iter().all(|(label, _)| is_legal(label));
        let key: Key = labels
            .iter()
            .map(|(label, value)| (*label, (*value).to_owned()))
            .collect();
        let is_there = self
            .families
            .get(name)
            .is_some_and(|family| family.series.contains_key(&key));
        if !is_legal || (!is_there && self.len >= SERIES_MAX) {
            self.left_out += 1;
            return None;
        }
        self.len += usize::from(!is_there);
        let family = self.families.entry(name).or_insert_with(|| Family {
            kind,
            help,
            series: BTreeMap::new(),
        });
        Some(family.series.entry(key).or_default())
    }
}

/// One illegal label name would make the whole exposition unreadable for a collector.
fn is_legal(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    starts
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Family {
    fn metric(&self, name: &str) -> MetricFamily {
        let series = self.series.iter().map(|(key, &value)| Series {
            labels: key
                .iter()
                .map(|(label, value)| ((*label).to_owned(), value.clone()))
                .collect(),
            value,
        });
        MetricFamily {
            name: name.to_owned(),
            kind: self.kind,
            help: self.help.to_owned(),
            series: series.collect(),
        }
    }
}
