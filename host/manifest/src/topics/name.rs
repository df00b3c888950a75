//! Which names a topic may have.

const NODE: &str = "{node}";

/// Refuses what Kafka would refuse too, so that a name stays legal on every bus.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=249).contains(&name.len()) && name.bytes().all(legal) && !matches!(name, "." | "..") {
        return Ok(());
    }
    Err("expected a topic's name of 1 to 249 letters, digits, '.', '_' or '-'".into())
}

/// As [`check_name`], for a name in which `{node}` may stand for a number.
pub(crate) fn check_template(name: &str) -> Result<(), String> {
    check_name(&name.replace(NODE, "0"))
}

/// Whether the name has a place for a node's id.
pub(crate) fn is_template(name: &str) -> bool {
    name.contains(NODE)
}

/// As [`check_name`], for what stands in front of names; it may be empty.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), String> {
    let hint =
        |_| "expected letters, digits, '.', '_' or '-' to stand in front of names".to_owned();
    check_name(&format!("{prefix}x")).map_err(hint)
}

/// The name with a node's id in its place.
pub(super) fn of_node(template: &str, node: u32) -> String {
    template.replace(NODE, &node.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_name_is_what_kafka_takes() {
        for good in [
            "model_updates",
            "sensor-data-node-1",
            "a.b",
            &"x".repeat(249),
        ] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a b",
            "é",
            "a/b",
            "a-{node}",
            &"x".repeat(250),
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        assert_eq!(check_template("a-{node}"), Ok(()));
        assert!(check_template("a-{id}").is_err());
    }
}
