//! Whether a role could begin a transaction.

use rdkafka::producer::{BaseProducer, Producer as _};

use super::acl::{self, Thing};
use super::clock;
use super::cluster::{Cluster, way_in};
use crate::checkup::{Finding, Tell};
use crate::kafka::Delivery;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};

/// Takes over a transactional id that no role has; the coordinator's note of it also shows what
/// time it is over there.
pub(super) fn examine(cluster: &Cluster<'_>, now_ms: &dyn Fn() -> u64, tell: &mut Tell<'_>) {
    let id = format!("{}-doctor", cluster.options.transactional_id_prefix);
    let required = cluster.options.delivery == Delivery::ExactlyOnce;
    let before_ms = now_ms();
    match begin(cluster, &id) {
        Ok(()) => {
            tell(Finding::ok("transactions", "possible"));
            tell(clock::examine(cluster, &id, before_ms..now_ms()));
        }
        Err(trouble) if required => tell(refusal(cluster, &id, trouble)),
        Err(trouble) => tell(Finding::unknown(
            "clock",
            format!("no transaction to see it by: {}", trouble.reason),
        )),
    }
}

fn begin(cluster: &Cluster<'_>, id: &str) -> Result<(), Diagnosis> {
    let properties = match cluster.options.delivery {
        Delivery::ExactlyOnce => cluster.options.producer.clone(),
        // May be set up in a way that does not go with transactions.
        Delivery::AtLeastOnce => way_in(&cluster.options.producer),
    };
    let properties = properties.with([("transactional.id", id), ("statistics.interval.ms", "0")]);
    let producer: BaseProducer = properties
        .client_config()
        .create()
        .map_err(|error| diagnosis::of(&error))?;
    producer
        .init_transactions(cluster.options.request)
        .map_err(|error| diagnosis::of_thing(&error, id))
}

fn refusal(cluster: &Cluster<'_>, id: &str, trouble: Diagnosis) -> Finding {
    let hint = match trouble.kind {
        Kind::Refused => {
            acl::hint(cluster, "Write", Thing::TransactionalId, id)
                + &format!(
                    "; every role needs this on {}-ROLE",
                    cluster.options.transactional_id_prefix
                )
        }
        _ => trouble.hint,
    };
    Finding::failed(
        "transactions",
        format!("exactly-once is not possible: {}", trouble.reason),
        hint,
    )
}
