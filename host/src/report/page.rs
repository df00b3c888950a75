//! One self-contained page: no script, no request, readable on paper.

mod head;
mod participation;
mod pictures;
mod tables;

use maud::{Markup, html};

use super::frame::frame;
use super::summary::RunSummary;
use super::words;

/// The page about all runs, in the order given.
pub(super) fn page(runs: &[RunSummary]) -> Markup {
    let title = head::title(runs);
    let body = html! {
        header { h1 { (title) } (head::leads(runs)) }
        main {
            (head::figures(runs))
            (pictures::pictures(runs))
            @for run in runs { (details(run, runs.len() > 1)) }
        }
        (footer(runs))
    };
    frame(&title, "", &body)
}

/// Everything about one run that is not a picture.
fn details(run: &RunSummary, named: bool) -> Markup {
    html! {
        @if named { h2.run { (run.name) } }
        (tables::nodes::nodes(run))
        (tables::rounds::rounds(run))
        (tables::trouble::rejections(run))
        (tables::plugins::plugins(run))
        (tables::trouble::incidents(run))
    }
}

fn footer(runs: &[RunSummary]) -> Markup {
    html! {
        footer {
            @for run in runs {
                dl {
                    dt { "log" } dd { code { (run.log) } }
                    @if let Some(manifest) = &run.manifest {
                        dt { "manifest" } dd { (manifest.file) " " code { (manifest.sha256) } }
                        dt { "run by" } dd { "fedhost " (manifest.version) }
                    }
                    @if let Some(weights) = &run.weights_sha256 { dt { "last global model" } dd { code { (weights) } } }
                }
            }
            p {
                "Made by fedhost " (env!("CARGO_PKG_VERSION")) " with " code { (command(runs)) }
                ". All times are UTC."
            }
        }
    }
}

/// The command that makes this page again, in a POSIX shell.
fn command(runs: &[RunSummary]) -> String {
    let plain = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
    };
    runs.iter()
        .fold("fedhost report".to_owned(), |command, run| {
            let name = if plain(&run.log) {
                run.log.clone()
            } else {
                format!("'{}'", run.log.replace('\'', r"'\''"))
            };
            format!("{command} {name}")
        })
}
