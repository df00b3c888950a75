//! Golden cases (a bad manifest, and all that is said of it), the shipped files, and the layers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value as Json;

use super::schema::key_paths;
use super::*;

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

pub(super) const MINIMAL: &str = "[model]\nplugin = \"m\"\n[[fog_node]]\nid = 1\n";

fn config(name: &str) -> PathBuf {
    Path::new(PACKAGE).join("../../config").join(name)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Loads `text` as `m.toml`.
pub(super) fn load_text(
    text: &str,
    environment: &[(&str, &str)],
    sets: &[&str],
) -> Result<Loaded, Problems> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    std::fs::write(&path, text).unwrap();
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    load(&path, variables(environment), &sets)
}

pub(super) fn problems_of(result: Result<Loaded, Problems>) -> Vec<(String, String)> {
    let problems = result.err().unwrap_or_default();
    problems
        .iter()
        .map(|problem| (problem.key_path.clone(), problem.message.clone()))
        .collect()
}

/// A directory laid out as SKAB is: `valve1`, `valve2` and `other`, with `files` runs in each.
fn skab(files: usize) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["valve1", "valve2", "other"] {
        std::fs::create_dir(directory.path().join(folder)).unwrap();
        for file in 0..files {
            let path = directory.path().join(folder).join(format!("{file}.csv"));
            std::fs::write(
                path,
                "datetime;x;anomaly;changepoint\n2020-03-09 10:14:33;0.5;0.0;0.0\n",
            )
            .unwrap();
        }
    }
    directory
}

fn load_skab(name: &str) -> Loaded {
    let rows = skab(10);
    load(
        &config(name),
        variables(&[("SKAB_DIR", rows.path().to_str().unwrap())]),
        &[],
    )
    .unwrap()
}

#[test]
fn every_bad_manifest_is_answered_in_full() {
    let cases = Path::new(PACKAGE).join("src/tests/cases");
    let prefix = format!("{}/", cases.display());
    let manifests: Vec<PathBuf> = glob::glob(&format!("{prefix}*.toml"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(!manifests.is_empty(), "no cases in {prefix}");
    for manifest in manifests {
        let problems = load(&manifest, [], &[]).expect_err(&manifest.display().to_string());
        let actual = format!("{problems}\n")
            .replace(&prefix, "")
            .replace(prefix.trim_end_matches('/'), "CASES");
        let golden = manifest.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(
            actual,
            expected,
            "{} (BLESS=1 writes the answers anew)",
            golden.display()
        );
    }
}

#[test]
fn every_shipped_manifest_loads() {
    let rows = skab(2);
    let environment = variables(&[("SKAB_DIR", rows.path().to_str().unwrap())]);
    let shipped = glob::glob(config("*.toml").to_str().unwrap())
        .unwrap()
        .map(Result::unwrap);
    let shipped: Vec<PathBuf> = shipped
        .filter(|path| !path.ends_with("default.toml"))
        .collect();
    assert!(shipped.len() >= 3, "{shipped:?}");
    for path in shipped {
        load(&path, environment.clone(), &[]).unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[test]
fn the_skab_manifests_differ_only_in_nodes_and_directory() {
    let federated = load_skab("skab.toml").manifest;
    let mut central = load_skab("skab-central.toml").manifest;
    assert_eq!(federated.fog_node_ids(), [1, 2, 3].into());
    assert_eq!(central.fog_node_ids(), [1].into());
    assert_eq!(central.sensors_of(1).count(), 3);

    central.bus.directory.clone_from(&federated.bus.directory);
    central.data.directory.clone_from(&federated.data.directory);
    central.fog_node.clone_from(&federated.fog_node);
    central.federation.min_nodes = federated.federation.min_nodes;
    for (central, federated) in central.sensor.iter_mut().zip(&federated.sensor) {
        let (Sensor::Csv(central), Sensor::Csv(federated)) = (central, federated) else {
            panic!("a sensor has no rows")
        };
        central.node = federated.node;
        // Each load found the rows in a temporary directory of its own.
        assert_eq!(
            (central.training_files.len(), central.held_out_files.len()),
            (7, 3)
        );
        central.training_files.clone_from(&federated.training_files);
        central.held_out_files.clone_from(&federated.held_out_files);
    }
    assert_eq!(central, federated);
}

/// The default file with its examples brought to life: a line of `#` and a key or a table loses the
/// `#`.
fn default_with_examples() -> String {
    let text = std::fs::read_to_string(config("default.toml")).unwrap();
    let revive = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    text.lines().map(revive).collect::<Vec<_>>().join("\n")
}

/// Key paths as the schema writes them.
fn paths_of(value: &Json, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Json::Object(entries) => {
            for (name, entry) in entries {
                let name = if path == "plugins" && entry.get("limits").is_some() {
                    "*"
                } else {
                    name
                };
                let path = if name == "*" {
                    format!("{path}.*")
                } else {
                    tree::key(path, name)
                };
                paths.insert(path.clone());
                paths_of(entry, &path, paths);
            }
        }
        Json::Array(items) => items
            .iter()
            .for_each(|item| paths_of(item, &format!("{path}[]"), paths)),
        _ => {}
    }
}

/// Whether the key is a setting of clients; there are too many of these to be listed.
fn is_setting(path: &str) -> bool {
    let pointer = format!(
        "/properties/{}/x-librdkafka",
        path.replace('.', "/properties/")
    );
    schema().pointer(&pointer).is_some()
}

/// The long form of a selector is shown at the model, every key of a topic at `topics.other`, every
/// limit at those of all plug-ins.
fn shown_once(path: String) -> String {
    match path
        .strip_prefix("topics.")
        .and_then(|path| path.split_once('.'))
    {
        Some((topic, key)) if topic != "dead_letters" => format!("topics.other[].{key}"),
        _ => path
            .replace("preprocess.plugin.", "model.plugin.")
            .replace("plugins.*.limits.", "plugins.limits."),
    }
}

#[test]
fn the_default_file_lists_every_key_and_no_other() {
    let table: toml::Table = toml::from_str(&default_with_examples()).unwrap();
    let mut listed = BTreeSet::new();
    paths_of(&serde_json::to_value(table).unwrap(), "", &mut listed);
    let free = |path: &str| {
        [".parameters.", ".settings."]
            .iter()
            .any(|table| path.contains(table))
            || path == "plugins.*"
            || is_setting(path)
    };
    let listed: BTreeSet<String> = listed
        .into_iter()
        .filter(|path| !free(path))
        .map(shown_once)
        .collect();
    let known: BTreeSet<String> = key_paths(schema())
        .into_iter()
        .filter(|path| !free(path))
        .map(shown_once)
        .collect();
    assert_eq!(
        known.difference(&listed).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not listed"
    );
    assert_eq!(
        listed.difference(&known).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "no such keys"
    );
}

#[test]
fn the_defaults_that_the_default_file_shows_for_sensors_are_those_they_have() {
    let rows = skab(2);
    let directory = format!("data.directory={}/other", rows.path().display());
    let shown = load_text(
        &default_with_examples(),
        &[("SKAB_DIR", "/"), ("FEDHOST_TOKEN", "t")],
        &[&directory],
    )
    .unwrap()
    .manifest
    .sensor;
    let bare = format!(
        "{MINIMAL}[[sensor]]\nnode = 1\nkind = \"simulated\"\nrows = 6000\n[[sensor]]\nnode = 1\nkind = \"csv\"\n\
         files = [\"*.csv\"]\nformat = \"csv\"\ndelimiter = \";\"\ncomment = \"#\"\ntime = \"datetime\"\nlabel = \"anomaly\"\n"
    );
    assert_eq!(
        load_text(&bare, &[], &[&directory])
            .unwrap()
            .manifest
            .sensor,
        shown
    );
}

#[test]
fn a_higher_layer_wins_and_says_where_a_value_is_from() {
    let text = format!(
        "{MINIMAL}[federation]\nmin_nodes = 1\nrounds = 5\n[topics]\nmodel_updates = \"updates\"\n"
    );
    let environment = [
        ("FEDHOST__FEDERATION__ROUNDS", "6"),
        ("FEDHOST__BUS__DIRECTORY", "2024"),
        ("HOME", "/"),
    ];
    let loaded = load_text(
        &text,
        &environment,
        &["federation.rounds=7", "fog_node[0].id=3"],
    )
    .unwrap();

    assert_eq!(loaded.manifest.federation.rounds, Some(7));
    assert_eq!(loaded.manifest.bus.directory, Path::new("2024"));
    assert_eq!(loaded.manifest.fog_node_ids(), [3].into());
    let topic = &loaded.manifest.topics.model_updates;
    assert_eq!((topic.name.as_str(), topic.partitions), ("updates", 3));

    assert_eq!(loaded.origins.of("federation.rounds"), Origin::Set);
    assert_eq!(
        loaded.origins.of("bus.directory").to_string(),
        "environment FEDHOST__BUS__DIRECTORY"
    );
    assert!(
        loaded
            .origins
            .of("federation.min_nodes")
            .to_string()
            .ends_with("m.toml:6")
    );
    assert!(
        loaded
            .origins
            .of("topics.model_updates.name")
            .to_string()
            .ends_with("m.toml:9")
    );
    assert_eq!(
        loaded.origins.of("topics.model_updates.partitions"),
        Origin::Default
    );
}

#[test]
fn the_environment_may_hold_lists_and_tables() {
    let environment = [
        ("FEDHOST__FOG_NODE", r#"[{"id": 4}, {"id": 5}]"#),
        (
            "FEDHOST__MODEL__PARAMETERS",
            r#"{"rate": 0.5, "on": true, "mode": "fast"}"#,
        ),
        ("FEDHOST__MODEL__PARAMETERS__STEPS", "3"),
    ];
    let manifest = load_text(MINIMAL, &environment, &[]).unwrap().manifest;
    assert_eq!(manifest.fog_node_ids(), [4, 5].into());
    let parameters: Vec<Parameter> = manifest.model.parameters.into_values().collect();
    let text = Parameter::Text("fast".into());
    assert_eq!(
        parameters,
        [
            text,
            Parameter::Boolean(true),
            Parameter::Number(0.5),
            Parameter::Integer(3)
        ]
    );
}

#[test]
fn an_override_that_leads_nowhere_is_a_problem() {
    let cases = [
        ("federation.min_nods=2", "federation.min_nods"),
        ("fog_node.7.id=2", "fog_node.7.id"),
        ("bus.directory.name=x", "bus.directory.name"),
        ("fog_node=[1", "fog_node"),
        ("federation.min_nodes=two", "federation.min_nodes"),
        ("nonsense", ""),
    ];
    for (set, key_path) in cases {
        let result = load_text(MINIMAL, &[], &[set]);
        assert!(
            matches!(&result, Err(problems) if problems.iter().all(|problem| problem.origin == Origin::Set)),
            "{set}"
        );
        let found = problems_of(result);
        assert_eq!(
            found
                .iter()
                .map(|(path, _)| path.as_str())
                .collect::<Vec<_>>(),
            [key_path],
            "{set}: {found:?}"
        );
    }
}

/// Key paths below `schema` whose properties have no description; `kind` is described by what it
/// chooses.
fn undocumented(schema: &Json, path: &str) -> Vec<String> {
    let Json::Object(object) = schema else {
        return Vec::new();
    };
    let properties = object
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten();
    let bare = properties
        .filter(|(name, property)| *name != "kind" && property.get("description").is_none());
    let bare: Vec<String> = bare.map(|(name, _)| tree::key(path, name)).collect();
    let below = object.iter().flat_map(|(name, inner)| match inner {
        Json::Array(branches) => branches
            .iter()
            .flat_map(|branch| undocumented(branch, path))
            .collect(),
        inner => undocumented(inner, &tree::key(path, name)),
    });
    bare.into_iter().chain(below).collect()
}

#[test]
fn every_key_is_documented_in_the_schema() {
    let schema = schema();
    assert_eq!(undocumented(schema, ""), Vec::<String>::new());
    assert_eq!(
        schema.pointer("/properties/federation/properties/min_nodes/default"),
        Some(&Json::from(1))
    );
    assert_eq!(
        schema.pointer("/properties/model/required"),
        Some(&Json::from(vec!["plugin"]))
    );
}

#[test]
fn an_unset_variable_matters_only_while_its_value_is_in_use() {
    let text = format!("{MINIMAL}[data]\ndirectory = \"${{SKAB_DIR}}\"\n");
    let found = problems_of(load_text(&text, &[], &[]));
    assert_eq!(
        found,
        [(
            "data.directory".to_owned(),
            "the environment variable SKAB_DIR is not set".to_owned()
        )]
    );
    assert_eq!(
        problems_of(load_text(&text, &[], &["data.directory=/rows"])),
        []
    );
    let loaded = load_text(&text, &[("SKAB_DIR", "/skab")], &[]).unwrap();
    assert_eq!(
        loaded.manifest.data.directory.as_deref(),
        Some(Path::new("/skab"))
    );
}

#[test]
fn a_plugin_has_the_common_limits_but_for_its_own() {
    let text = format!(
        "{MINIMAL}[plugins.m.limits]\nmemory_bytes = 2097152\n[plugins.limits]\ncall_deadline_ms = 5\n"
    );
    let plugins = load_text(&text, &[], &[]).unwrap().manifest.plugins;
    assert_eq!(
        plugins.limits_for("m"),
        Limits {
            memory_bytes: 2_097_152,
            ..plugins.limits
        }
    );
    assert_eq!(plugins.limits_for("other"), plugins.limits);
    assert_eq!(plugins.limits.call_deadline_ms, 5);
}

#[test]
fn a_quarantine_that_begins_longer_than_it_may_last_is_a_problem() {
    let text = format!(
        "{MINIMAL}[plugins.m.limits]\nquarantine_first_ms = 5000\nquarantine_longest_ms = 4000\n"
    );
    let message = "the longest quarantine is 4000 ms, below the 5000 of the first".to_owned();
    let key = "plugins.m.limits.quarantine_longest_ms".to_owned();
    assert_eq!(problems_of(load_text(&text, &[], &[])), [(key, message)]);
}

#[test]
fn what_cannot_be_a_public_key_is_a_problem() {
    let text = format!(
        "{MINIMAL}[plugins]\ntrusted_keys = [\"{}=\", \"AAAA\"]\n",
        "A".repeat(43)
    );
    let problems = problems_of(load_text(&text, &[], &[]));
    assert_eq!(
        problems
            .iter()
            .map(|(key, _)| key.as_str())
            .collect::<Vec<_>>(),
        ["plugins.trusted_keys[1]"]
    );
}

#[test]
fn signatures_cannot_be_required_while_nobody_is_trusted() {
    let text = format!("{MINIMAL}[plugins]\nrequire_signature = true\n");
    let message = "no signature is taken while plugins.trusted_keys is empty".to_owned();
    assert_eq!(
        problems_of(load_text(&text, &[], &[])),
        [("plugins.require_signature".to_owned(), message)]
    );
}

#[test]
fn topics_are_named_after_nodes_and_dead_letters_after_topics() {
    let topics = load_text(MINIMAL, &[], &[]).unwrap().manifest.topics;
    assert_eq!(topics.sensor_data_of(12).name, "sensor-data-node-12");
    assert_eq!(
        topics.dead_letter_of(&topics.model_updates()).name,
        "model_updates.dlq"
    );
    assert_eq!(topics.global_model().retention_bytes, None);
    assert_eq!(topics.global_model().retention_ms, Some(3_600_000));
}

#[test]
fn a_dollar_sign_survives_printing() {
    let text = format!("{MINIMAL}[model.parameters]\na = \"$${{HOME}} $5\"\n");
    let first = load_text(&text, &[], &[]).unwrap();
    assert_eq!(
        first.manifest.model.parameters.get("a"),
        Some(&Parameter::Text("${HOME} $5".into()))
    );
    assert_eq!(
        load_text(&first.to_toml_with_origins(), &[], &[])
            .unwrap()
            .manifest,
        first.manifest
    );
}

#[test]
fn what_is_printed_is_the_manifest_again() {
    let rows = skab(4);
    let environment = variables(&[("SKAB_DIR", rows.path().to_str().unwrap())]);
    for name in [
        "demo.toml",
        "skab.toml",
        "skab-central.toml",
        "kafka.toml",
        "kafka-topics.toml",
    ] {
        let first = load(
            &config(name),
            environment.clone(),
            &["plugins.logistic-regression.limits.output_bytes=2048".into()],
        )
        .unwrap_or_else(|problems| panic!("{problems}"));
        let printed = first.to_toml_with_origins();
        let again = load_text(&printed, &[], &[])
            .unwrap_or_else(|problems| panic!("{problems}\n{printed}"));
        assert_eq!(again.manifest, first.manifest);
        assert_eq!(again.canonical, first.canonical);
        let values = printed
            .lines()
            .filter(|line| line.contains(" = ") && !line.starts_with("# What the clients"));
        values.for_each(|line| assert!(line.contains("  # "), "no origin: {line}"));
    }
}

/// Every key of the default file that holds a single value.
fn single_values(table: &toml::Table, path: &str) -> Vec<String> {
    let entries = table
        .iter()
        .map(|(name, value)| (tree::key(path, name), value));
    entries
        .flat_map(|(path, value)| match value {
            toml::Value::Table(inner) => single_values(inner, &path),
            _ => vec![path],
        })
        .collect()
}

#[test]
fn any_value_of_a_wrong_type_is_one_problem_at_its_own_key() {
    for path in single_values(&built_in(), "") {
        let (table, name) = path.rsplit_once('.').unwrap();
        let (lines, header) = match table {
            "model" => (
                MINIMAL.replace("[model]", &format!("[model]\n{name} = [[]]")),
                String::new(),
            ),
            _ => (MINIMAL.to_owned(), format!("[{table}]\n{name} = [[]]\n")),
        };
        let found = problems_of(load_text(&format!("{lines}{header}"), &[], &[]));
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        // A list is one, but none of these.
        assert_eq!(found[0].0.trim_end_matches("[0]"), path);
    }
}

proptest! {
    #[test]
    fn no_text_and_no_override_stops_the_loader(
        line in "[a-z_.\\[\\]\"=0-9{}$# \n-]{0,40}",
        key in "(federation|sensor|fog_node|plugins|topics|model|kafka|kafka\\.producer|topics\\.other)(\\.[a-z0-9_]{1,8}){0,3}",
        value in "[a-z0-9\\[\\]{}\":,.-]{0,12}",
    ) {
        let result = load_text(&format!("{MINIMAL}{line}"), &[], &[&format!("{key}={value}")]);
        if let Err(problems) = result {
            prop_assert!(!problems.is_empty());
            prop_assert!(!problems.to_string().is_empty());
        }
    }
}
