//! What happened when, printed as it happens.

use fedhost_base::clock;
use serde_json::Value;

/// Longest text of an event.
const WIDTH: usize = 110;

/// Times are milliseconds since it was made.
#[derive(Debug)]
pub(crate) struct Timeline {
    begun_ms: u64,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self {
            begun_ms: clock::now_ms(),
        }
    }

    /// Something was done to the federation.
    pub(crate) fn done(&self, what: &str) {
        self.line(clock::now_ms(), what);
    }

    /// An event of a part that shows how it recovered from a fault.
    pub(crate) fn heard(&self, part: &str, event: &Value) {
        if let Some(words) = words(event) {
            let words: String = words
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(WIDTH)
                .collect();
            self.line(
                event["time_ms"].as_u64().unwrap_or(0),
                &format!("    {part}: {words}"),
            );
        }
    }

    fn line(&self, time_ms: u64, what: &str) {
        println!("  {:>6} ms  {what}", time_ms.saturating_sub(self.begun_ms));
    }
}

fn words(event: &Value) -> Option<String> {
    let text = |field: &str| match &event[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(match event["event"].as_str()? {
        "round_closed" => format!("round {} closed, {}", text("round"), text("closed_by")),
        "node_resumed" => format!(
            "resumed with {} rows, {} of them read again",
            text("rows"),
            text("replayed")
        ),
        "connection_lost" => format!("lost {}: {}", text("part"), text("reason")),
        "connection_restored" => format!("{} is back after {} ms", text("part"), text("after_ms")),
        "standing_by" => format!("stands by for {}", text("group")),
        "role_restarted" => format!("begins again: {}", text("reason")),
        "record_skipped" => format!(
            "puts {} offset {} aside: {}",
            text("source"),
            text("offset"),
            text("reason")
        ),
        "update_rejected" => format!("rejects an update of {}: {}", text("node"), text("reason")),
        "partition_stalled" => format!("{} stands still at {}", text("topic"), text("next")),
        "records_expired" => format!(
            "{} has lost {} to {}",
            text("topic"),
            text("from"),
            text("to")
        ),
        // The mock cluster knows of no settings.
        "warned" if text("detail").contains("does not tell the settings") => return None,
        "warned" => format!("warns: {}", text("detail")),
        "plugin_failed" => format!("{} fails: {}", text("plugin"), text("detail")),
        "sensor_finished" => format!("has published {} rows", text("rows")),
        "run_finished" => format!("ends: {}", text("outcome")),
        _ => return None,
    })
}
