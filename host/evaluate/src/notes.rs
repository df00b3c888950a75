//! What plug-ins say while they are evaluated.

use std::sync::{Arc, Mutex, PoisonError};

use fedhost_base::event::{Event, PluginEvent};
use serde::Serialize;

use fedhost_plugin::EventSink;

/// Lines that are kept of one plug-in.
const KEPT: usize = 20;

/// Collects the log lines of one plug-in.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Said>>);

/// What a plug-in has logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// How many lines.
    pub lines: u64,
    /// The first of them, with their level.
    pub first: Vec<String>,
    /// Reports of progress.
    pub progress_reports: u64,
}

impl Notes {
    pub(super) fn sink(&self) -> EventSink {
        let said = Arc::clone(&self.0);
        Arc::new(move |event| {
            said.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .note(event)
        })
    }

    pub(super) fn said(&self) -> Said {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Said {
    fn note(&mut self, event: Event) {
        match event {
            Event::Plugin(PluginEvent::PluginLogged { level, message, .. }) => {
                self.lines += 1;
                if self.first.len() < KEPT {
                    self.first.push(format!("{level}: {message}"));
                }
            }
            Event::Plugin(PluginEvent::PluginProgress { .. }) => self.progress_reports += 1,
            _ => {}
        }
    }
}
