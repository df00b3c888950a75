//! Which names a topic may have, on every bus: what Kafka takes.

const CHARACTERS_MAX: usize = 249;

/// Says what is wrong with a name that Kafka would not take.
///
/// # Errors
/// The reason, as text.
pub(super) fn check(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > CHARACTERS_MAX {
        Err(format!(
            "a name has 1 to {CHARACTERS_MAX} characters, this one has {}",
            name.chars().count()
        ))
    } else if name == "." || name == ".." {
        Err("this name is reserved".to_owned())
    } else if !name.chars().all(legal) {
        Err("a name is made of the characters a-z, A-Z, 0-9, '.', '_' and '-'".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_kafka() {
        for good in [
            "a",
            "sensor-data-node-1",
            "A.b_C-9",
            "...",
            &"x".repeat(249),
        ] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
        for bad in ["", ".", "..", "a b", "a/b", "ä", "a\0", &"x".repeat(250)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
