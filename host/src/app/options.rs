//! What the command line asks of a run, beside the manifest.

use std::collections::BTreeSet;
use std::time::Duration;

use fedhost_manifest::Manifest;

/// A part of the federation that can run on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Averages the fog nodes' updates into global models
    Aggregator,
    /// Preprocesses, scores and learns
    FogNode,
    /// Puts rows on a fog node's topic
    Sensor,
}

/// What the command line asks of a run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The manifest's file name, for the run log.
    pub manifest_name: String,
    /// Empty means all.
    pub roles: BTreeSet<Role>,
    /// Numbers of the fog nodes, and of the nodes whose sensors run; empty means all.
    pub nodes: BTreeSet<u32>,
    /// Goes before the manifest's.
    pub rounds: Option<u64>,
    /// The run ends after this time at the latest.
    pub duration: Option<Duration>,
}

/// An option does not go with the manifest.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// Nobody has this number.
    #[error("--node {node}: the manifest has no fog node {node}")]
    #[diagnostic(help("it has {known}"))]
    UnknownNode {
        /// The number given.
        node: u32,
        /// Those there are.
        known: String,
    },
    /// A run of nothing.
    #[error("--rounds 0: a run makes at least one global model")]
    NoRounds,
}

impl Options {
    /// Whether the role runs in this process.
    #[must_use]
    pub fn runs(&self, role: Role) -> bool {
        self.roles.is_empty() || self.roles.contains(&role)
    }

    /// Whether the node's fog node and sensors run in this process.
    #[must_use]
    pub fn runs_node(&self, node: u32) -> bool {
        self.nodes.is_empty() || self.nodes.contains(&node)
    }

    /// Refuses what does not go with the manifest.
    ///
    /// # Errors
    /// Names the option.
    pub fn check(&self, manifest: &Manifest) -> Result<(), Error> {
        if self.rounds == Some(0) {
            return Err(Error::NoRounds);
        }
        let known = manifest.fog_node_ids();
        match self.nodes.difference(&known).next() {
            None => Ok(()),
            Some(&node) => {
                let known = known
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ");
                Err(Error::UnknownNode { node, known })
            }
        }
    }
}
