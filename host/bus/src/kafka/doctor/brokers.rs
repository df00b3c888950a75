//! The brokers, at the addresses that they give to clients.

use std::time::Duration;

use super::cluster::Cluster;
use crate::checkup::{Finding, Outcome, Tell};

const CONNECT: Duration = Duration::from_secs(3);

/// A client that reached one server has not reached the cluster: it then connects to the address
/// that each broker advertises.
pub(super) fn examine(cluster: &Cluster<'_>, tell: &mut Tell<'_>) {
    for (id, address) in &cluster.brokers {
        let subject = format!("broker {id}");
        let (found, _) = address.reach(&subject, CONNECT.min(cluster.options.request));
        tell(match found.outcome {
            Outcome::Failed => Finding::failed(
                subject,
                format!("it tells clients to come to {address}: {}", found.detail),
                format!(
                    "let the broker's advertised.listeners name an address that this machine can reach, or make {} known here",
                    address.host
                ),
            ),
            _ => Finding {
                detail: format!("at {address}: {}", found.detail),
                ..found
            },
        });
    }
}
