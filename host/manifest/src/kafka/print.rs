//! The settings of the clients as they come out in the end, each with where it is from.

use super::effective::{Effective, Setting, Source};
use super::property::{Side, key_of};
use super::{ClientRole, rules};
use crate::origins::Origins;
use crate::{BusKind, Manifest};
use fedhost_base::secrets::{HIDDEN, is_secret};

/// Every role's clients have one of their own.
const NAME: &str = "client.id";

/// The settings as lines of comments; nothing when the bus is not Kafka.
///
/// What the roles have in common is said once, for producers and for consumers; what differs, role
/// by role.
pub(crate) fn listing(manifest: &Manifest, origins: &Origins) -> String {
    if manifest.bus.kind != BusKind::Kafka {
        return String::new();
    }
    let mut lines = vec![
        "# What the clients are given, by librdkafka's names (of the host alone: max.poll.records, max.block.ms,"
            .to_owned(),
        "# auto.offset.reset).".to_owned(),
    ];
    for side in [Side::Producer, Side::Consumer] {
        let common = Effective::of(manifest, ClientRole::Admin, side);
        let shared = common.iter().filter(|(name, _)| *name != NAME);
        lines.extend(section(&format!("{}s", side.key()), shared, origins));
        for (role, _) in rules::clients().filter(|client| client.1 == side) {
            let own = Effective::of(manifest, role, side);
            let differing = own
                .iter()
                .filter(|(name, setting)| *name == NAME || common.get(name) != Some(*setting));
            lines.extend(section(
                &format!("{} of {}", side.key(), role.word()),
                differing,
                origins,
            ));
        }
    }
    format!("\n{}\n", lines.join("\n"))
}

fn section<'a>(
    title: &str,
    settings: impl Iterator<Item = (&'static str, &'a Setting)>,
    origins: &Origins,
) -> Vec<String> {
    let lines: Vec<String> = settings
        .map(|(name, setting)| line(name, setting, origins))
        .collect();
    if lines.is_empty() {
        lines
    } else {
        ["#".to_owned(), format!("# {title}:")]
            .into_iter()
            .chain(lines)
            .collect()
    }
}

fn line(name: &str, setting: &Setting, origins: &Origins) -> String {
    let value = if is_secret(&key_of(name)) {
        HIDDEN
    } else {
        &setting.value
    };
    let source = match &setting.source {
        Source::Default => "default".to_owned(),
        Source::Topics => "topics.*.max_message_bytes".to_owned(),
        Source::Derived(from) => format!("follows {from}"),
        Source::Profile(profile) => format!("profile {}", profile.word()),
        Source::Role(role) => format!("role {}", role.word()),
        Source::Decided(reason) => format!("the host: {reason}"),
        Source::Key(path) => origins.of(path).to_string(),
    };
    format!("#   {name} = {value}  # {source}")
}
