//! The right that is missing, as the broker's administrator would grant it.

use super::cluster::Cluster;

/// What a right is about.
#[derive(Clone, Copy)]
pub(super) enum Thing {
    Topic,
    Group,
    TransactionalId,
}

/// A remedy that can be passed on as it is.
pub(super) fn hint(cluster: &Cluster<'_>, operation: &str, thing: Thing, name: &str) -> String {
    let option = match thing {
        Thing::Topic => "--topic",
        Thing::Group => "--group",
        Thing::TransactionalId => "--transactional-id",
    };
    let principal = cluster.principal();
    format!(
        "have the broker's administrator run: kafka-acls.sh --add --allow-principal {principal} --operation {operation} {option} {name}"
    )
}
