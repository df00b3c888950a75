//! What a user may not see on a cluster is reported as hidden, and does not prevent what the user
//! may do.

use fedhost_e2e::broker::{Broker, PASSWORD, USERS, secured};
use fedhost_e2e::{Scene, simulated};
use serde_json::Value;

const ACLS: &str = "org.apache.kafka.tools.AclCommand";

/// A federation of that user, whose groups and transactional ids begin with `rights-`.
fn manifest(broker: &Broker, user: &str) -> String {
    let server = broker.address("plain");
    let kafka = format!(
        "[kafka]\nbootstrap_servers = [\"{server}\"]\nsecurity_protocol = \"SASL_PLAINTEXT\"\nsasl_mechanism = \"PLAIN\"\n\
         sasl_username = \"{user}\"\nsasl_password = \"{PASSWORD}\"\ntransactional_id_prefix = \"rights\"\n\
         group_prefix = \"rights-\"\n\n"
    );
    format!(
        "{kafka}{}",
        simulated(1_000, 2).replace("[bus]\n", "[bus]\nkind = \"kafka\"\n")
    )
}

fn names(document: &Value) -> Vec<String> {
    let topics = document["topics"].as_array().unwrap().iter();
    topics
        .map(|topic| topic["topic"].as_str().unwrap().to_owned())
        .collect()
}

fn all<'a>(document: &'a Value, field: &str) -> Vec<&'a Value> {
    document["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|topic| &topic[field])
        .collect()
}

/// Allows the second user to do that.
fn grant(broker: &Broker, arguments: &[&str]) {
    let principal = format!("User:{}", USERS[1]);
    broker.tool(
        ACLS,
        &[
            &["--add", "--force", "--allow-principal", &principal],
            arguments,
        ]
        .concat(),
    );
}

#[test]
fn a_user_who_may_only_describe_read_and_write_runs_a_federation_and_hidden_topics_are_not_called_missing()
 {
    let broker = secured();
    let scene = Scene::new();
    let [alice, bob] = USERS;
    scene.write("alice.toml", manifest(&broker, alice));
    scene.write("bob.toml", manifest(&broker, bob));
    // Given topics that another user has made, and a user without any right
    let made = scene
        .fedhost(&["topics", "create", "alice.toml", "--json"])
        .expect_code(0)
        .json();
    let topics = names(&made);
    // Then each is reported as hidden
    let dry = scene
        .fedhost(&["topics", "create", "bob.toml", "--dry-run", "--json"])
        .expect_code(0)
        .json();
    assert!(
        all(&dry, "status")
            .iter()
            .all(|status| **status == "hidden"),
        "{dry}"
    );
    for command in ["list", "describe"] {
        let listed = scene
            .fedhost(&["topics", command, "bob.toml", "--json"])
            .expect_code(0)
            .json();
        assert!(
            all(&listed, "exists").iter().all(|exists| exists.is_null()),
            "{command}: {listed}"
        );
        let words = scene
            .fedhost(&["topics", command, "bob.toml"])
            .expect_code(0)
            .stdout;
        assert!(
            words.contains("no right to Describe it") && !words.contains("missing"),
            "{command}: {words}"
        );
    }
    // When he may describe, read and write them, but not see how they are set up
    let listed: Vec<&str> = topics
        .iter()
        .flat_map(|topic| ["--topic", topic.as_str()])
        .collect();
    let rights = [
        "--operation",
        "Describe",
        "--operation",
        "Read",
        "--operation",
        "Write",
    ];
    grant(&broker, &[&rights[..], &listed].concat());
    let prefixed = [
        "--resource-pattern-type",
        "prefixed",
        "--operation",
        "Describe",
    ];
    grant(
        &broker,
        &[
            &prefixed[..],
            &["--operation", "Read", "--group", "rights-"],
        ]
        .concat(),
    );
    grant(
        &broker,
        &[
            &prefixed[..],
            &["--operation", "Write", "--transactional-id", "rights-"],
        ]
        .concat(),
    );
    // Then no settings are invented for them
    let described = scene
        .fedhost(&["topics", "describe", "bob.toml", "model_updates", "--json"])
        .expect_code(0)
        .json();
    for setting in described["topics"][0]["settings"].as_array().unwrap() {
        let listed =
            ["partitions", "replication.factor"].contains(&setting["setting"].as_str().unwrap());
        assert_eq!(
            (setting["found"].is_string(), &setting["differs"]),
            (listed, &false.into()),
            "{described}"
        );
    }
    let dry = scene
        .fedhost(&["topics", "create", "bob.toml", "--dry-run", "--json"])
        .expect_code(0)
        .json();
    assert!(
        all(&dry, "status")
            .iter()
            .all(|status| **status == "existed"),
        "{dry}"
    );
    // And he runs his federation to its end
    scene.fedhost(&["run", "bob.toml", "--json"]).expect_code(0);
    assert_eq!(
        scene.events_named("run_finished")[0]["outcome"],
        "completed"
    );
    let warned = scene.events_named("warned");
    assert!(
        warned.iter().any(|one| one["detail"]
            .as_str()
            .unwrap()
            .contains("allow DescribeConfigs")),
        "{warned:?}"
    );
}
