//! The bus on a real Apache Kafka of this machine, beside bare clients with the same settings on
//! the same broker.
//!
//! The broker is the one that `KAFKA_BOOTSTRAP_SERVERS` names, or else one that `scripts/kafka`
//! starts and stops.

#[path = "kafka/bare.rs"]
mod bare;
#[path = "kafka/broker.rs"]
mod broker;
#[path = "kafka/cluster.rs"]
mod cluster;
#[path = "kafka/model.rs"]
mod model;
#[path = "kafka/outage.rs"]
mod outage;
#[path = "kafka/proxy.rs"]
mod proxy;
#[path = "kafka/rows.rs"]
mod rows;
#[path = "kafka/score.rs"]
mod score;
#[path = "kafka/stream.rs"]
mod stream;

use self::broker::Broker;
use self::cluster::Delivery;
use crate::measure::Document;

/// How long anything may take that a figure waits for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

pub(crate) fn figures(document: &mut Document) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    match Broker::given().map_or_else(|| Broker::start(None), Ok) {
        Ok(broker) => {
            rows::figures(&runtime, broker.address(), document);
            document.extend(score::figures(&runtime, broker.address()));
            document.extend(stream::figures(&runtime, broker.address()));
            document.extend(model::figures(&runtime, broker.address()));
        }
        Err(reason) => leave_out("the figures of Kafka", &reason),
    }
    match outage::figures(&runtime) {
        Ok(outage) => document.extend(outage),
        Err(reason) => leave_out("Kafka's recovery from an outage", &reason),
    }
}

fn leave_out(what: &str, reason: &str) {
    println!("left out: {what}: {reason}");
}

/// What the delivery is called in the names of figures.
fn word(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::AtLeastOnce => "at_least_once",
        Delivery::ExactlyOnce => "exactly_once",
    }
}
