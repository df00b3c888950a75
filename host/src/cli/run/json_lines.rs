//! Events as JSON lines, for programs.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use fedhost_base::event::Stamped;

use fedhost_base::announce::Listener;
use fedhost_base::text::visible_json;

/// Writes every event as one line.
pub(super) struct JsonLines(Mutex<Box<dyn Write + Send>>);

impl JsonLines {
    pub(super) fn on_stdout() -> Self {
        Self(Mutex::new(Box::new(io::stdout())))
    }

    pub(super) fn on_stderr() -> Self {
        Self(Mutex::new(Box::new(io::stderr())))
    }
}

impl Listener for JsonLines {
    fn on_event(&self, event: &Stamped) {
        let Ok(line) = serde_json::to_string(event) else {
            return;
        };
        let line = format!("{}\n", visible_json(&line));
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that has gone away is no reason to stop a run.
        out.write_all(line.as_bytes())
            .and_then(|()| out.flush())
            .ok();
    }
}
