//! Parses the command line, carries out the command, and turns its end into an exit code: 0 done; 1
//! it ran and failed; 2 bad usage, manifest or input, found before anything was started; 130
//! interrupted.

use std::process::ExitCode;

use clap::Parser as _;
use fedhost::cli::{Cli, Ending};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ending = fedhost::cli::execute(cli);
    if let Ending::Refused(error) | Ending::Failed(error) = &ending {
        fedhost::cli::print_error(error);
    }
    ending.exit_code()
}
