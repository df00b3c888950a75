//! What a client is given in the end, and where each value comes from.

use std::collections::BTreeMap;

use super::decided::{self, Decision};
use super::profile::Profile;
use super::property::{Side, key_of};
use super::settings::Settings;
use super::table;
use super::{ClientRole, Kafka};
use crate::{Manifest, topics};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// This host.
    Default,
    /// The sizes that the topics allow.
    Topics,
    /// Follows from another value.
    Derived(&'static str),
    Profile(Profile),
    /// The work of the role.
    Role(ClientRole),
    /// This host, whatever anybody chose, for this reason.
    Decided(&'static str),
    /// The manifest, or what lies over it, at this key path.
    Key(String),
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) source: Source,
}

/// What a client of one role and side is given, by librdkafka's names.
pub(super) struct Effective {
    settings: BTreeMap<&'static str, Setting>,
    /// Values that the user chose and that do nothing.
    overruled: Vec<(String, &'static Decision)>,
}

impl Effective {
    pub(super) fn of(manifest: &Manifest, role: ClientRole, side: Side) -> Self {
        let kafka = &manifest.kafka;
        let mut effective = Self {
            settings: BTreeMap::new(),
            overruled: Vec::new(),
        };
        for property in table::of(Some(side)) {
            property
                .default
                .into_iter()
                .for_each(|value| effective.set(property.name, value, Source::Default));
        }
        for (name, value) in kafka.profile.settings(side) {
            effective.set(name, *value, Source::Profile(kafka.profile));
        }
        for (name, value) in kafka.profile.settings_of(role, side) {
            effective.set(name, *value, Source::Role(role));
        }
        for (path, settings) in layers(kafka, role, side) {
            effective.lay(side, &path, settings);
            if path == "kafka" {
                effective.reveal(kafka);
            }
        }
        decided::of(kafka, side).for_each(|decision| effective.decide(decision));
        effective.fit_sizes(manifest, side);
        effective.fit_times(side);
        effective.fit_order(side);
        effective.name_client(role);
        effective
    }

    fn set(&mut self, name: &'static str, value: impl Into<String>, source: Source) {
        self.settings.insert(
            name,
            Setting {
                value: value.into(),
                source,
            },
        );
    }

    fn lay(&mut self, side: Side, path: &str, settings: &Settings) {
        let source = |key: &str| Source::Key(format!("{path}.{key}"));
        // In the Java and Python clients the limit of a request is the client's own too; a socket's
        // limit goes before it.
        for (key, property, value) in settings
            .given()
            .filter(|(_, property, _)| property.name == REQUEST_TIMEOUT)
        {
            let own = value
                .parse::<u64>()
                .map_or(value.clone(), |ms| ms.max(10).to_string());
            self.set("socket.timeout.ms", own, source(key));
            self.set(property.name, value, source(key));
        }
        for (key, property, value) in settings
            .given()
            .filter(|(_, property, _)| property.name != REQUEST_TIMEOUT)
        {
            self.set(property.name, value, source(key));
        }
        if side == Side::Consumer {
            self.settings.remove(REQUEST_TIMEOUT);
        }
    }

    /// What the files of secrets hold stands beside the settings of all clients.
    fn reveal(&mut self, kafka: &Kafka) {
        for (name, secret) in kafka.secrets.iter() {
            self.set(
                name,
                secret,
                Source::Key(format!("kafka.{}_file", key_of(name))),
            );
        }
    }

    /// The largest record fits through every buffer, unless the user chose otherwise.
    fn fit_sizes(&mut self, manifest: &Manifest, side: Side) {
        let needed = topics::wire_bytes(manifest.topics.largest_message_bytes());
        if !self.is_chosen("message.max.bytes") && self.whole("message.max.bytes") < needed {
            self.set("message.max.bytes", needed.to_string(), Source::Topics);
        }
        match side {
            Side::Producer => {
                let kib = self.whole("message.max.bytes").div_ceil(1024);
                self.raise("queue.buffering.max.kbytes", kib, "message.max.bytes");
                // A batch over a topic's limit is refused by the broker with everything in it.
                let smallest = manifest.topics.smallest_message_bytes();
                if self.whole("batch.size") > smallest {
                    self.set("batch.size", smallest.to_string(), Source::Topics);
                }
            }
            Side::Consumer => {
                if !self.is_chosen("max.partition.fetch.bytes") {
                    self.set(
                        "max.partition.fetch.bytes",
                        needed.to_string(),
                        Source::Topics,
                    );
                }
                self.raise(
                    "fetch.max.bytes",
                    self.whole("message.max.bytes"),
                    "message.max.bytes",
                );
                self.raise(
                    "receive.message.max.bytes",
                    self.whole("fetch.max.bytes") + FRAMING,
                    "fetch.max.bytes",
                );
            }
        }
    }

    /// The longest pause is no shorter than the first, and a transaction outlives a request in it.
    fn fit_times(&mut self, side: Side) {
        for (first, longest) in BACKOFFS {
            self.raise(longest, self.whole(first), first);
        }
        if side == Side::Producer {
            let request = self.whole("socket.timeout.ms").saturating_sub(100);
            self.raise("transaction.timeout.ms", request, "socket.timeout.ms");
        }
    }

    /// Without idempotence, what is sent again comes after whatever is under way with it.
    fn fit_order(&mut self, side: Side) {
        if side == Side::Producer
            && self.is("enable.idempotence", "false")
            && !self.is_chosen(IN_FLIGHT)
        {
            self.set(IN_FLIGHT, "1", Source::Derived("enable.idempotence"));
        }
    }

    /// Each role's clients have a name of their own, unless one was given for that role alone.
    fn name_client(&mut self, role: ClientRole) {
        let Some(name) = self.settings.get_mut("client.id") else {
            return;
        };
        let is_of_role = matches!(&name.source, Source::Key(path) if path.split('.').count() > 3);
        if !is_of_role {
            name.value = format!("{}-{}", name.value, role.word());
        }
    }

    fn decide(&mut self, decision: &'static Decision) {
        let Decision {
            name,
            value,
            reason,
        } = *decision;
        if self.is_chosen(name) {
            if self.is(name, value) {
                return;
            }
            self.overruled.push((self.text(name).to_owned(), decision));
        }
        self.set(name, value, Source::Decided(reason));
    }

    fn raise(&mut self, name: &'static str, least: u64, because_of: &'static str) {
        if !self.is_chosen(name) && self.whole(name) < least {
            self.set(name, least.to_string(), Source::Derived(because_of));
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.get(name)
    }

    /// The value; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).map_or("", |setting| &setting.value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.text(name) == value
    }

    /// The value as a whole number; 0 when it is none.
    pub(super) fn whole(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// The key path under which the user gave the value.
    pub(super) fn key_path(&self, name: &str) -> Option<&str> {
        match &self.get(name)?.source {
            Source::Key(path) => Some(path),
            _ => None,
        }
    }

    pub(super) fn is_chosen(&self, name: &str) -> bool {
        self.key_path(name).is_some()
    }

    /// Values that the user chose and that do nothing, each with what is decided in its place.
    pub(super) fn overruled(&self) -> impl Iterator<Item = (&str, &'static Decision)> {
        self.overruled
            .iter()
            .map(|(value, decision)| (value.as_str(), *decision))
    }

    /// Every value, the host's own too.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.settings.iter().map(|(name, setting)| (*name, setting))
    }

    /// What librdkafka is given.
    pub(super) fn properties(&self) -> BTreeMap<String, String> {
        let is_of_host =
            |name: &str| table::named(name).is_some_and(|property| property.is_of_host);
        let given = self.iter().filter(|(name, _)| !is_of_host(name));
        given
            .map(|(name, setting)| (name.to_owned(), setting.value.clone()))
            .collect()
    }
}

const REQUEST_TIMEOUT: &str = "request.timeout.ms";

/// What librdkafka wants around the records of an answer.
pub(super) const FRAMING: u64 = 512;

/// Of pauses between tries: the first, and the longest.
pub(super) const BACKOFFS: [(&str, &str); 2] = [
    ("reconnect.backoff.ms", "reconnect.backoff.max.ms"),
    ("retry.backoff.ms", "retry.backoff.max.ms"),
];

const IN_FLIGHT: &str = "max.in.flight.requests.per.connection";

/// The tables that a client reads, the ones that go before others last, each with its key path.
fn layers(
    kafka: &Kafka,
    role: ClientRole,
    side: Side,
) -> impl Iterator<Item = (String, &Settings)> {
    let of_role = |role: &'static str| format!("kafka.{role}.{}", side.key());
    let (common, own) = match (side, role) {
        (Side::Producer, ClientRole::Aggregator) => (
            &kafka.producer,
            Some(("aggregator", &kafka.aggregator.producer)),
        ),
        (Side::Producer, ClientRole::FogNode) => (
            &kafka.producer,
            Some(("fog_node", &kafka.fog_node.producer)),
        ),
        (Side::Producer, ClientRole::Sensor) => {
            (&kafka.producer, Some(("sensor", &kafka.sensor.producer)))
        }
        (Side::Consumer, ClientRole::Aggregator) => (
            &kafka.consumer,
            Some(("aggregator", &kafka.aggregator.consumer)),
        ),
        (Side::Consumer, ClientRole::FogNode) => (
            &kafka.consumer,
            Some(("fog_node", &kafka.fog_node.consumer)),
        ),
        (Side::Producer, ClientRole::Admin) => (&kafka.producer, None),
        (Side::Consumer, ClientRole::Sensor | ClientRole::Admin) => (&kafka.consumer, None),
    };
    let shared = [
        ("kafka".to_owned(), &kafka.clients),
        (format!("kafka.{}", side.key()), common),
    ];
    shared
        .into_iter()
        .chain(own.map(|(role, settings)| (of_role(role), settings)))
}
