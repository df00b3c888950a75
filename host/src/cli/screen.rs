//! The only place that prints: results on stdout, everything for people on stderr.

use miette::IntoDiagnostic as _;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

/// Writes a result. A reader that has gone away, such as `head`, is no fault.
pub(super) fn result(text: &str) {
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write!(stdout, "{text}{end}")
        .and_then(|()| stdout.flush())
        .ok();
}

/// Writes a result byte for byte.
pub(super) fn bytes(content: &[u8]) {
    let mut stdout = io::stdout().lock();
    stdout.write_all(content).and_then(|()| stdout.flush()).ok();
}

/// Writes a result as one JSON document.
pub(super) fn json(value: &impl Serialize) -> Result<(), miette::Report> {
    result(&serde_json::to_string_pretty(value).into_diagnostic()?);
    Ok(())
}

/// Writes a line for people.
pub(super) fn note(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Whether somebody is looking at stderr.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}
