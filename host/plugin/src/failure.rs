//! Explains why a call into a plug-in failed, and what an operator can do.

use std::fmt;

use fedhost_base::event::{Event, PluginEvent};
use wasmtime::{Trap, WasmBacktrace};

use super::backtrace::innermost;
use super::bindings::types;
use super::limits::Limits;
use super::meter::Shortage;
use super::text::plain;

/// Bytes of a guest's own text that are passed on.
const TEXT_MAX_BYTES: usize = 1000;

/// A call into a plug-in failed. The host and other instances are not affected.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("plug-in {plugin} failed in {call} ({kind}): {detail}")]
pub struct CallError {
    /// The plug-in's name.
    pub plugin: String,
    /// The call, such as `detector.score`.
    pub call: &'static str,
    /// What went wrong.
    pub kind: Kind,
    /// The whole story, with a hint on its own line where there is a remedy.
    pub detail: String,
}

impl CallError {
    /// Returns the event of this failure. The code that handles the error announces it, once.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::Plugin(PluginEvent::PluginFailed {
            plugin: self.plugin.clone(),
            call: self.call.to_owned(),
            kind: self.kind.code().to_owned(),
            detail: self.detail.clone(),
        })
    }
}

/// The ways in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The guest crashed: a panic, an exhausted stack, an access out of bounds.
    Trap,
    /// The guest was stopped at its deadline.
    Deadline,
    /// The guest was stopped when its work was used up, which is counted the same on every machine.
    Fuel,
    /// The guest crashed after it was refused more memory, or more of a table.
    Memory,
    /// The guest returned more than it may, and was stopped before the host allocated memory for
    /// it.
    OutputTooLarge,
    /// The guest returned an unusable result, which was dropped. The instance can still be used,
    /// unless the result could not be read at all.
    InvalidOutput,
    /// The guest, or the host on its behalf, declined the input; the instance can still be used.
    Refused(Refusal),
    /// An earlier call ended this instance; a new one has to be opened.
    Dead,
    /// The plug-in failed too often and is quarantined; the guest was not called.
    Quarantined,
}

impl Kind {
    /// Whether the failure counts towards quarantine.
    #[must_use]
    pub fn is_fault(self) -> bool {
        match self {
            Self::Trap
            | Self::Deadline
            | Self::Fuel
            | Self::Memory
            | Self::OutputTooLarge
            | Self::InvalidOutput => true,
            Self::Refused(_) | Self::Dead | Self::Quarantined => false,
        }
    }

    /// Returns a short stable code: `trap`, `deadline`, `fuel`, `memory`, `output-too-large`,
    /// `invalid-output`, `refused`, `quarantined` or `error`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::OutputTooLarge => "output-too-large",
            Self::InvalidOutput => "invalid-output",
            Self::Refused(_) => "refused",
            Self::Quarantined => "quarantined",
            Self::Dead => "error",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => f.write_str(refusal.code()),
            Self::Dead => f.write_str("dead"),
            _ => f.write_str(self.code()),
        }
    }
}

/// The variants of the WIT type `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A parameter has a value that the plug-in cannot work with.
    InvalidParameter,
    /// The rows cannot be used.
    InvalidInput,
    /// The weights or the saved state cannot be used, or the call comes too early.
    InvalidState,
    /// Training left the range of numbers.
    Diverged,
    /// Anything else.
    Other,
}

impl Refusal {
    /// As the variant is called in `wit/plugin.wit`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidParameter => "invalid-parameter",
            Self::InvalidInput => "invalid-input",
            Self::InvalidState => "invalid-state",
            Self::Diverged => "diverged",
            Self::Other => "other",
        }
    }
}

/// Converts a guest's own error; its text is cut, and control characters removed.
pub(super) fn refusal(error: &types::Error) -> (Kind, String) {
    let (refusal, text) = match error {
        types::Error::InvalidParameter(text) => (Refusal::InvalidParameter, text),
        types::Error::InvalidInput(text) => (Refusal::InvalidInput, text),
        types::Error::InvalidState(text) => (Refusal::InvalidState, text),
        types::Error::Diverged(text) => (Refusal::Diverged, text),
        types::Error::Other(text) => (Refusal::Other, text),
    };
    (Kind::Refused(refusal), plain(text, TEXT_MAX_BYTES))
}

/// Raised inside the guest when its time is up.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the deadline has passed")]
pub(super) struct DeadlinePassed;

/// What the host knows about a call that did not return.
pub(super) struct FailedCall<'a> {
    pub(super) limits: &'a Limits,
    /// The memory or table that was refused.
    pub(super) shortage: Option<Shortage>,
    /// The last error line that the guest logged in this call; usually a panic message.
    pub(super) last_error: Option<&'a str>,
}

/// Returns what ended a call, from the engine's error and what the host knows.
pub(super) fn classify(error: &wasmtime::Error, seen: &FailedCall<'_>) -> (Kind, String) {
    let location = error
        .downcast_ref::<WasmBacktrace>()
        .and_then(innermost)
        .map(|names| format!(" in {names}"))
        .unwrap_or_default();
    let logged = seen
        .last_error
        .map(|line| format!(": {line}"))
        .unwrap_or_default();
    let limits = seen.limits;
    if error.is::<DeadlinePassed>() {
        let detail = format!(
            "stopped at the limit of {} ms{location}\nhint: use smaller batches, or raise limits.call_deadline_ms",
            limits.call_deadline_ms
        );
        (Kind::Deadline, detail)
    } else if is_output_too_large(error) {
        let detail = format!(
            "returned more than the limit of {} bytes\nhint: use smaller batches, or raise limits.output_bytes",
            limits.output_bytes
        );
        (Kind::OutputTooLarge, detail)
    } else if let Some(shortage) = seen.shortage {
        (Kind::Memory, shortage_detail(shortage, limits, &location))
    } else if let Some(trap) = error.downcast_ref::<Trap>() {
        trap_detail(*trap, limits, &format!("{location}{logged}"))
    } else if is_too_many_parts(error) {
        let detail = format!(
            "{}\nhint: raise limits.instances or limits.tables",
            error.root_cause()
        );
        (Kind::Memory, detail)
    } else {
        (
            Kind::InvalidOutput,
            abi_violation_detail(&error.root_cause().to_string(), &logged),
        )
    }
}

fn shortage_detail(shortage: Shortage, limits: &Limits, location: &str) -> String {
    match shortage {
        Shortage::Memory(asked) => format!(
            "asked for {asked} bytes of memory in all, the limit is {}{location}\n\
             hint: use smaller batches, or raise limits.memory_bytes",
            limits.memory_bytes
        ),
        Shortage::Pool(limit) => format!(
            "asked for more memory than is left: all instances together may have {limit} bytes{location}\n\
             hint: raise plugins.total_memory_bytes, or lower limits.memory_bytes of the largest plug-in"
        ),
        Shortage::Table(asked) => format!(
            "asked for tables of {asked} elements in all, the limit is {}{location}\n\
             hint: raise limits.table_elements",
            limits.table_elements
        ),
    }
}

fn trap_detail(trap: Trap, limits: &Limits, context: &str) -> (Kind, String) {
    let message = trap.to_string();
    let message = message.strip_prefix("wasm trap: ").unwrap_or(&message);
    match trap {
        Trap::OutOfFuel => {
            let fuel = limits.fuel_per_call.unwrap_or_default();
            let hint = "hint: use smaller batches, or raise limits.fuel_per_call";
            (
                Kind::Fuel,
                format!("stopped at the limit of {fuel} units of work{context}\n{hint}"),
            )
        }
        Trap::StackOverflow => {
            let hint = "hint: its recursion is too deep; limits.stack_bytes can be up to 1048576";
            (
                Kind::Trap,
                format!(
                    "{message}, at {} bytes{context}\n{hint}",
                    limits.stack_bytes
                ),
            )
        }
        Trap::CannotLeaveComponent => {
            let message =
                "called the host while the host was reading its result or passing arguments";
            (Kind::Trap, format!("{message}{context}"))
        }
        _ => (Kind::Trap, format!("{message}{context}")),
    }
}

/// Describes a call whose result violates the component ABI.
fn abi_violation_detail(message: &str, context: &str) -> String {
    let message = plain(message, TEXT_MAX_BYTES);
    format!(
        "it violated the component ABI: {message}{context}\nhint: its code, or the tool that built it, is faulty"
    )
}

/// The engine has no type for this error, so its text is compared; a test checks the text of the
/// pinned version.
fn is_too_many_parts(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .starts_with("resource limit exceeded")
}

/// The engine's type for this error is private, so its text is compared; a test checks the text of
/// the pinned version.
fn is_output_too_large(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls has been exhausted")
}
