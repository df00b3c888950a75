//! Writes a snapshot in OpenMetrics text, the format of Prometheus.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel as _, EncodeLabelSet, LabelSetEncoder, MetricEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

use super::snapshot::{MetricFamily, MetricKind, Series, Snapshot};
use fedhost_base::metric;

/// The media type of [`Snapshot::exposition`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Snapshot {
    /// Returns all metrics as text, those of the process included. The names of the host's metrics
    /// start with `fedhost_`; the names of counters end with `_total`.
    ///
    /// # Errors
    /// The encoder refuses a metric.
    pub fn exposition(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Exposed(self.clone())));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }

    /// Returns the metrics that are not stored: version, readiness, and dropped reports.
    fn own_metrics(&self) -> [MetricFamily; 3] {
        let metric = |name: &str, help: &str, kind, value, labels| {
            let series = vec![Series { labels, value }];
            MetricFamily {
                name: name.to_owned(),
                kind,
                help: help.to_owned(),
                series,
            }
        };
        let gauge = |gauge: metric::Gauge, value, labels| {
            metric(gauge.name(), gauge.help(), MetricKind::Gauge, value, labels)
        };
        let lost = metric::METRICS_LEFT_OUT;
        let version = BTreeMap::from([("version".to_owned(), self.version.clone())]);
        #[expect(clippy::cast_precision_loss, reason = "a rounded count is good enough")]
        let left_out = self.metrics_left_out as f64;
        [
            gauge(metric::BUILD_INFO, 1.0, version),
            gauge(
                metric::READY,
                f64::from(u8::from(self.ready)),
                BTreeMap::new(),
            ),
            metric(
                lost.name(),
                lost.help(),
                MetricKind::Counter,
                left_out,
                BTreeMap::new(),
            ),
        ]
    }
}

#[derive(Debug)]
struct Exposed(Snapshot);

impl Collector for Exposed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in self.0.own_metrics().iter().chain(&self.0.metrics) {
            let name = format!("fedhost_{}", metric.name);
            write(&mut encoder, &name, metric)?;
        }
        let own = |name: &str, kind, help: &str, value| {
            let series = vec![Series {
                labels: BTreeMap::new(),
                value,
            }];
            MetricFamily {
                name: name.to_owned(),
                kind,
                help: help.to_owned(),
                series,
            }
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "times and sizes are far below 2^53"
        )]
        let float = |number: u64| number as f64;
        let start = float(self.0.started_ms) / 1e3;
        let start = own(
            "process_start_time_seconds",
            MetricKind::Gauge,
            "When the process was started, since the Unix epoch",
            start,
        );
        let process = self.0.process.iter().flat_map(|process| {
            let memory = float(process.resident_memory_bytes);
            [
                own(
                    "process_resident_memory_bytes",
                    MetricKind::Gauge,
                    "Memory in use",
                    memory,
                ),
                own(
                    "process_cpu_seconds",
                    MetricKind::Counter,
                    "Time spent computing, by all threads together",
                    process.cpu_seconds,
                ),
            ]
        });
        for metric in std::iter::once(start).chain(process) {
            write(&mut encoder, &metric.name, &metric)?;
        }
        Ok(())
    }
}

fn write(encoder: &mut DescriptorEncoder<'_>, name: &str, metric: &MetricFamily) -> fmt::Result {
    let (name, unit) = split_unit(name);
    let kind = match metric.kind {
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Counter => MetricType::Counter,
    };
    let mut family = encoder.encode_descriptor(name, &metric.help, unit.as_ref(), kind)?;
    for Series { labels, value } in &metric.series {
        if labels.is_empty() {
            write_value(&mut family, metric.kind, *value)?;
        } else {
            write_value(
                &mut family.encode_family(&LabelSet(labels))?,
                metric.kind,
                *value,
            )?;
        }
    }
    Ok(())
}

fn write_value(encoder: &mut MetricEncoder<'_>, kind: MetricKind, value: f64) -> fmt::Result {
    match kind {
        MetricKind::Gauge => encoder.encode_gauge(&value),
        MetricKind::Counter => encoder.encode_counter(&value, None::<&Exemplar<LabelSet<'_>, f64>>),
    }
}

/// Splits the unit from a name, because the encoder appends the unit itself.
fn split_unit(name: &str) -> (&str, Option<Unit>) {
    match name.rsplit_once('_') {
        Some((stem, "seconds")) => (stem, Some(Unit::Seconds)),
        Some((stem, "bytes")) => (stem, Some(Unit::Bytes)),
        _ => (name, None),
    }
}

#[derive(Debug)]
struct LabelSet<'a>(&'a BTreeMap<String, String>);

impl EncodeLabelSet for LabelSet<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| {
            (name.as_str(), value.as_str()).encode(encoder.encode_label())
        })
    }
}
