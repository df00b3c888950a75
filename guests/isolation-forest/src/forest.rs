//! Isolation trees over a sample, and the depth at which a row ends.

use fedhost_guest::Random;

use crate::reservoir::MISSING;

/// Trees over one sample; equal samples and seeds give equal trees.
#[derive(Clone, Debug)]
pub struct Forest {
    trees: Vec<Tree>,
    /// Mean depth of a random search tree over the same number of rows.
    usual: f64,
}

impl Forest {
    /// Grows `trees`, each from `tree_rows` rows of the sample drawn without repetition, or from
    /// all if there are fewer.
    #[must_use]
    pub fn grow(sample: &[f32], width: usize, trees: usize, tree_rows: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let rows: Vec<&[f32]> = sample.chunks_exact(width).collect();
        let tree_rows = tree_rows.min(rows.len());
        let grow = |_| Tree::grow(&mut draw(&rows, tree_rows, &mut random), width, &mut random);
        Self {
            trees: (0..trees).map(grow).collect(),
            usual: usual_depth(tree_rows),
        }
    }

    /// The score of a row, from 0 to 1; higher is easier to isolate. 0.5 for all rows when the sample
    /// has fewer than two rows.
    #[must_use]
    pub fn score(&self, row: &[f32]) -> f32 {
        if self.usual <= 0.0 {
            return 0.5;
        }
        let depth: f64 = self
            .trees
            .iter()
            .map(|tree| f64::from(tree.depth(row)))
            .sum();
        libm::exp2(-depth / (self.trees.len() as f64 * self.usual)) as f32
    }
}

fn draw<'a>(rows: &[&'a [f32]], count: usize, random: &mut Random) -> Vec<&'a [f32]> {
    let mut rows = rows.to_vec();
    for place in 0..count {
        let other = place + random.below(rows.len() - place);
        rows.swap(place, other);
    }
    rows.truncate(count);
    rows
}

/// Mean depth of an unsuccessful search in a random binary search tree: `c(n)` of the paper.
fn usual_depth(rows: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let below = rows as f64 - 1.0;
            2.0 * (libm::log(below) + EULER) - 2.0 * below / rows as f64
        }
    }
}

#[derive(Clone, Debug)]
struct Tree {
    nodes: Vec<Node>,
}

/// A cut, or a leaf when `smaller` is 0, because no cut leads back to the root.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    column: u32,
    /// Smaller values go to one child, all others and missing values to the other.
    threshold: f32,
    /// The child of smaller values; the next node is the child of the others.
    smaller: u32,
    /// For a leaf: its depth, plus the usual depth of a tree over the rows that ended here.
    depth: f32,
}

impl Tree {
    fn grow(rows: &mut [&[f32]], width: usize, random: &mut Random) -> Self {
        let mut tree = Self {
            nodes: vec![Node::default()],
        };
        let mut columns: Vec<usize> = (0..width).collect();
        let depth_max = rows.len().max(1).next_power_of_two().ilog2();
        tree.split(0, rows, 0, depth_max, &mut columns, random);
        tree
    }

    fn split(
        &mut self,
        at: usize,
        rows: &mut [&[f32]],
        depth: u32,
        depth_max: u32,
        columns: &mut [usize],
        random: &mut Random,
    ) {
        let cut = if depth < depth_max {
            draw_cut(rows, columns, random)
        } else {
            None
        };
        let smaller = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(at) {
            *node = match cut {
                Some((column, threshold)) => Node {
                    column: column as u32,
                    threshold,
                    smaller: smaller as u32,
                    depth: 0.0,
                },
                None => Node {
                    depth: (f64::from(depth) + usual_depth(rows.len())) as f32,
                    ..Node::default()
                },
            };
        }
        let Some((column, threshold)) = cut else {
            return;
        };
        self.nodes.extend([Node::default(); 2]);
        let (below, rest) = part(rows, |row| {
            row.get(column).is_some_and(|value| *value < threshold)
        });
        self.split(smaller, below, depth + 1, depth_max, columns, random);
        self.split(smaller + 1, rest, depth + 1, depth_max, columns, random);
    }

    fn depth(&self, row: &[f32]) -> f32 {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            if node.smaller == 0 {
                return node.depth;
            }
            let smaller = row
                .get(node.column as usize)
                .is_some_and(|value| *value < node.threshold);
            at = node.smaller as usize + usize::from(!smaller);
        }
        0.0
    }
}

/// A random column among those that vary, and a random value within its range; both sides will have
/// rows.
fn draw_cut(rows: &[&[f32]], columns: &mut [usize], random: &mut Random) -> Option<(usize, f32)> {
    for left in (1..=columns.len()).rev() {
        columns.swap(random.below(left), left - 1);
        let column = *columns.get(left - 1)?;
        let values = rows
            .iter()
            .filter_map(|row| row.get(column).copied())
            .filter(|value| value.abs() < MISSING);
        // Compared by hand: a component calls functions for `f32::min` and `f32::max`.
        let (low, high) = values.fold((MISSING, -MISSING), |(low, high), value| {
            (
                if value < low { value } else { low },
                if value > high { value } else { high },
            )
        });
        if low < high {
            let (low, high) = (f64::from(low), f64::from(high));
            let threshold = (low + f64::from(random.unit()) * (high - low)) as f32;
            let both_sides = f64::from(threshold) > low;
            return Some((column, if both_sides { threshold } else { high as f32 }));
        }
    }
    None
}

/// Moves the rows for which `first` is true to the front.
fn part<'a, 'b>(
    rows: &'b mut [&'a [f32]],
    first: impl Fn(&[f32]) -> bool,
) -> (&'b mut [&'a [f32]], &'b mut [&'a [f32]]) {
    let mut end = 0;
    for index in 0..rows.len() {
        if rows.get(index).is_some_and(|row| first(row)) {
            rows.swap(index, end);
            end += 1;
        }
    }
    rows.split_at_mut(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(rows: usize) -> Vec<f32> {
        let mut random = Random::new(1);
        (0..2 * rows)
            .map(|_| (0..6).map(|_| random.unit()).sum::<f32>() - 3.0)
            .collect()
    }

    #[test]
    fn usual_depths_are_those_of_the_paper() {
        assert_eq!([0, 1, 2].map(usual_depth), [0.0, 0.0, 1.0]);
        // 2 H(255) - 2 * 255 / 256
        assert!(
            (usual_depth(256) - 10.244).abs() < 0.01,
            "{}",
            usual_depth(256)
        );
    }

    #[test]
    fn a_row_apart_scores_high_and_one_in_the_middle_low() {
        let forest = Forest::grow(&cloud(500), 2, 100, 256, 0);
        let (middle, apart) = (forest.score(&[0.0, 0.0]), forest.score(&[0.0, 8.0]));
        assert!(middle < 0.5 && apart > 0.6, "{middle} and {apart}");
    }

    #[test]
    fn what_is_missing_or_infinite_is_at_the_far_end() {
        let forest = Forest::grow(&cloud(500), 2, 100, 256, 0);
        let far = forest.score(&[0.0, 1e9]);
        assert_eq!(
            [f32::NAN, f32::INFINITY].map(|value| forest.score(&[0.0, value])),
            [far; 2]
        );
        assert_eq!(
            forest.score(&[0.0, f32::NEG_INFINITY]),
            forest.score(&[0.0, -1e9])
        );
    }

    #[test]
    fn missing_values_in_the_sample_do_not_stretch_its_range() {
        let mut sample = cloud(200);
        sample[1] = MISSING;
        sample[3] = -MISSING;
        let forest = Forest::grow(&sample, 2, 20, 200, 0);
        let cuts = forest
            .trees
            .iter()
            .flat_map(|tree| &tree.nodes)
            .filter(|node| node.smaller > 0);
        assert!(cuts.clone().count() > 100);
        assert!(cuts.into_iter().all(|cut| cut.threshold.abs() < 4.0));
    }

    #[test]
    fn samples_without_anything_to_cut_score_every_row_the_same() {
        for (sample, score) in [(vec![], 0.5), (vec![1.0, 2.0], 0.5)] {
            assert_eq!(
                Forest::grow(&sample, 2, 10, 256, 0).score(&[9.0, 9.0]),
                score
            );
        }
        let constant = Forest::grow(&[7.0; 100], 2, 10, 256, 0);
        assert_eq!(constant.score(&[7.0, 7.0]), constant.score(&[9.0, -9.0]));
        let missing = Forest::grow(&[MISSING; 100], 2, 10, 256, 0);
        assert_eq!(missing.score(&[7.0, 7.0]), 0.5);
    }

    #[test]
    fn neighbouring_floats_can_be_separated() {
        let (low, high) = (1.0_f32, 1.0_f32.next_up());
        let forest = Forest::grow(&[low, high], 1, 50, 256, 3);
        assert!(
            forest
                .trees
                .iter()
                .all(|tree| tree.nodes.len() == 3 && tree.nodes[0].threshold == high)
        );
    }
}
