//! `${VAR}` and `${VAR:-default}`, as in a shell, inside the texts of a manifest file.

use std::collections::BTreeMap;

use toml::Value;

use super::problem::{Origin, Problem, Problems};
use super::tree::{Content, Node};

/// Replaces the variables in every text that a file gave; `$$` stands for a dollar sign.
///
/// Runs after the layers are merged, so a variable of an overridden value need not be set.
pub(super) fn expand(
    root: &mut Node,
    variables: &BTreeMap<String, String>,
    problems: &mut Problems,
) {
    root.walk("", &mut |path, node| {
        let (Origin::File { .. }, Content::Leaf(Value::String(text))) =
            (&node.origin, &mut node.content)
        else {
            return;
        };
        match expand_text(text, variables) {
            Ok(expanded) => *text = expanded,
            Err((message, hint)) => problems.add(Problem {
                key_path: path.to_owned(),
                origin: node.origin.clone(),
                message,
                hint: Some(hint.replace("KEY", path)),
            }),
        }
    });
}

fn expand_text(
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<String, (String, String)> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| {
                (
                    "a ${ has no closing }".to_owned(),
                    "write $$ for a dollar sign that begins no variable".to_owned(),
                )
            })?;
            expanded.push_str(&lookup(name, variables)?);
            rest = after;
        } else {
            expanded.push('$');
            rest = after;
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn lookup(
    reference: &str,
    variables: &BTreeMap<String, String>,
) -> Result<String, (String, String)> {
    let (name, default) = reference
        .split_once(":-")
        .map_or((reference, None), |(name, text)| (name, Some(text)));
    let set = variables.get(name).map(String::as_str);
    // As in a shell: `:-` stands in for an empty variable too.
    let value = set
        .filter(|text| default.is_none() || !text.is_empty())
        .or(default);
    value.map(str::to_owned).ok_or_else(|| {
        let message = format!("the environment variable {name} is not set");
        (message, format!("set it, as in `{name}=... fedhost run ...`, or give the value itself: --set KEY=..."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_defaults_and_dollar_signs_are_told_apart() {
        let variables = BTreeMap::from([
            ("DIR".to_owned(), "/rows".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        let cases = [
            ("plain", "plain"),
            ("${DIR}/a/${DIR}", "/rows/a//rows"),
            ("${NONE:-here}/*.csv", "here/*.csv"),
            ("${DIR:-here}", "/rows"),
            ("${EMPTY:-here}", "here"),
            ("${EMPTY}", ""),
            ("$${DIR} costs $5", "${DIR} costs $5"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand_text(text, &variables).unwrap(), expected, "{text}");
        }
        for bad in ["${NONE}", "${DIR"] {
            assert!(expand_text(bad, &variables).is_err(), "{bad}");
        }
    }
}
