//! What is known of one setting of a client: its names, its legal values, its value when it is
//! not set.

use toml::Value;

/// Which clients have a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// Those that write.
    Producer,
    /// Those that read.
    Consumer,
}

impl Side {
    /// The table of the manifest that holds its settings.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Flag,
    Whole {
        min: i64,
        max: i64,
    },
    /// With fractions.
    Number {
        min: i64,
        max: i64,
    },
    /// One of these, in whatever case.
    Word(&'static [&'static str]),
    /// Some of these, as a list or with commas between them.
    Words(&'static [&'static str]),
    /// As a list or with commas between them.
    List,
    Text,
    /// The path of a file that must be there.
    File,
    Secret,
}

/// One setting of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    /// As librdkafka calls it.
    pub(super) name: &'static str,
    /// As other clients, or librdkafka too, call it; with underscores.
    pub(super) aliases: &'static [&'static str],
    /// Names under which the value counts bytes where ours counts KiB.
    pub(super) in_bytes: &'static [&'static str],
    pub(super) kind: Kind,
    /// Other ways to write a value: as it is written, in whatever case, and what it means.
    pub(super) synonyms: &'static [(&'static str, &'static str)],
    /// Words that a reader may expect, and why they are refused.
    pub(super) refused: &'static [(&'static str, &'static str)],
    /// Its value when it is not set; `None`: the default of librdkafka.
    pub(super) default: Option<&'static str>,
    /// The only value that keeps the host's promises, and why.
    pub(super) fixed: Option<(&'static str, &'static str)>,
    /// The host keeps to it, and librdkafka does not get it.
    pub(super) is_of_host: bool,
    /// For the reader of the schema.
    pub(super) note: &'static str,
}

impl Property {
    pub(super) const fn new(name: &'static str, kind: Kind, note: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            in_bytes: &[],
            kind,
            synonyms: &[],
            refused: &[],
            default: None,
            fixed: None,
            is_of_host: false,
            note,
        }
    }

    pub(super) const fn flag(name: &'static str, note: &'static str) -> Self {
        Self::new(name, Kind::Flag, note)
    }

    pub(super) const fn whole(name: &'static str, min: i64, max: i64, note: &'static str) -> Self {
        Self::new(name, Kind::Whole { min, max }, note)
    }

    pub(super) const fn word(
        name: &'static str,
        words: &'static [&'static str],
        note: &'static str,
    ) -> Self {
        Self::new(name, Kind::Word(words), note)
    }

    pub(super) const fn text(name: &'static str, note: &'static str) -> Self {
        Self::new(name, Kind::Text, note)
    }

    pub(super) const fn file(name: &'static str, note: &'static str) -> Self {
        Self::new(name, Kind::File, note)
    }

    pub(super) const fn secret(name: &'static str, note: &'static str) -> Self {
        Self::new(name, Kind::Secret, note)
    }

    pub(super) const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn in_bytes(mut self, aliases: &'static [&'static str]) -> Self {
        self.in_bytes = aliases;
        self
    }

    pub(super) const fn meaning(
        mut self,
        synonyms: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.synonyms = synonyms;
        self
    }

    pub(super) const fn refusing(
        mut self,
        refused: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.refused = refused;
        self
    }

    pub(super) const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    pub(super) const fn fixed(mut self, value: &'static str, reason: &'static str) -> Self {
        self.default = Some(value);
        self.fixed = Some((value, reason));
        self
    }

    pub(super) const fn of_host(mut self) -> Self {
        self.is_of_host = true;
        self
    }

    /// As the manifest writes it.
    pub(super) fn key(&self) -> String {
        key_of(self.name)
    }

    /// Every other name, with underscores.
    pub(super) fn other_names(&self) -> impl Iterator<Item = &'static str> {
        self.aliases.iter().chain(self.in_bytes).copied()
    }

    /// The value as the manifest keeps it; `None` when it is none that this setting can have.
    pub(super) fn canonical(&self, value: &Value) -> Option<Value> {
        let items = match (self.kind, value) {
            (Kind::List | Kind::Words(_), Value::Array(items)) => {
                items.iter().map(plain).collect::<Option<_>>()?
            }
            (Kind::List | Kind::Words(_), value) => {
                plain(value)?.split(',').map(str::to_owned).collect()
            }
            (_, value) => vec![plain(value)?],
        };
        let items: Option<Vec<Value>> = items
            .iter()
            .map(|item| self.parse(self.meaning_of(item.trim())))
            .collect();
        match (self.kind, items?) {
            (Kind::List | Kind::Words(_), items) => Some(Value::String(
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(","),
            )),
            (_, items) => items.into_iter().next(),
        }
    }

    fn meaning_of<'a>(&self, text: &'a str) -> &'a str {
        let synonym = self
            .synonyms
            .iter()
            .find(|(written, _)| written.eq_ignore_ascii_case(text));
        synonym.map_or(text, |(_, meaning)| meaning)
    }

    fn parse(&self, text: &str) -> Option<Value> {
        Some(match self.kind {
            Kind::Flag => Value::Boolean(text.to_ascii_lowercase().parse().ok()?),
            Kind::Whole { .. } => Value::Integer(whole(text)?),
            Kind::Number { .. } => match text.parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Float(text.parse().ok()?),
            },
            Kind::Word(words) | Kind::Words(words) => {
                let word = words.iter().find(|word| word.eq_ignore_ascii_case(text))?;
                Value::String((*word).to_owned())
            }
            Kind::List | Kind::Text | Kind::File | Kind::Secret => Value::String(text.to_owned()),
        })
    }
}

/// librdkafka's name as a key of the manifest.
pub(super) fn key_of(name: &str) -> String {
    name.replace('.', "_")
}

/// What is written behind a number of bytes where KiB are expected.
pub(super) const BYTES: &str = " bytes";

fn whole(text: &str) -> Option<i64> {
    let Some(bytes) = text.strip_suffix(BYTES) else {
        return text.parse().ok();
    };
    let bytes: i64 = bytes.parse().ok()?;
    Some(if bytes > 0 {
        bytes.div_euclid(1024) + i64::from(bytes % 1024 > 0)
    } else {
        bytes
    })
}

/// A single value as text.
fn plain(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Array(_) | Value::Table(_) | Value::Datetime(_) => return None,
    })
}

/// A value as librdkafka takes it.
pub(super) fn to_text(value: &Value) -> String {
    plain(value).unwrap_or_default()
}
