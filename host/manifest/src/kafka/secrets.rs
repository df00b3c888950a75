//! Secrets that lie in files of their own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::Kafka;
use super::property::key_of;
use crate::origins::Origins;
use crate::problem::{Problem, Problems};
use crate::tree::{Content, Node};
use fedhost_base::secrets::HIDDEN;

/// Secrets by librdkafka's names. They stay out of its `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Secrets(BTreeMap<&'static str, String>);

impl Secrets {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, secret)| (*name, secret.as_str()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

const NAMES: [&str; 2] = ["sasl.password", "ssl.key.password"];

/// A password of an upper layer takes the place of a file of a lower one, and the other way round.
pub(crate) fn displace(root: &mut Node, layer: &mut Node) {
    let (Some(below), Some(above)) = (root.entry_mut("kafka"), layer.entry_mut("kafka")) else {
        return;
    };
    for name in NAMES {
        let (secret, file) = (key_of(name), format!("{}_file", key_of(name)));
        for (given, displaced) in [(&secret, &file), (&file, &secret)] {
            if let (true, Content::Table(entries)) =
                (above.entry_mut(given).is_some(), &mut below.content)
            {
                entries.remove(displaced);
            }
        }
    }
}

/// Reads the files of secrets, relative to `directory`.
pub(crate) fn read_files(
    kafka: &mut Kafka,
    directory: &Path,
    origins: &Origins,
    problems: &mut Problems,
) {
    let files = [
        ("sasl.password", kafka.sasl_password_file.clone()),
        ("ssl.key.password", kafka.ssl_key_password_file.clone()),
    ];
    for (name, file) in files {
        let Some(file) = file else { continue };
        let key_path = format!("kafka.{}_file", key_of(name));
        let is_given_twice = kafka
            .clients
            .given()
            .any(|(_, property, _)| property.name == name);
        let secret = if is_given_twice {
            Err((
                format!("kafka.{} is given too", key_of(name)),
                "give one of the two",
            ))
        } else {
            read(&directory.join(&file))
        };
        let secret = secret.unwrap_or_else(|(message, hint)| {
            let origin = origins.nearest(&key_path);
            problems.add(Problem {
                key_path,
                origin,
                message,
                hint: Some(hint.to_owned()),
            });
            // That it cannot be read is one problem; later checks must not miss it.
            HIDDEN.to_owned()
        });
        kafka.secrets.0.insert(name, secret);
    }
}

/// The content without the line end that an editor adds.
fn read(path: &Path) -> Result<String, (String, &'static str)> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        (
            format!("{shown} cannot be read: {error}"),
            "the path is relative to the manifest's directory",
        )
    })?;
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| {
        line.strip_suffix('\r').unwrap_or(line)
    });
    if secret.is_empty() {
        return Err((format!("{shown} is empty"), "write the password into it"));
    }
    Ok(secret.to_owned())
}
