//! Settings that every client has.

use crate::kafka::property::{Kind, Property};

/// A system's own buffer size, as the Java and Python clients write it.
const SYSTEM: &[(&str, &str)] = &[("none", "0"), ("null", "0"), ("-1", "0")];

pub(super) static TABLE: &[Property] = &[
    Property::new("bootstrap.servers", Kind::List, "Brokers to begin with, host:port.")
        .also(&["metadata_broker_list"])
        .default("localhost:9092"),
    Property::text("client.id", "Name of the clients in the broker's logs and quotas; the role follows it.")
        .default("fedhost"),
    Property::text("client.rack", "Where the client stands, to read from the nearest copy."),
    Property::whole(
        "message.max.bytes",
        1000,
        1_000_000_000,
        "Bytes of one record before compression; by default, what the topics need.",
    )
    .also(&["max_request_size"]),
    Property::whole(
        "request.timeout.ms",
        1,
        300_000,
        "Milliseconds that a request may take; sets socket.timeout.ms too.",
    )
    .default("30000"),
    Property::whole("socket.timeout.ms", 10, 300_000, "Milliseconds after which the client gives a request up.")
        .default("60000"),
    Property::whole(
        "socket.connection.setup.timeout.ms",
        1000,
        2_147_483_647,
        "Milliseconds that a connection may take to be made.",
    ),
    Property::whole("socket.send.buffer.bytes", 0, 100_000_000, "Bytes of a socket's send buffer; 0: the system's.")
        .also(&["send_buffer_bytes", "send_buffer"])
        .meaning(SYSTEM),
    Property::whole(
        "socket.receive.buffer.bytes",
        0,
        100_000_000,
        "Bytes of a socket's receive buffer; 0: the system's.",
    )
    .also(&["receive_buffer_bytes", "receive_buffer"])
    .meaning(SYSTEM),
    Property::flag("socket.keepalive.enable", "Keep idle connections alive through routers that forget them."),
    Property::flag("socket.nagle.disable", "Send small requests at once."),
    Property::whole(
        "socket.max.fails",
        0,
        1_000_000,
        "Failed requests after which a connection is made anew; 0: never.",
    ),
    Property::word("broker.address.family", &["any", "v4", "v6"], "Which addresses of a broker are used."),
    Property::whole("broker.address.ttl", 0, 86_400_000, "Milliseconds that a resolved address is kept."),
    Property::word(
        "client.dns.lookup",
        &["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"],
        "How names with several addresses are used.",
    ),
    Property::whole(
        "connections.max.idle.ms",
        0,
        2_147_483_647,
        "Milliseconds after which an idle connection is closed; 0: never.",
    )
    .meaning(&[("-1", "0")]),
    Property::whole("reconnect.backoff.ms", 0, 3_600_000, "Milliseconds before the first try to connect again; reconnect.backoff.max.ms is no less.")
        .default("100"),
    Property::whole("reconnect.backoff.max.ms", 0, 3_600_000, "Milliseconds before further tries, at the most.")
        .default("1000"),
    Property::whole("retry.backoff.ms", 1, 300_000, "Milliseconds before a request is tried again; retry.backoff.max.ms is no less.").default("100"),
    Property::whole("retry.backoff.max.ms", 1, 300_000, "Milliseconds before further tries, at the most.")
        .default("1000"),
    Property::whole(
        "topic.metadata.refresh.interval.ms",
        -1,
        3_600_000,
        "Milliseconds after which topics are asked for anew; -1: never.",
    )
    .also(&["metadata_max_age_ms"]),
    Property::whole(
        "topic.metadata.propagation.max.ms",
        0,
        3_600_000,
        "Milliseconds that a new topic may take to be known everywhere.",
    ),
    Property::word(
        "metadata.recovery.strategy",
        &["none", "rebootstrap"],
        "What happens when no known broker answers.",
    ),
    Property::whole(
        "metadata.recovery.rebootstrap.trigger.ms",
        0,
        2_147_483_647,
        "Milliseconds without metadata after which bootstrap.servers are asked again.",
    ),
    Property::whole(
        "api.version.request.timeout.ms",
        1,
        300_000,
        "Milliseconds to agree on the protocol with a broker.",
    ),
    Property::flag("enable.metrics.push", "Push the client's figures to a cluster that has subscribed to them."),
    Property::whole(
        "statistics.interval.ms",
        0,
        86_400_000,
        "Milliseconds between a producer's own figures, in steps of 1000; 0: none. A consumer's always come every second.",
    )
    .default("5000"),
    Property::flag("allow.auto.create.topics", "Whether asking for a topic makes it.")
        .fixed("false", "a topic made by the broker has the broker's limits, not those of this manifest"),
];
