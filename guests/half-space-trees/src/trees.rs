//! Trees of random cuts, and the counts of rows in their nodes.
//!
//! All trees are complete and of equal depth, so a tree is a list: the root is first, and the
//! children of node `i` are nodes `2 i + 1` (values below the cut) and `2 i + 2` (all others).

use fedhost_guest::Random;

/// The smallest distance of a cut from both edges of its cell, as a share of the cell.
const MARGIN: f32 = 0.15;

/// The cuts of all trees.
#[derive(Clone, Debug)]
pub struct Trees {
    /// The cuts of inner nodes, tree by tree.
    cuts: Vec<Cut>,
    depth: u32,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    column: u32,
    at: f32,
}

impl Trees {
    /// Random trees over `columns` columns with values between 0 and 1.
    #[must_use]
    pub fn draw(trees: usize, depth: u32, columns: usize, random: &mut Random) -> Self {
        let mut cuts = Vec::with_capacity(trees * inner_nodes(depth));
        for _ in 0..trees {
            // The cells of one level, left to right: their cuts follow each other in the list.
            let mut cells = vec![vec![(0.0, 1.0); columns]];
            for _ in 0..depth {
                cells = cells
                    .into_iter()
                    .flat_map(|cell| halve(cell, &mut cuts, random))
                    .collect();
            }
        }
        Self { cuts, depth }
    }

    /// The number of nodes of all trees, which is the number of counts.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.cuts.len() / inner_nodes(self.depth) * nodes(self.depth)
    }

    /// Adds 1 to the count of every node on the row's paths.
    pub fn count(&self, row: &[f32], counts: &mut [f32]) {
        for (cuts, counts) in self
            .by_tree()
            .zip(counts.chunks_exact_mut(nodes(self.depth)))
        {
            let mut at = 0;
            while let Some(count) = counts.get_mut(at) {
                *count += 1.0;
                match cuts.get(at) {
                    Some(cut) => at = cut.next(at, row),
                    None => break,
                }
            }
        }
    }

    /// How empty the cells on the row's paths are, from 0 to 1, by the counts of `rows` rows.
    ///
    /// The mass of a node is its count times 2 to the depth: the number of rows if all cells of its
    /// depth were equally full. A path ends at a node with less than a tenth of all rows, because
    /// smaller counts are too noisy.
    #[must_use]
    pub fn emptiness(&self, row: &[f32], counts: &[f32], rows: f32) -> f32 {
        let mut mass = 0.0;
        for (cuts, counts) in self.by_tree().zip(counts.chunks_exact(nodes(self.depth))) {
            let (mut at, mut cells) = (0, 1.0);
            while let Some(&count) = counts.get(at) {
                mass += f64::from(count) * cells;
                match cuts.get(at) {
                    Some(cut) if count >= 0.1 * rows => at = cut.next(at, row),
                    _ => break,
                }
                cells *= 2.0;
            }
        }
        let trees = (self.cuts.len() / inner_nodes(self.depth)) as f64;
        let most = trees * f64::from(rows) * nodes(self.depth) as f64;
        if most > 0.0 {
            (1.0 - mass / most) as f32
        } else {
            0.0
        }
    }

    fn by_tree(&self) -> impl Iterator<Item = &[Cut]> {
        self.cuts.chunks_exact(inner_nodes(self.depth))
    }
}

impl Cut {
    fn next(self, at: usize, row: &[f32]) -> usize {
        let below = row
            .get(self.column as usize)
            .is_some_and(|value| *value < self.at);
        2 * at + if below { 1 } else { 2 }
    }
}

fn inner_nodes(depth: u32) -> usize {
    (1 << depth) - 1
}

fn nodes(depth: u32) -> usize {
    (2 << depth) - 1
}

/// Cuts a cell at a random place of a random column; wider sides are cut more often.
fn halve(cell: Vec<(f32, f32)>, cuts: &mut Vec<Cut>, random: &mut Random) -> [Vec<(f32, f32)>; 2] {
    let width = |(low, high): &(f32, f32)| high - low;
    let mut place = random.unit() * cell.iter().map(width).sum::<f32>();
    let found = cell.iter().position(|side| {
        place -= width(side);
        place < 0.0
    });
    let column = found.unwrap_or(0);
    let share = MARGIN + (1.0 - 2.0 * MARGIN) * random.unit();
    let (mut left, mut right) = (cell.clone(), cell);
    if let (Some(left), Some(right)) = (left.get_mut(column), right.get_mut(column)) {
        let at = left.0 + share * width(left);
        (left.1, right.0) = (at, at);
        cuts.push(Cut {
            column: column as u32,
            at,
        });
    }
    [left, right]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trees() -> Trees {
        Trees::draw(3, 4, 2, &mut Random::new(5))
    }

    #[test]
    fn a_tree_is_complete_and_its_cuts_lie_within_their_cells() {
        let trees = trees();
        assert_eq!((trees.cuts.len(), trees.nodes()), (3 * 15, 3 * 31));
        let (root, right) = (trees.cuts[0], trees.cuts[2]);
        assert!((MARGIN..=1.0 - MARGIN).contains(&root.at));
        assert!(right.column != root.column || right.at > root.at);
    }

    #[test]
    fn a_row_is_counted_once_on_every_level_of_every_tree() {
        let trees = trees();
        let mut counts = vec![0.0; trees.nodes()];
        trees.count(&[0.1, 0.9], &mut counts);
        for tree in counts.chunks(31) {
            let levels =
                [0..1, 1..3, 3..7, 7..15, 15..31].map(|level| tree[level].iter().sum::<f32>());
            assert_eq!(levels, [1.0; 5]);
        }
    }

    #[test]
    fn cells_without_rows_are_emptier_than_full_ones() {
        let trees = trees();
        let mut counts = vec![0.0; trees.nodes()];
        (0..10).for_each(|_| trees.count(&[0.1, 0.9], &mut counts));
        let (full, empty) = (
            trees.emptiness(&[0.1, 0.9], &counts, 10.0),
            trees.emptiness(&[0.9, 0.1], &counts, 10.0),
        );
        assert!(full < 1e-6 && empty > 0.5, "{full} and {empty}");
    }

    #[test]
    fn without_a_reference_nothing_is_empty() {
        let trees = trees();
        assert_eq!(
            trees.emptiness(&[0.5, 0.5], &vec![0.0; trees.nodes()], 0.0),
            0.0
        );
    }
}
