//! Every setting of a client that a manifest may give, and those it may not, with the reason.

mod consumer;
mod producer;
mod refused;
mod security;
mod shared;

pub(super) use super::property::Property;
use super::property::{Side, key_of};
use refused::Refusal;

pub(super) use refused::refused;

/// Which settings a table of the manifest takes: `None`, those that producers and consumers share.
pub(super) type Scope = Option<Side>;

/// The settings that a table of this scope takes.
pub(super) fn of(scope: Scope) -> impl Iterator<Item = &'static Property> {
    let own: &[Property] = match scope {
        None => &[],
        Some(Side::Producer) => producer::TABLE,
        Some(Side::Consumer) => consumer::TABLE,
    };
    shared::TABLE.iter().chain(security::TABLE).chain(own)
}

/// The settings that only the other clients have.
pub(super) fn of_others(scope: Scope) -> impl Iterator<Item = (Side, &'static Property)> {
    let others = [
        (Side::Producer, producer::TABLE),
        (Side::Consumer, consumer::TABLE),
    ];
    let others = others
        .into_iter()
        .filter(move |(side, _)| scope != Some(*side));
    others.flat_map(|(side, table)| table.iter().map(move |property| (side, property)))
}

/// The setting that goes by `name`, in librdkafka's, the Java or a Python client's spelling.
pub(super) fn find(scope: Scope, name: &str) -> Option<&'static Property> {
    let key = key_of(name);
    of(scope)
        .find(|property| property.key() == key || property.other_names().any(|other| other == key))
}

/// The setting of that name, as librdkafka writes it.
pub(super) fn named(name: &str) -> Option<&'static Property> {
    of(Some(Side::Producer))
        .chain(consumer::TABLE)
        .find(|property| property.name == name)
}

/// The setting that the manifest keeps under `key`.
pub(super) fn by_key(key: &str) -> Option<&'static Property> {
    of(Some(Side::Producer))
        .chain(consumer::TABLE)
        .find(|property| property.key() == key)
}

/// Keys that a table of this scope does not take, with the reason and the remedy.
pub(super) fn elsewhere(scope: Scope) -> impl Iterator<Item = (String, Refusal)> {
    let others = of_others(scope).flat_map(|(side, property)| {
        let side = side.key();
        let refusal = Refusal {
            reason: format!("only {side}s have this setting").into(),
            hint: format!("give it in [kafka.{side}]").into(),
        };
        let names = property
            .other_names()
            .map(str::to_owned)
            .chain([property.key()]);
        names
            .map(move |name| (name, refusal.clone()))
            .collect::<Vec<_>>()
    });
    refused().chain(others)
}
