//! The broker's `server.properties`.

use std::path::Path;

use super::ports::Ports;
use super::{BrokerOptions, Certificates, Listener, USERS};

/// Small and quick to start; as strict about topics and sizes as `scripts/kafka`.
const COMMON: [(&str, &str); 17] = [
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.listener.names", "CONTROLLER"),
    ("inter.broker.listener.name", "INNER"),
    ("offsets.topic.replication.factor", "1"),
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("transaction.state.log.num.partitions", "4"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("auto.create.topics.enable", "false"),
    ("message.max.bytes", "16908288"),
    ("replica.fetch.max.bytes", "16908288"),
    ("num.network.threads", "2"),
    ("num.io.threads", "2"),
];

pub(super) fn of(
    options: &BrokerOptions,
    ports: &Ports,
    certificates: &Certificates,
    folder: &Path,
) -> String {
    let mut settings: Vec<(String, String)> = COMMON
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    settings.extend(network(&options.listeners, ports));
    settings.push((
        "log.dirs".to_owned(),
        folder.join("data").display().to_string(),
    ));
    for listener in &options.listeners {
        let own = listener.settings(certificates).into_iter();
        settings.extend(
            own.map(|(name, value)| (format!("listener.name.{}.{name}", listener.name), value)),
        );
    }
    if options.authorizer {
        settings.extend(authorizer());
    }
    settings.extend(options.settings.iter().cloned());
    settings
        .into_iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

fn network(listeners: &[Listener], ports: &Ports) -> [(String, String); 4] {
    let clients = || listeners.iter().zip(&ports.listeners);
    let mut open: Vec<String> = clients()
        .map(|(listener, port)| format!("{}://127.0.0.1:{port}", upper(listener)))
        .collect();
    open.push(format!("INNER://127.0.0.1:{}", ports.inner));
    let advertised = open.join(",").replace("127.0.0.1", "localhost");
    open.push(format!("CONTROLLER://127.0.0.1:{}", ports.controller));
    let mut protocols: Vec<String> = listeners
        .iter()
        .map(|listener| format!("{}:{}", upper(listener), listener.security_protocol()))
        .collect();
    protocols.push("INNER:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned());
    [
        ("listeners".to_owned(), open.join(",")),
        ("advertised.listeners".to_owned(), advertised),
        (
            "listener.security.protocol.map".to_owned(),
            protocols.join(","),
        ),
        (
            "controller.quorum.bootstrap.servers".to_owned(),
            format!("127.0.0.1:{}", ports.controller),
        ),
    ]
}

fn authorizer() -> [(String, String); 2] {
    let everything = format!(
        "User:ANONYMOUS;User:{};User:CN={}",
        USERS[0],
        Certificates::CLIENT
    );
    [
        (
            "authorizer.class.name".to_owned(),
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
        ),
        ("super.users".to_owned(), everything),
    ]
}

fn upper(listener: &Listener) -> String {
    listener.name.to_uppercase()
}
