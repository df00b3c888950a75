//! One layer over another.

use super::problem::Problems;
use super::tree::Node;
use super::{kafka, topics};

/// Lays `layer` over `root`, once its names are those that the manifest keeps.
pub(super) fn add(root: &mut Node, mut layer: Node, problems: &mut Problems) {
    kafka::settle_names(&mut layer, problems);
    topics::settle(&mut layer);
    kafka::displace(root, &mut layer);
    root.merge(layer);
}
