//! Which group protocols the brokers offer.

use super::cluster::Cluster;
use crate::checkup::{Finding, Tell};

const SETTING: &str = "group.coordinator.rebalance.protocols";

/// Every role reads alone, by the classic protocol; the one of KIP-848 is for readers that share
/// partitions.
pub(super) fn examine(cluster: &Cluster<'_>, tell: &mut Tell<'_>) {
    let offered = cluster.broker_settings().ok().flatten();
    let offered = offered.map(|settings| {
        settings
            .get(SETTING)
            .is_some_and(|list| lists_consumer(list))
    });
    tell(judge(cluster.options.consumer_protocol, offered));
}

fn judge(wanted: bool, offered: Option<bool>) -> Finding {
    const SUBJECT: &str = "group protocol";
    const ROLES: &str = "every role reads alone, by \"classic\"";
    match (wanted, offered) {
        (false, _) => Finding::ok(SUBJECT, ROLES),
        (true, Some(true)) => Finding::ok(
            SUBJECT,
            format!("{ROLES}; the broker offers \"consumer\" to readers that share partitions"),
        ),
        (true, Some(false)) => Finding::warning(
            SUBJECT,
            format!(
                "{ROLES}; the broker does not offer \"consumer\" to readers that share partitions"
            ),
            "set kafka.group_protocol = \"classic\", or use Apache Kafka 4.0 or newer",
        ),
        (true, None) => Finding::unknown(SUBJECT, "no right to see the settings of brokers"),
    }
}

fn lists_consumer(protocols: &str) -> bool {
    protocols
        .split(',')
        .any(|protocol| protocol.trim() == "consumer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::Outcome;

    #[test]
    fn a_protocol_that_no_role_uses_keeps_none_from_its_work() {
        assert_eq!(
            judge(false, None).outcome,
            Outcome::Ok,
            "whatever the broker offers"
        );
        assert_eq!(judge(true, Some(true)).outcome, Outcome::Ok);
        assert_eq!(judge(true, Some(false)).outcome, Outcome::Warning);
        assert_eq!(judge(true, None).outcome, Outcome::Unknown);
    }

    #[test]
    fn the_protocol_is_found_by_its_whole_name() {
        assert!(lists_consumer("classic, consumer,streams"));
        assert!(!lists_consumer("classic,consumers"));
    }
}
