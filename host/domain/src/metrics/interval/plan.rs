//! Divides rows into the blocks that a bootstrap draws.

/// With at least this many series, whole series are drawn.
const SERIES_MIN: usize = 10;
/// The aimed number of blocks; exceeded by at most one per series.
const BLOCKS: u64 = 200;

/// Blocks of rows: whole series, neighbours together when there are many; of few series row ranges
/// of equal length, none across two series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPlan {
    blocks: usize,
    shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Series {
        series: u64,
        blocks: u64,
    },
    /// The first block of each series, and the number of rows in a block.
    RowRanges {
        first: Vec<u64>,
        rows: u64,
    },
}

impl BlockPlan {
    /// Blocks for series with these numbers of rows.
    #[must_use]
    pub fn new(series_rows: &[u64]) -> Self {
        if series_rows.len() >= SERIES_MIN {
            let series = series_rows.len() as u64;
            let blocks = series.min(BLOCKS);
            return Self {
                blocks: blocks as usize,
                shape: Shape::Series { series, blocks },
            };
        }
        let rows = series_rows.iter().sum::<u64>().div_ceil(BLOCKS).max(1);
        let mut blocks = 0;
        let first = series_rows.iter().map(|series| {
            let first = blocks;
            blocks += series.div_ceil(rows);
            first
        });
        let first = first.collect();
        Self {
            blocks: blocks as usize,
            shape: Shape::RowRanges { first, rows },
        }
    }

    /// The number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// The block of a row of a series, both counted from 0.
    #[must_use]
    pub fn block(&self, series: usize, row: u64) -> u16 {
        let block = match &self.shape {
            Shape::Series {
                series: all,
                blocks,
            } => series as u64 * blocks / all,
            Shape::RowRanges { first, rows } => {
                first.get(series).copied().unwrap_or_default() + row / rows
            }
        };
        u16::try_from(block).unwrap_or(u16::MAX)
    }
}
