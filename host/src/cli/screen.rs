//! The only place that prints: results on stdout, everything for people on stderr. Text may come
//! from files, guests and records, so hidden characters are written out.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use fedhost_base::text::{visible, visible_json};
use indicatif::ProgressBar;
use miette::IntoDiagnostic as _;
use serde::Serialize;

/// The moving line on the terminal, if there is one. It is taken away while another line is
/// written.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writes a result. A reader that has gone away, such as `head`, is not an error.
pub(super) fn result(text: &str) {
    print(&visible(text));
}

fn print(text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    without_bar(|| {
        let mut stdout = io::stdout().lock();
        write!(stdout, "{text}{end}")
            .and_then(|()| stdout.flush())
            .ok();
    });
}

/// Writes a result byte for byte.
pub(super) fn bytes(content: &[u8]) {
    without_bar(|| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(content).and_then(|()| stdout.flush()).ok();
    });
}

/// Writes a result as one JSON document.
pub(super) fn json(value: &impl Serialize) -> Result<(), miette::Report> {
    print(&visible_json(
        &serde_json::to_string_pretty(value).into_diagnostic()?,
    ));
    Ok(())
}

/// Writes a result as JSON on one line.
pub(super) fn json_line(value: &serde_json::Value) {
    print(&visible_json(&value.to_string()));
}

/// Writes a line for people.
pub(super) fn note(text: &str) {
    without_bar(|| {
        writeln!(io::stderr().lock(), "{}", visible(text)).ok();
    });
}

/// Whether stderr is a terminal.
pub(super) fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Keeps `bar` below the lines that are written. A command shows one at a time.
pub(super) fn add_bar(bar: ProgressBar) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
}

/// Removes the bar from the screen.
pub(super) fn remove_bar() {
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn without_bar(write: impl FnOnce()) {
    match &*BAR.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
