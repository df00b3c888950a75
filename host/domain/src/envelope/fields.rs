//! Reads a JSON object field by field, so that a refusal names the field.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::reject::{Reject, brief};

/// The fields of one object, as text. A repeated field is refused, because JSON readers differ in
/// which of two values they use.
pub(super) struct Fields<'a> {
    /// The object's name; empty for the message itself.
    place: &'static str,
    texts: BTreeMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// The message itself.
    pub(super) fn parse(text: &'a str) -> Result<Self, Reject> {
        let Object(texts) = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => bad("message", error),
            _ => Reject::NotJson {
                reason: brief(error),
            },
        })?;
        Ok(Self { place: "", texts })
    }

    /// One of the message's fields.
    pub(super) fn of(place: &'static str, text: &'a RawValue) -> Result<Self, Reject> {
        let Object(texts) = serde_json::from_str(text.get()).map_err(|error| bad(place, error))?;
        Ok(Self { place, texts })
    }

    /// The field's value.
    pub(super) fn required<T: Deserialize<'a>>(&self, name: &str) -> Result<T, Reject> {
        self.optional(name)?.ok_or_else(|| Reject::MissingField {
            field: self.path(name),
        })
    }

    /// The field's value; null counts as absent.
    pub(super) fn optional<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, Reject> {
        match self.texts.get(name) {
            Some(text) if text.get() != "null" => serde_json::from_str(text.get())
                .map(Some)
                .map_err(|error| self.bad(name, error)),
            _ => Ok(None),
        }
    }

    /// Refuses every field that is not among `names`.
    pub(super) fn allow_only(&self, names: &[&str]) -> Result<(), Reject> {
        match self
            .texts
            .keys()
            .find(|name| !names.contains(&name.as_str()))
        {
            Some(unknown) => Err(self.bad(
                unknown,
                format!("there is no such field, only {}", names.join(", ")),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn bad(&self, name: &str, reason: impl fmt::Display) -> Reject {
        bad(self.path(name), reason)
    }

    fn path(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        }
    }
}

fn bad(field: impl fmt::Display, reason: impl fmt::Display) -> Reject {
    Reject::BadField {
        field: brief(field),
        reason: brief(reason),
    }
}

struct Object<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some((name, text)) = map.next_entry::<String, &'de RawValue>()? {
            if texts.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the field {name:?} occurs twice"
                )));
            }
            texts.insert(name, text);
        }
        Ok(Object(texts))
    }
}

/// A finite number, read exactly. serde_json's own floats may differ in the last bit, so a metric
/// would change its bits each time that it is passed on.
#[derive(Clone, Copy)]
pub(super) struct Exact(pub(super) f64);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self(value)),
            _ => Err(D::Error::custom(format_args!(
                "{text} is not a finite number"
            ))),
        }
    }
}
