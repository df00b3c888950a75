//! Runs third-party components: finds them, accepts or refuses them, opens instances, and bounds
//! every call. The only crate that may use wasmtime.
//!
//! ```text
//! Engine ── one in a process: compiler, linker, watchdog
//!   └─ Loader ── file -> Plugin, or Refused with the reason;  inspect
//!        └─ Registry ── a directory of plug-ins, found by PluginSelector
//!             └─ Plugin ── check_parameters, then open_preprocessor | open_trainer | open_detector
//!                  └─ Preprocessor, Trainer, Detector ── blocking calls; worker::run makes them async
//! ```
//!
//! There must be no guest on a thread that polls a bus; no call without a deadline or a memory
//! limit; no unchecked value from a guest; no import other than `fedhost:plugin/host`; no compiled
//! code that this host has not compiled.

mod backtrace;
mod batch;
mod bindings;
pub mod build;
mod cache;
pub mod check;
pub mod compiler;
mod component;
mod context;
mod conversion;
mod descriptor;
mod detector;
mod engine;
mod exports;
mod failure;
mod guest;
mod host;
mod inspect;
mod limits;
mod loader;
mod log_budget;
mod meter;
pub mod new;
mod parameters;
mod preprocessor;
mod quarantine;
mod refusal;
mod registry;
mod regular;
mod sandbox;
mod scan;
mod signature;
mod text;
mod trainer;
mod watchdog;
pub mod worker;

pub use batch::{Batch, BatchError};
pub use compiler::this_program;
pub use component::{Opening, Plugin};
pub use context::{Context, EventSink};
pub use descriptor::{Descriptor, DescriptorError, ParameterSpec};
pub use detector::Detector;
pub use engine::{Engine, EngineError};
pub use exports::Abilities;
pub use failure::{CallError, Kind, Refusal};
pub use inspect::{ComponentVerdict, Inspection};
pub use limits::Limits;
pub use loader::{LimitsFor, Loader, OnCompile};
pub use parameters::nearest;
pub use parameters::{Parameter, ParameterProblem, Parameters, Value};
pub use preprocessor::Preprocessor;
pub use refusal::{Reason, Refused};
pub use registry::{FindError, OpenError, Registry};
pub use sandbox::Usage;
pub use scan::Producer;
pub use signature::{NotAKey, Trust};
pub use trainer::{Report, Trainer};
