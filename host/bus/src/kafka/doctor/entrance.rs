//! From the names in `bootstrap.servers` to a client that was let in.

use std::time::Duration;

use super::address::Address;
use super::cluster::Cluster;
use super::tls;
use crate::checkup::{Finding, Outcome, Tell};
use crate::kafka::diagnosis::Diagnosis;
use crate::kafka::{Options, Properties};
use fedhost_base::clock::Stopwatch;

const CONNECT: Duration = Duration::from_secs(5);

/// Looks at every bootstrap server, and gives the cluster that the first good one leads to.
pub(super) fn enter<'a>(options: &'a Options, tell: &mut Tell<'_>) -> Option<Cluster<'a>> {
    let servers = options
        .consumer
        .get("bootstrap.servers")
        .unwrap_or_default();
    let mut entered: Option<Cluster<'a>> = None;
    for server in servers.split(',') {
        let Some(address) = Address::parse(server) else {
            let detail = format!("{server:?} is no address");
            tell(Finding::failed(
                "bootstrap_servers",
                detail,
                "write each server as host:port, such as localhost:9092",
            ));
            continue;
        };
        let Some(cluster) = look_at(options, &address, tell) else {
            continue;
        };
        match &entered {
            Some(first) if first.id != cluster.id => {
                tell(another_cluster(&address, first, &cluster))
            }
            Some(_) => {}
            None => entered = Some(cluster),
        }
    }
    entered
}

fn look_at<'a>(
    options: &'a Options,
    address: &Address,
    tell: &mut Tell<'_>,
) -> Option<Cluster<'a>> {
    let subject = format!("server {address}");
    let (finding, connection) = address.reach(&subject, CONNECT.min(options.request));
    tell(finding);
    let connection = connection?;
    if has_tls(&options.consumer) {
        let found = tls::examine(address, connection, &options.consumer);
        let broken = found
            .iter()
            .any(|finding| finding.outcome == Outcome::Failed);
        found.into_iter().for_each(&mut *tell);
        // The client would only say the same in fewer words.
        if broken {
            return None;
        }
    }
    let begun = Stopwatch::start();
    let subject = format!("login at {address}");
    match Cluster::enter(options, address) {
        Ok(cluster) => {
            tell(Finding::ok(subject, welcome(&cluster, begun)));
            Some(cluster)
        }
        Err(trouble) => {
            let Diagnosis { reason, hint, .. } = closer(trouble, address, options);
            tell(Finding::failed(subject, reason, hint));
            None
        }
    }
}

fn welcome(cluster: &Cluster<'_>, begun: Stopwatch) -> String {
    let properties = &cluster.options.consumer;
    let who = match (
        properties.get("sasl.username"),
        properties.get("sasl.mechanism"),
    ) {
        (Some(name), Some(mechanism)) => format!("as {name} by {mechanism}, "),
        _ => String::new(),
    };
    let id = cluster.id.as_deref().unwrap_or("without an id");
    format!("{who}in {:.0} ms; cluster {id}", begun.milliseconds())
}

/// A client without TLS cannot distinguish a TLS listener from a broker that goes away; a handshake
/// can.
fn closer(trouble: Diagnosis, address: &Address, options: &Options) -> Diagnosis {
    if has_tls(&options.consumer) || !tls::is_spoken(address, CONNECT.min(options.request)) {
        return trouble;
    }
    Diagnosis {
        reason: format!("{address} is a listener with TLS, and security_protocol asks for none"),
        hint: "set security_protocol to SSL or SASL_SSL, or take the port of a plaintext listener"
            .to_owned(),
        ..trouble
    }
}

fn another_cluster(address: &Address, first: &Cluster<'_>, other: &Cluster<'_>) -> Finding {
    let id = |cluster: &Cluster<'_>| {
        cluster
            .id
            .clone()
            .unwrap_or_else(|| "without an id".to_owned())
    };
    let detail = format!(
        "{address} leads to cluster {}, the servers before it to {}",
        id(other),
        id(first)
    );
    Finding::failed(
        "bootstrap_servers",
        detail,
        "name servers of one cluster only",
    )
}

fn has_tls(properties: &Properties) -> bool {
    properties
        .get("security.protocol")
        .is_some_and(|protocol| protocol.to_lowercase().ends_with("ssl"))
}
