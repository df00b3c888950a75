//! `fedhost completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Ending, screen};

/// Prints a completion script for a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fedhost completions bash > ~/.local/share/bash-completion/completions/fedhost"
)]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn execute(&self) -> Ending {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "fedhost", &mut script);
        screen::result(&String::from_utf8_lossy(&script));
        Ending::Done
    }
}
