//! What every plug-in might use.

use maud::{Markup, html};

use super::words::bytes;
use crate::report::words::{count, span};
use fedhost_plugin::Limits;

/// The limits that a reader may want to know.
pub(super) fn limits(limits: &Limits) -> Markup {
    let known = [
        ("memory", bytes(limits.memory_bytes)),
        ("stack", bytes(u64::from(limits.stack_bytes))),
        ("time of a call", span(limits.call_deadline_ms as f64)),
        (
            "work of a call",
            limits
                .fuel_per_call
                .map_or_else(|| "not counted".to_owned(), count),
        ),
        ("answer of a call", bytes(limits.output_bytes)),
        (
            "log lines of a call",
            count(u64::from(limits.log_lines_per_call)),
        ),
        ("component", bytes(limits.component_bytes)),
        (
            "compiling",
            format!(
                "{}, {}",
                span(limits.compile_ms as f64),
                bytes(limits.compile_memory_bytes)
            ),
        ),
    ];
    html! {
        dl.limits { @for (name, value) in known { div { dt { (name) } dd { (value) } } } }
    }
}
