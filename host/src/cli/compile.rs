//! The hidden command that compiles a component, for [`fedhost_plugin::compiler`].

use clap::Args;

use super::Ending;
use fedhost_plugin::compiler::{Bounds, COUNTS_WORK, ChildError, SCAN_ONLY, Task, compile};

/// Compiles the component on stdin, within limits that it sets itself.
#[derive(Debug, Args)]
pub(super) struct Compile {
    /// Bytes of address space
    memory_bytes: u64,
    /// Seconds of processor time
    cpu_seconds: u64,
    /// Code that counts its work
    #[arg(long = COUNTS_WORK.trim_start_matches('-'))]
    counts_work: bool,
    /// A look at the component without compiling it
    #[arg(long = SCAN_ONLY.trim_start_matches('-'))]
    scan_only: bool,
}

impl Compile {
    pub(super) fn execute(&self) -> Ending {
        let Self {
            memory_bytes,
            cpu_seconds,
            counts_work,
            scan_only,
        } = *self;
        let task = Task {
            counts_work,
            scan_only,
        };
        let bounds = Bounds {
            memory_bytes,
            cpu_seconds,
        };
        match compile(
            bounds,
            task,
            std::io::stdin().lock(),
            std::io::stdout().lock(),
        ) {
            Ok(()) => Ending::Done,
            Err(error @ ChildError::Invalid(_)) => Ending::Failed(error.into()),
            Err(error @ ChildError::Failed(_)) => Ending::Refused(error.into()),
        }
    }
}
