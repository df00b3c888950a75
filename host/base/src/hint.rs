//! What to do about an error. An error states it beside its text, with
//! `#[diagnostic(help("..."))]`, and never inside it; here both are put together for people.

use std::fmt::Display;

use miette::{Diagnostic, Report};

/// Returns the remedy of an error, or of the error that caused it.
#[must_use]
pub fn hint(error: &dyn Diagnostic) -> Option<String> {
    match error.help() {
        Some(help) => Some(help.to_string()),
        None => hint(error.diagnostic_source()?),
    }
}

/// Returns the error, and its hint on a line of its own.
#[must_use]
pub fn explain(error: &dyn Diagnostic) -> String {
    with_hint(error, hint(error).as_deref())
}

/// Returns the report with all its causes, and the hint on a line of its own.
#[must_use]
pub fn explain_report(report: &Report) -> String {
    with_hint(format_args!("{report:#}"), hint(report.as_ref()).as_deref())
}

/// Returns a text, and a hint on a line of its own.
#[must_use]
pub fn with_hint(text: impl Display, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{text}\nhint: {hint}"),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error, Diagnostic)]
    #[error("the disk is full")]
    #[diagnostic(help("delete a file"))]
    struct Full;

    #[derive(Debug, thiserror::Error, Diagnostic)]
    enum Error {
        #[error(transparent)]
        #[diagnostic(transparent)]
        Full(Full),
        #[error("node {0} stops")]
        Stopped(u64, #[diagnostic_source] Full),
        #[error("closed")]
        Closed,
    }

    #[test]
    fn a_hint_stands_on_its_own_line_whether_it_is_of_the_error_or_of_its_cause() {
        for (error, explained) in [
            (Error::Full(Full), "the disk is full\nhint: delete a file"),
            (Error::Stopped(1, Full), "node 1 stops\nhint: delete a file"),
            (Error::Closed, "closed"),
        ] {
            assert_eq!(explain(&error), explained);
        }
    }
}
