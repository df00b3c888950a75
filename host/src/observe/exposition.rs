//! A snapshot as Prometheus reads it.
//!
//! `prometheus-client` writes OpenMetrics; for those who do not read that, it is rewritten line by
//! line.

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

use super::snapshot::{Figure, Kind, Series, Snapshot};
use fedhost_base::figure;

/// How figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, which every version and most other collectors read.
    Text,
}

impl Format {
    /// The format that suits an `Accept` header best.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// As an answer names it.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Snapshot {
    /// All figures, those of the process included. Each has `fedhost_` in front, and `_total`
    /// behind when it is a count.
    ///
    /// # Errors
    /// The encoder refused a figure.
    pub fn exposition(&self, format: Format) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Exposed(self.clone())));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(match format {
            Format::OpenMetrics => text,
            Format::Text => without_open_metrics(&text),
        })
    }

    /// What the process itself has to tell, as figures.
    fn about(&self) -> [Figure; 3] {
        let figure = |name: &str, help: &str, kind, value, labels| {
            let series = vec![Series { labels, value }];
            Figure {
                name: name.to_owned(),
                kind,
                help: help.to_owned(),
                series,
            }
        };
        let gauge = |gauge: figure::Gauge, value, labels| {
            figure(gauge.name(), gauge.help(), Kind::Gauge, value, labels)
        };
        let lost = figure::FIGURES_LEFT_OUT;
        let version = BTreeMap::from([("version".to_owned(), self.version.clone())]);
        #[expect(clippy::cast_precision_loss, reason = "a rounded count is good enough")]
        let left_out = self.figures_left_out as f64;
        [
            gauge(figure::BUILD_INFO, 1.0, version),
            gauge(
                figure::READY,
                f64::from(u8::from(self.ready)),
                BTreeMap::new(),
            ),
            figure(
                lost.name(),
                lost.help(),
                Kind::Counter,
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
        for figure in self.0.about().iter().chain(&self.0.figures) {
            let name = format!("fedhost_{}", figure.name);
            write(&mut encoder, &name, figure)?;
        }
        let own = |name: &str, kind, help: &str, value| {
            let series = vec![Series {
                labels: BTreeMap::new(),
                value,
            }];
            Figure {
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
            Kind::Gauge,
            "When the process was started, since the Unix epoch",
            start,
        );
        let process = self.0.process.iter().flat_map(|process| {
            let memory = float(process.resident_memory_bytes);
            [
                own(
                    "process_resident_memory_bytes",
                    Kind::Gauge,
                    "Memory in use",
                    memory,
                ),
                own(
                    "process_cpu_seconds",
                    Kind::Counter,
                    "Time spent computing, by all threads together",
                    process.cpu_seconds,
                ),
            ]
        });
        for figure in std::iter::once(start).chain(process) {
            write(&mut encoder, &figure.name, &figure)?;
        }
        Ok(())
    }
}

fn write(encoder: &mut DescriptorEncoder<'_>, name: &str, figure: &Figure) -> fmt::Result {
    let (name, unit) = split_unit(name);
    let kind = match figure.kind {
        Kind::Gauge => MetricType::Gauge,
        Kind::Counter => MetricType::Counter,
    };
    let mut family = encoder.encode_descriptor(name, &figure.help, unit.as_ref(), kind)?;
    for Series { labels, value } in &figure.series {
        if labels.is_empty() {
            write_value(&mut family, figure.kind, *value)?;
        } else {
            write_value(
                &mut family.encode_family(&LabelSet(labels))?,
                figure.kind,
                *value,
            )?;
        }
    }
    Ok(())
}

fn write_value(encoder: &mut MetricEncoder<'_>, kind: Kind, value: f64) -> fmt::Result {
    match kind {
        Kind::Gauge => encoder.encode_gauge(&value),
        Kind::Counter => encoder.encode_counter(&value, None::<&Exemplar<LabelSet<'_>, f64>>),
    }
}

/// The encoder puts the unit behind the name by itself.
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

/// In the older format a count is described by its whole name, and there are neither units nor an
/// end.
fn without_open_metrics(text: &str) -> String {
    let mut rewritten = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        match line
            .strip_prefix("# ")
            .and_then(|comment| comment.split_once(' '))
        {
            Some(("HELP", described)) => help = described.split_once(' '),
            Some(("TYPE", described)) => {
                let (name, kind) = described.split_once(' ').unwrap_or((described, "untyped"));
                let total = if kind == "counter" { "_total" } else { "" };
                let help = help.take().map_or("", |(_, help)| help);
                rewritten.push_str(&format!(
                    "# HELP {name}{total} {help}\n# TYPE {name}{total} {kind}\n"
                ));
            }
            Some(_) => {}
            None if line == "# EOF" => {}
            None => {
                rewritten.push_str(line);
                rewritten.push('\n');
            }
        }
    }
    rewritten
}
