//! Reads the members of a flat JSON object one by one, without building a tree.
//!
//! Sensor readings and JSON-lines data sets are both read with it. What a member means, and which
//! members are refused, is up to the caller.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Calls `take` with the place (from 0), the key and the value of each member, in the order of the
/// text. A key without escapes is borrowed from the text.
///
/// # Errors
/// `json` is not exactly one object, or a value is no `V`. `take` may have been called before.
pub fn for_each_member<'a, V: Deserialize<'a>>(
    json: &'a [u8],
    take: impl FnMut(usize, &str, V),
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let members = Members {
        take,
        value: PhantomData,
    };
    deserializer.deserialize_map(members)?;
    deserializer.end()
}

struct Members<F, V> {
    take: F,
    value: PhantomData<V>,
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a, V: Deserialize<'a>, F: FnMut(usize, &str, V)> Visitor<'a> for Members<F, V> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some((Key(key), value)) = members.next_entry()? {
            (self.take)(place, &key, value);
            place += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn members_come_in_the_order_of_the_text() {
        let mut found = Vec::new();
        for_each_member(
            br#"{"b": 1, "a\n": null, "b": "x"}"#,
            |place, key, value| {
                let value: Value = value;
                found.push(format!("{place} {key:?} {value}"));
            },
        )
        .unwrap();
        assert_eq!(found, [r#"0 "b" 1"#, r#"1 "a\n" null"#, r#"2 "b" "x""#]);
    }

    #[test]
    fn only_one_whole_object_is_accepted() {
        let bad: [&[u8]; 5] = [b"", b"[1]", b"null", b"{} {}", br#"{"a": 1"#];
        for json in bad {
            assert!(for_each_member(json, |_, _, _: Value| {}).is_err());
        }
    }
}
