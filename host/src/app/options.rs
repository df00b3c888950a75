//! What the command line asks of a run, beside the manifest.

use std::collections::BTreeSet;
use std::time::Duration;

use fedhost_manifest::{Manifest, RoleKind, RoleSpec, Sensor};

/// What the command line asks of a run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The manifest's file name, for the run log.
    pub manifest_name: String,
    /// Empty means all.
    pub roles: BTreeSet<RoleKind>,
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
    /// No fog node has this number.
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
    /// Those of `roles` that run in this process.
    #[must_use]
    pub fn select(&self, mut roles: Vec<RoleSpec>) -> Vec<RoleSpec> {
        roles.retain(|spec| {
            let is_kind = self.roles.is_empty() || self.roles.contains(&spec.id.kind());
            let node = spec.id.node();
            let is_node =
                self.nodes.is_empty() || node.is_none_or(|node| self.nodes.contains(&node));
            is_kind && is_node
        });
        roles
    }

    /// Whether a sensor runs in this process.
    #[must_use]
    pub fn runs(&self, sensor: &Sensor) -> bool {
        let is_kind = self.roles.is_empty() || self.roles.contains(&RoleKind::Sensor);
        is_kind && (self.nodes.is_empty() || self.nodes.contains(&sensor.node()))
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
