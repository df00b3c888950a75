//! Which fog nodes can still train: a run in which too few can makes no further global model.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The fog nodes of a manifest that can still train, as far as this process knows.
#[derive(Debug)]
pub struct TrainingNodes {
    left: Mutex<BTreeSet<u32>>,
    /// Fewer cannot close a round; 0 if other nodes may join.
    needed: usize,
}

/// What it means that a node has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It had left before.
    Before,
    /// Enough others are there to close a round.
    Enough,
    /// No round can be closed any more.
    TooFew,
}

impl TrainingNodes {
    /// All of `nodes`, of which a round needs `needed`.
    #[must_use]
    pub fn new(nodes: BTreeSet<u32>, needed: usize) -> Self {
        Self {
            left: Mutex::new(nodes),
            needed,
        }
    }

    pub(super) fn leave(&self, node: u32) -> Left {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if !left.remove(&node) {
            Left::Before
        } else if left.len() < self.needed {
            Left::TooFew
        } else {
            Left::Enough
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_when_too_few_nodes_are_left() {
        let nodes = TrainingNodes::new([1, 2, 3].into(), 2);
        assert_eq!(nodes.leave(1), Left::Enough);
        assert_eq!(nodes.leave(1), Left::Before);
        assert_eq!(nodes.leave(3), Left::TooFew);
        let open = TrainingNodes::new([1].into(), 0);
        assert_eq!(open.leave(1), Left::Enough);
    }
}
