//! The log lines of the libraries underneath (librdkafka, wasmtime) on stderr: with `-v` from level
//! `info`, with `-vv` from level `debug`. Without `-v` no line is made at all. What fedhost itself
//! has to report is an event of the run, never a line of this log.

use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_log::{LogTracer, NormalizeEvent as _};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

use super::{Global, LogFormat, screen};

/// Passes what libraries write with the crate `log` on to `tracing`.
static BRIDGE: LazyLock<LogTracer> = LazyLock::new(LogTracer::new);

/// Starts the log that `-v` asks for. The clients of librdkafka read the level when they are made,
/// so this comes first.
pub(super) fn start(global: &Global) {
    let (level, bridged) = match global.verbose {
        0 => return,
        1 => (LevelFilter::INFO, log::LevelFilter::Info),
        _ => (LevelFilter::DEBUG, log::LevelFilter::Debug),
    };
    let lines = Lines {
        format: global.log_format,
    };
    let subscriber = Registry::default().with(level).with(lines);
    // A second command in one process, as in tests, keeps the log of the first.
    if tracing::subscriber::set_global_default(subscriber).is_ok()
        && log::set_logger(&*BRIDGE).is_ok()
    {
        log::set_max_level(bridged);
    }
}

/// Writes each event as a line.
struct Lines {
    format: LogFormat,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let bridged = event.normalized_metadata();
        let metadata = bridged.as_ref().unwrap_or_else(|| event.metadata());
        let mut text = Text::default();
        event.record(&mut text);
        screen::note(&line(self.format, metadata, &text.0));
    }
}

fn line(format: LogFormat, metadata: &Metadata<'_>, text: &str) -> String {
    let level = metadata.level().as_str().to_lowercase();
    let library = metadata.target().split("::").next().unwrap_or_default();
    match format {
        LogFormat::Text => format!("{library}: {level}: {}", text.escape_debug()),
        LogFormat::Json => {
            json!({ "library": library, "level": level, "message": text }).to_string()
        }
    }
}

/// The message of an event, and its other fields behind it.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            // Where in the library the line was written.
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.0, " {name}={value:?}"),
        };
        // Writing to a string cannot fail.
        let _ = written;
    }
}
