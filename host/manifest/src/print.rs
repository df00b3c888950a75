//! The effective manifest as TOML, each value with its origin.

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::origins::Origins;
use super::tree;
use fedhost_base::secrets::{HIDDEN, is_secret};

/// Writes the origin of each value of the TOML text `canonical` behind it, and hides secrets.
pub(super) fn annotate(canonical: &str, origins: &Origins) -> String {
    // A dollar sign that was meant as one must not begin a variable when the text is read again.
    let escaped = canonical.replace('$', "$$");
    match escaped.parse::<DocumentMut>() {
        Ok(mut document) => {
            annotate_table(document.as_table_mut(), "", origins);
            document.to_string()
        }
        Err(_) => escaped,
    }
}

fn annotate_table(table: &mut dyn TableLike, path: &str, origins: &Origins) {
    for (key, item) in table.iter_mut() {
        let path = tree::key(path, key.get());
        match item {
            Item::Value(value) => annotate_value(value, &path, origins),
            Item::ArrayOfTables(tables) => {
                for (index, table) in tables.iter_mut().enumerate() {
                    annotate_table(table, &tree::item(&path, index), origins);
                }
            }
            Item::Table(table) => annotate_table(table, &path, origins),
            Item::None => {}
        }
    }
}

fn annotate_value(value: &mut Value, path: &str, origins: &Origins) {
    if is_secret(path) {
        *value = Value::from(HIDDEN);
    }
    value
        .decor_mut()
        .set_suffix(format!("  # {}", origins.of(path)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let text = annotate(
            "[kafka]\nsasl_password = \"hunter2\"\nclient_id = \"me\"\n",
            &Origins::default(),
        );
        assert_eq!(
            text,
            "[kafka]\nsasl_password = \"***\"  # default\nclient_id = \"me\"  # default\n"
        );
    }
}
