//! Pools the nodes' evaluations of a global model on their held-out rows.

use std::collections::BTreeMap;

use crate::event::{GlobalEvaluation, NodeEvaluation};
use crate::metrics::ScoreSketch;
use crate::model::NodeId;

/// The evaluations of one round's global model, by node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoundEvaluations {
    sketches: BTreeMap<NodeId, ScoreSketch>,
}

impl RoundEvaluations {
    /// Adds a node's evaluation. A second one of the same node is a repetition and replaces the
    /// first.
    pub fn insert(&mut self, node: NodeId, sketch: ScoreSketch) {
        self.sketches.insert(node, sketch);
    }

    /// Whether all of `nodes` have answered.
    #[must_use]
    pub fn cover<'a>(&self, mut nodes: impl Iterator<Item = &'a NodeId>) -> bool {
        nodes.all(|node| self.sketches.contains_key(node))
    }

    /// All rows of all nodes pooled; `None` when there are none.
    #[must_use]
    pub fn pooled(&self) -> Option<GlobalEvaluation> {
        let mut pool = ScoreSketch::default();
        let mut nodes = Vec::new();
        for (node, sketch) in self.sketches.iter().filter(|(_, sketch)| sketch.rows() > 0) {
            pool.merge(sketch);
            nodes.push(NodeEvaluation {
                node: node.clone(),
                rows: sketch.rows(),
                anomalous: sketch.anomalous(),
                roc_auc: sketch.roc_auc(),
            });
        }
        if nodes.is_empty() {
            return None;
        }
        Some(GlobalEvaluation {
            rows: pool.rows(),
            anomalous: pool.anomalous(),
            roc_auc: pool.roc_auc(),
            average_precision: pool.average_precision(),
            nodes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(scores: &[(f32, bool)]) -> ScoreSketch {
        let mut sketch = ScoreSketch::default();
        for &(score, anomalous) in scores {
            sketch.add(score, anomalous);
        }
        sketch
    }

    #[test]
    fn nodes_are_pooled_not_averaged() {
        let mut evaluations = RoundEvaluations::default();
        // Each node alone ranks perfectly; pooled, node 2's normal row outranks node 1's anomaly.
        evaluations.insert(NodeId::fog(1), sketch(&[(0.125, false), (0.25, true)]));
        evaluations.insert(NodeId::fog(2), sketch(&[(0.5, false), (0.75, true)]));
        let pooled = evaluations.pooled().unwrap();
        assert_eq!(pooled.roc_auc, Some(0.75));
        assert!(pooled.nodes.iter().all(|node| node.roc_auc == Some(1.0)));
    }

    #[test]
    fn a_repeated_evaluation_counts_once() {
        let mut evaluations = RoundEvaluations::default();
        for _ in 0..2 {
            evaluations.insert(NodeId::fog(1), sketch(&[(0.0, false), (1.0, true)]));
        }
        assert_eq!(evaluations.pooled().unwrap().rows, 2);
    }

    #[test]
    fn a_node_without_held_out_rows_counts_as_answered() {
        let mut evaluations = RoundEvaluations::default();
        evaluations.insert(NodeId::fog(1), ScoreSketch::default());
        assert!(evaluations.cover([NodeId::fog(1)].iter()));
        assert_eq!(evaluations.pooled(), None);
    }
}
