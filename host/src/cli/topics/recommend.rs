//! `fedhost topics recommend`.

use clap::Args;
use serde_json::json;

use crate::cli::{Global, screen};
use fedhost_bus::sizing::{MINIMUM, Need, PER_PARTITION_MB_S, Recommendation, recommend};

/// Recommends a number of partitions: the largest of what consumers, throughput and growth call
/// for, as a multiple of the consumers, so that each gets the same share.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost topics recommend --throughput 95 --consumers 4
  fedhost topics recommend --throughput 2 --consumers 3 --per-partition 0.5

More partitions later move keys to other partitions, so leave room to grow now. A topic that needs
one order, such as global_model, has 1 partition whatever this says.")]
pub(in crate::cli) struct Recommend {
    /// What the topic carries at its peak, in megabytes a second
    #[arg(long, value_name = "MB_PER_S")]
    throughput: f64,
    /// Consumers of the largest group that shares the topic
    #[arg(long, value_name = "N")]
    consumers: u32,
    /// What one partition carries, in megabytes a second; measure it on your cluster
    #[arg(long, value_name = "MB_PER_S", default_value_t = PER_PARTITION_MB_S)]
    per_partition: f64,
}

impl Recommend {
    pub(super) fn execute(&self, global: &Global) -> Result<(), miette::Report> {
        let Self {
            throughput: throughput_mb_s,
            consumers,
            per_partition: per_partition_mb_s,
        } = *self;
        let need = Need {
            throughput_mb_s,
            consumers,
            per_partition_mb_s,
        };
        let recommended = recommend(need)?;
        if global.json {
            return screen::json(&json!({
                "throughput_mb_s": throughput_mb_s,
                "consumers": consumers,
                "per_partition_mb_s": per_partition_mb_s,
                "recommended": recommended,
            }));
        }
        screen::result(&describe(need, recommended));
        Ok(())
    }
}

fn describe(need: Need, recommended: Recommendation) -> String {
    let Need {
        throughput_mb_s,
        consumers,
        per_partition_mb_s,
    } = need;
    let Recommendation {
        partitions,
        for_throughput,
        ..
    } = recommended;
    format!(
        "{partitions} partitions\n\
         \x20 {consumers} for the consumers: one without a partition would be idle\n\
         \x20 {for_throughput} for {throughput_mb_s} MB/s, at {per_partition_mb_s} MB/s each\n\
         \x20 {MINIMUM} at least, for room to grow\n\
         the largest of these, rounded up to a multiple of {consumers}: {} for each consumer",
        partitions.checked_div(consumers).unwrap_or(partitions)
    )
}
