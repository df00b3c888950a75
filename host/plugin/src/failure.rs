//! Why a call into a plug-in failed, in words an operator can act on.

use std::fmt;

use fedhost_domain::event::Event;
use wasmtime::{Trap, WasmBacktrace};

use super::backtrace::innermost;
use super::bindings::types;
use super::limits::Limits;
use super::meter::Shortage;
use super::text::plain;

/// Bytes of a guest's own words that are passed on.
const WORDS_MAX_BYTES: usize = 1000;

/// A call into a plug-in failed. The host and all other instances are unharmed.
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
    /// The fact to announce; whoever handles the error announces it, once.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::PluginFailed {
            plugin: self.plugin.clone(),
            call: self.call.to_owned(),
            kind: self.kind.code().to_owned(),
            detail: self.detail.clone(),
        }
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
    /// The guest handed over more than it may, and was stopped before the host made room for it.
    OutputTooLarge,
    /// The guest answered with something that cannot be used; the answer was dropped. The instance
    /// lives on, unless the answer could not even be read.
    InvalidOutput,
    /// The guest, or the host on its behalf, declined the input; the instance lives on.
    Refused(Refusal),
    /// An earlier call ended this instance; a new one has to be opened.
    Dead,
    /// The plug-in failed too often, and is left alone for a while; the guest was not called.
    Quarantined,
}

impl Kind {
    /// Whether the plug-in is to blame.
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

    /// A short stable code: `trap`, `deadline`, `fuel`, `memory`, `output-too-large`,
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

/// Takes a guest's own error apart; its text is cut and cleaned.
pub(super) fn refusal(error: &types::Error) -> (Kind, String) {
    let (refusal, text) = match error {
        types::Error::InvalidParameter(text) => (Refusal::InvalidParameter, text),
        types::Error::InvalidInput(text) => (Refusal::InvalidInput, text),
        types::Error::InvalidState(text) => (Refusal::InvalidState, text),
        types::Error::Diverged(text) => (Refusal::Diverged, text),
        types::Error::Other(text) => (Refusal::Other, text),
    };
    (Kind::Refused(refusal), plain(text, WORDS_MAX_BYTES))
}

/// Raised inside the guest when its time is up.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the deadline has passed")]
pub(super) struct DeadlinePassed;

/// What the host saw of a call that did not return.
pub(super) struct Circumstances<'a> {
    pub(super) limits: &'a Limits,
    /// What was asked for in vain.
    pub(super) shortage: Option<Shortage>,
    /// The last error line that the guest logged in this call: a panic message, mostly.
    pub(super) last_words: Option<&'a str>,
}

/// Says what ended a call, from the engine's error and the circumstances.
pub(super) fn classify(error: &wasmtime::Error, seen: &Circumstances<'_>) -> (Kind, String) {
    let trace = error
        .downcast_ref::<WasmBacktrace>()
        .map(ToString::to_string)
        .unwrap_or_default();
    let whereabouts = innermost(&trace)
        .map(|names| format!(" in {names}"))
        .unwrap_or_default();
    let words = seen
        .last_words
        .map(|words| format!(": {words}"))
        .unwrap_or_default();
    let limits = seen.limits;
    if error.is::<DeadlinePassed>() {
        let detail = format!(
            "stopped at the limit of {} ms{whereabouts}\nhint: hand it less at a time, or raise limits.call_deadline_ms",
            limits.call_deadline_ms
        );
        (Kind::Deadline, detail)
    } else if is_output_too_large(error) {
        let detail = format!(
            "handed over more than the limit of {} bytes\nhint: hand it less at a time, or raise limits.output_bytes",
            limits.output_bytes
        );
        (Kind::OutputTooLarge, detail)
    } else if let Some(shortage) = seen.shortage {
        (Kind::Memory, in_words(shortage, limits, &whereabouts))
    } else if let Some(trap) = error.downcast_ref::<Trap>() {
        of_trap(*trap, limits, &format!("{whereabouts}{words}"))
    } else if is_too_many_parts(error) {
        let detail = format!(
            "{}\nhint: raise limits.instances or limits.tables",
            error.root_cause()
        );
        (Kind::Memory, detail)
    } else {
        (
            Kind::InvalidOutput,
            of_broken_rules(&error.root_cause().to_string(), &words),
        )
    }
}

fn in_words(shortage: Shortage, limits: &Limits, whereabouts: &str) -> String {
    match shortage {
        Shortage::Memory(asked) => format!(
            "asked for {asked} bytes of memory in all, the limit is {}{whereabouts}\n\
             hint: hand it less at a time, or raise limits.memory_bytes",
            limits.memory_bytes
        ),
        Shortage::Table(asked) => format!(
            "asked for tables of {asked} elements in all, the limit is {}{whereabouts}\n\
             hint: raise limits.table_elements",
            limits.table_elements
        ),
    }
}

fn of_trap(trap: Trap, limits: &Limits, story: &str) -> (Kind, String) {
    let words = trap.to_string();
    let words = words.strip_prefix("wasm trap: ").unwrap_or(&words);
    match trap {
        Trap::OutOfFuel => {
            let fuel = limits.fuel_per_call.unwrap_or_default();
            let hint = "hint: hand it less at a time, or raise limits.fuel_per_call";
            (
                Kind::Fuel,
                format!("stopped at the limit of {fuel} units of work{story}\n{hint}"),
            )
        }
        Trap::StackOverflow => {
            let hint = "hint: it calls itself too deeply; limits.stack_bytes can be up to 1048576";
            (
                Kind::Trap,
                format!("{words}, at {} bytes{story}\n{hint}", limits.stack_bytes),
            )
        }
        Trap::CannotLeaveComponent => {
            let words =
                "called the host while the host was reading its answer or handing over arguments";
            (Kind::Trap, format!("{words}{story}"))
        }
        _ => (Kind::Trap, format!("{words}{story}")),
    }
}

/// The engine could make nothing of what the guest handed over.
fn of_broken_rules(words: &str, story: &str) -> String {
    let words = plain(words, WORDS_MAX_BYTES);
    format!(
        "it broke the rules of calls: {words}{story}\nhint: its code, or the tool that built it, is faulty"
    )
}

/// As the engine words it for lack of a type of its own; a test holds the pinned version to it.
fn is_too_many_parts(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .starts_with("resource limit exceeded")
}

/// The engine's type for this is private, so its words are all there is; a test holds the pinned
/// version to them.
fn is_output_too_large(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls has been exhausted")
}
