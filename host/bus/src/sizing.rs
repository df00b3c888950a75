//! How many partitions a topic should have.

/// Megabytes a second that one partition carries with ease, if no measurement exists.
pub const PER_PARTITION_MB_S: f64 = 10.0;
/// Fewer leave little room to add consumers later.
pub const MINIMUM: u32 = 6;
/// More than one topic of a cluster should have; beyond it, consumers and brokers suffer.
pub const MAXIMUM: u32 = 10_000;

/// What a topic has to carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// At the peak, in megabytes a second.
    pub throughput_mb_s: f64,
    /// Consumers of the largest group that shares the topic.
    pub consumers: u32,
    /// What one partition carries, in megabytes a second.
    pub per_partition_mb_s: f64,
}

/// How many partitions are recommended, and what called for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Recommendation {
    /// The answer.
    pub partitions: u32,
    /// One for each consumer at least: further consumers would be idle.
    pub for_consumers: u32,
    /// As many as carry the throughput.
    pub for_throughput: u32,
    /// Room to grow.
    pub minimum: u32,
}

/// A need that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// No such number of megabytes.
    #[error("{what} is {value} MB/s, which is no throughput")]
    #[diagnostic(help("give a number of megabytes a second, such as 25 or 0.5"))]
    BadThroughput {
        /// Which throughput.
        what: &'static str,
        /// As given.
        value: f64,
    },
    /// There are no consumers.
    #[error("a topic without consumers needs no partitions")]
    #[diagnostic(help("give the number of consumers of the largest group, at least 1"))]
    NoConsumers,
    /// Not one topic's load.
    #[error("this calls for {partitions} partitions, and one topic should have at most {MAXIMUM}")]
    #[diagnostic(help("spread the load over several topics"))]
    TooMuch {
        /// What the need comes to.
        partitions: u64,
    },
}

/// The largest of what consumers, throughput and growth call for, rounded up so that each consumer
/// gets the same number.
///
/// # Errors
/// The need makes no sense, or one topic cannot meet it.
pub fn recommend(need: Need) -> Result<Recommendation, Error> {
    let Need {
        throughput_mb_s,
        consumers,
        per_partition_mb_s,
    } = need;
    if !(throughput_mb_s.is_finite() && throughput_mb_s >= 0.0) {
        return Err(Error::BadThroughput {
            what: "the topic's throughput",
            value: throughput_mb_s,
        });
    }
    if !(per_partition_mb_s.is_finite() && per_partition_mb_s > 0.0) {
        return Err(Error::BadThroughput {
            what: "the throughput of a partition",
            value: per_partition_mb_s,
        });
    }
    if consumers == 0 {
        return Err(Error::NoConsumers);
    }
    // A float turns into the nearest number that there is; what is too large is refused below.
    let for_throughput = (throughput_mb_s / per_partition_mb_s).ceil() as u64;
    let largest = for_throughput
        .max(u64::from(consumers))
        .max(u64::from(MINIMUM));
    let partitions = largest
        .div_ceil(u64::from(consumers))
        .saturating_mul(u64::from(consumers));
    let narrow = |count: u64| u32::try_from(count).ok().filter(|&count| count <= MAXIMUM);
    let too_much = Error::TooMuch { partitions };
    match (narrow(partitions), narrow(for_throughput)) {
        (Some(partitions), Some(for_throughput)) => Ok(Recommendation {
            partitions,
            for_consumers: consumers,
            for_throughput,
            minimum: MINIMUM,
        }),
        _ => Err(too_much),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(throughput_mb_s: f64, consumers: u32) -> Result<u32, Error> {
        let need = Need {
            throughput_mb_s,
            consumers,
            per_partition_mb_s: PER_PARTITION_MB_S,
        };
        recommend(need).map(|recommendation| recommendation.partitions)
    }

    #[test]
    fn the_largest_of_consumers_throughput_and_minimum_counts() {
        assert_eq!(partitions(0.0, 1), Ok(6), "the minimum");
        assert_eq!(partitions(200.0, 1), Ok(20), "the throughput");
        assert_eq!(
            partitions(201.0, 1),
            Ok(21),
            "a part of a partition is a partition"
        );
        assert_eq!(partitions(10.0, 8), Ok(8), "the consumers");
    }

    #[test]
    fn each_consumer_gets_the_same_number_of_partitions() {
        assert_eq!(partitions(0.0, 4), Ok(8));
        assert_eq!(partitions(95.0, 3), Ok(12));
        for consumers in 1..50 {
            let partitions = partitions(77.0, consumers).unwrap();
            assert!(
                partitions.is_multiple_of(consumers) && partitions >= 8,
                "{partitions} for {consumers}"
            );
        }
    }

    #[test]
    fn a_slower_partition_calls_for_more_of_them() {
        let need = Need {
            throughput_mb_s: 50.0,
            consumers: 1,
            per_partition_mb_s: 2.5,
        };
        assert_eq!(recommend(need).unwrap().partitions, 20);
    }

    #[test]
    fn a_need_that_makes_no_sense_is_refused() {
        assert_eq!(partitions(1.0, 0), Err(Error::NoConsumers));
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(
                matches!(partitions(bad, 1), Err(Error::BadThroughput { .. })),
                "{bad}"
            );
        }
        let idle = Need {
            throughput_mb_s: 1.0,
            consumers: 1,
            per_partition_mb_s: 0.0,
        };
        assert!(matches!(recommend(idle), Err(Error::BadThroughput { .. })));
        assert_eq!(
            partitions(1e6, 1),
            Err(Error::TooMuch {
                partitions: 100_000
            })
        );
        assert!(matches!(
            partitions(f64::MAX, u32::MAX),
            Err(Error::TooMuch { .. })
        ));
    }
}
