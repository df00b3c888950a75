//! The doctor's diagnosis of a cluster and of the connection to it.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fedhost_base::backoff::Backoff;
use fedhost_base::observer::NoObserver;
use fedhost_bus::TopicSpec;
use fedhost_bus::checkup::{Finding, Outcome};
use fedhost_bus::kafka::doctor::{Needs, ReadNeed, examine, examine_by};
use fedhost_bus::kafka::{Delivery, Options, Properties};
use fedhost_e2e::broker::{USERS, secured};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka_security::{config, create_topic, properties, write};

fn options(properties: &Properties) -> Options {
    let state_topic = TopicSpec {
        name: "state".to_owned(),
        partitions: 1,
        ..TopicSpec::default()
    };
    Options {
        producer: properties.clone(),
        consumer: properties.clone(),
        delivery: Delivery::ExactlyOnce,
        transactional_id_prefix: "e2e".to_owned(),
        group_prefix: String::new(),
        state_topic,
        ahead_bytes: 1 << 20,
        max_poll_records: 500,
        max_block: Duration::from_secs(60),
        consumer_protocol: true,
        stall_after: Duration::from_secs(30),
        drain: Duration::from_secs(1),
        close: Duration::from_secs(1),
        request: Duration::from_secs(5),
        backoff: Backoff::default(),
        observer: Arc::new(NoObserver),
    }
}

fn examined(properties: &Properties, needs: &Needs) -> Vec<Finding> {
    let mut findings = Vec::new();
    examine(&options(properties), needs, &mut |finding| {
        findings.push(finding)
    });
    findings
}

/// The only finding of that outcome.
fn only(findings: &[Finding], outcome: Outcome) -> &Finding {
    let found: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.outcome == outcome)
        .collect();
    assert!(found.len() == 1, "one {outcome:?} in {findings:#?}");
    found[0]
}

/// Why a client with these properties cannot connect, with a remedy.
fn failure(properties: &Properties) -> String {
    let findings = examined(properties, &Needs::default());
    let finding = only(&findings, Outcome::Failed);
    format!(
        "{}\nhint: {}",
        finding.detail,
        finding.hint.as_deref().unwrap()
    )
}

fn spec(name: &str, partitions: u32, max_message_bytes: u64) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        max_message_bytes,
        ..TopicSpec::default()
    }
}

#[test]
fn a_sound_cluster_is_told_to_be_sound_over_every_kind_of_listener() {
    let broker = secured();
    for listener in [
        "plaintext",
        "tls",
        "mutual_tls",
        "plain",
        "scram256",
        "scram512_tls",
    ] {
        let findings = examined(&properties(&broker, listener), &Needs::default());
        assert!(
            findings
                .iter()
                .all(|finding| finding.outcome == Outcome::Ok),
            "{listener}: {findings:#?}"
        );
        let subjects: Vec<&str> = findings
            .iter()
            .map(|finding| finding.subject.as_str())
            .collect();
        for subject in ["broker 1", "transactions", "clock", "group protocol"] {
            assert!(
                subjects.contains(&subject),
                "{listener}: {subject} in {subjects:?}"
            );
        }
        let clock = findings
            .iter()
            .find(|finding| finding.subject == "clock")
            .unwrap();
        assert_eq!(clock.detail, "the broker's agrees with ours");
    }
}

#[test]
fn a_closed_way_in_is_reported_with_a_remedy() {
    let broker = secured();
    let at = |listener| properties(&broker, listener);
    let certificates = broker.certificates();
    let (other, own) = (certificates.other_authority(), certificates.authority());
    let (other, own) = (other.to_str().unwrap(), own.to_str().unwrap());
    let without_tls = [("security.protocol", "plaintext")];
    let login = [
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "alice"),
        ("sasl.password", "correct-horse"),
    ];
    let cases: [(Properties, &str, &str); 15] = [
        (
            at("tls").with([("ssl.ca.location", other)]),
            "whom ssl_ca_location does not name",
            "put the certificate",
        ),
        (
            at("other_authority"),
            "signed by CN=untrusted-authority, whom ssl_ca_location does not name",
            "put the certificate",
        ),
        (
            at("expired"),
            "the certificate of CN=localhost expired on",
            "give the broker a new certificate",
        ),
        (
            at("other_host"),
            "the certificate is for elsewhere.example, and not for localhost",
            "name the broker",
        ),
        (
            at("plaintext").with([("security.protocol", "ssl"), ("ssl.ca.location", own)]),
            "it seems to be a listener without TLS",
            "check that the port is that of a TLS listener",
        ),
        (
            at("tls").with(without_tls),
            "is a listener with TLS, and security_protocol asks for none",
            "set security_protocol",
        ),
        (
            at("plain").with(without_tls),
            "it seems to ask for a login",
            "set security_protocol to SASL_PLAINTEXT",
        ),
        (
            at("plain_tls").with([("security.protocol", "sasl_plaintext")]),
            "is a listener with TLS",
            "set security_protocol to SSL or SASL_SSL",
        ),
        (
            at("tls")
                .with(login)
                .with([("security.protocol", "sasl_ssl")]),
            "it is a listener without SASL",
            "set security_protocol to PLAINTEXT or SSL",
        ),
        (
            properties(&broker, "tls")
                .with([("bootstrap.servers", broker.address("mutual_tls").as_str())]),
            "asks for a client certificate",
            "ssl_certificate_location",
        ),
        (
            at("plain").with([("sasl.password", "nonsense")]),
            "refuses the name or the password",
            "check sasl_username",
        ),
        (
            at("scram256").with([("sasl.password", "nonsense")]),
            "refuses the name or the password",
            "sasl_password",
        ),
        (
            at("scram512_tls").with([("sasl.username", "no-such-user")]),
            "refuses the name or the password",
            "sasl_mechanism",
        ),
        (
            at("scram256").with([("sasl.mechanism", "PLAIN")]),
            "it offers SCRAM-SHA-256",
            "set sasl_mechanism",
        ),
        (
            at("tls").with([("ssl.ca.location", "nowhere.pem")]),
            "nowhere.pem: No such file",
            "name a readable file",
        ),
    ];
    for (properties, reason, remedy) in cases {
        let words = failure(&properties);
        assert!(
            words.contains(reason) && words.contains(remedy),
            "{reason:?} and {remedy:?} in {words}"
        );
        assert!(
            !words.contains("nonsense") && !words.contains("correct-horse"),
            "no secret is printed: {words}"
        );
    }
}

#[test]
fn a_server_that_is_not_there_is_told_by_its_name() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let words = failure(&Properties::default().with([("bootstrap.servers", free.as_str())]));
    assert!(
        words.contains(&format!("nothing listens at {free}")) && words.contains("start the broker"),
        "{words}"
    );
    let words =
        failure(&Properties::default().with([("bootstrap.servers", "no-such-host.invalid:9092")]));
    assert!(
        words.contains("the name no-such-host.invalid cannot be resolved"),
        "{words}"
    );
    let words = failure(&Properties::default().with([("bootstrap.servers", "localhost:port")]));
    assert!(
        words.contains("\"localhost:port\" is no address"),
        "{words}"
    );
}

#[test]
fn a_certificate_that_expires_soon_is_a_warning() {
    let findings = examined(&properties(&secured(), "expires_soon"), &Needs::default());
    let warning = only(&findings, Outcome::Warning);
    assert!(
        warning.detail.contains("valid for 9 more days"),
        "{warning:?}"
    );
}

#[test]
fn a_clock_that_is_far_from_the_broker_s_is_a_warning_that_says_how_far() {
    let broker = secured();
    let options = options(&properties(&broker, "plaintext"));
    for (minutes, words) in [(10, "behind ours"), (-10, "ahead of ours")] {
        // Given a machine whose clock is wrong
        let skewed = || fedhost_base::clock::now_ms().saturating_add_signed(minutes * 60_000);
        let mut findings = Vec::new();
        examine_by(&skewed, &options, &Needs::default(), &mut |finding| {
            findings.push(finding)
        });
        // Then that is reported, and nothing else
        let warning = only(&findings, Outcome::Warning);
        assert_eq!(warning.subject, "clock");
        assert!(
            warning.detail.contains(words) && warning.hint.as_deref().unwrap().contains("NTP"),
            "{warning:?}"
        );
        let skew = warning
            .detail
            .split(' ')
            .find_map(|word| word.parse::<f64>().ok())
            .unwrap();
        assert!((skew - 600.0).abs() < 5.0, "{warning:?}");
    }
}

#[test]
fn topics_that_are_missing_different_or_take_less_are_named() {
    let broker = secured();
    let properties = properties(&broker, "plaintext");
    create_topic(
        &properties,
        "doctor-small",
        2,
        &[("max.message.bytes", "165536")],
    );
    let needs = Needs {
        topics: vec![
            spec("doctor-small", 3, 900_000),
            spec("doctor-missing", 1, 1_000),
        ],
        ..Needs::default()
    };
    let findings = examined(&properties, &needs);
    let expect = |outcome, words: &str| {
        assert!(
            findings
                .iter()
                .any(|finding| finding.outcome == outcome && finding.detail.contains(words)),
            "{words:?} in {findings:#?}"
        );
    };
    expect(
        Outcome::Warning,
        "it has partitions = 2, and the manifest asks for 3",
    );
    expect(
        Outcome::Ok,
        "records above 100000 bytes travel in chunks: doctor-small",
    );
    expect(Outcome::Warning, "not there yet: doctor-missing");
}

#[test]
fn a_right_that_is_missing_is_named_as_it_would_be_granted() {
    let broker = secured();
    let everything = properties(&broker, "plain");
    for topic in [
        "doctor-readable",
        "doctor-writable",
        "doctor-compacted",
        "doctor-secret",
    ] {
        let policy = if topic == "doctor-compacted" {
            "compact"
        } else {
            "delete"
        };
        create_topic(&everything, topic, 1, &[("cleanup.policy", policy)]);
    }
    let grant = |arguments: &[&str]| {
        broker.tool(
            "org.apache.kafka.tools.AclCommand",
            &[
                &["--add", "--force", "--allow-principal", "User:bob"],
                arguments,
            ]
            .concat(),
        )
    };
    grant(&[
        "--operation",
        "Read",
        "--operation",
        "DescribeConfigs",
        "--topic",
        "doctor-readable",
        "--group",
        "doctor-group",
    ]);
    grant(&[
        "--operation",
        "Write",
        "--operation",
        "DescribeConfigs",
        "--topic",
        "doctor-writable",
    ]);
    grant(&[
        "--operation",
        "Describe",
        "--operation",
        "DescribeConfigs",
        "--topic",
        "doctor-compacted",
    ]);

    let reading = |topic: &str| ReadNeed {
        group: "doctor-group".to_owned(),
        topic: topic.to_owned(),
        stores_offsets: true,
    };
    let needs = Needs {
        topics: vec![spec("doctor-secret", 1, 1_000)],
        reads: vec![reading("doctor-readable"), reading("doctor-writable")],
        writes: vec![
            "doctor-readable".to_owned(),
            "doctor-writable".to_owned(),
            "doctor-compacted".to_owned(),
        ],
    };
    let bob = everything.clone().with([("sasl.username", USERS[1])]);
    let findings = examined(&bob, &needs);
    let outcome = |subject: &str| {
        findings
            .iter()
            .find(|finding| finding.subject == subject)
            .map(|finding| finding.outcome)
            .unwrap_or_else(|| panic!("{subject} in {findings:#?}"))
    };
    assert_eq!(
        outcome("right to read topic \"doctor-readable\""),
        Outcome::Ok
    );
    assert_eq!(
        outcome("right to read topic \"doctor-writable\""),
        Outcome::Failed
    );
    assert_eq!(
        outcome("right to write topic \"doctor-readable\""),
        Outcome::Failed
    );
    assert_eq!(
        outcome("right to write topic \"doctor-writable\""),
        Outcome::Ok
    );
    assert_eq!(
        outcome("right to write topic \"doctor-compacted\""),
        Outcome::Failed
    );
    assert_eq!(outcome("transactions"), Outcome::Failed);
    let hints: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding.hint.as_deref())
        .collect();
    for grant in [
        "--allow-principal User:bob --operation Write --topic doctor-compacted",
        "--allow-principal User:bob --operation Describe --topic doctor-secret",
        "--allow-principal User:bob --operation Write --transactional-id e2e-doctor",
    ] {
        assert!(
            hints.iter().any(|hint| hint.contains(grant)),
            "{grant} in {hints:#?}"
        );
    }
    let alice = examined(&everything, &needs);
    let rights = alice
        .iter()
        .filter(|finding| finding.subject.starts_with("right to"));
    assert_eq!(
        rights
            .filter(|finding| finding.outcome == Outcome::Ok)
            .count(),
        5,
        "{alice:#?}"
    );
}

#[test]
fn looking_at_rights_leaves_no_record_behind() {
    let broker = secured();
    let properties = properties(&broker, "plaintext");
    create_topic(&properties, "doctor-untouched", 1, &[]);
    write(&properties, "doctor-untouched", "the only one");
    let needs = Needs {
        writes: vec!["doctor-untouched".to_owned()],
        ..Needs::default()
    };
    let findings = examined(&properties, &needs);
    assert!(
        findings.iter().any(|finding| finding.subject
            == "right to write topic \"doctor-untouched\""
            && finding.outcome == Outcome::Ok),
        "{findings:#?}"
    );
    let ends = broker.tool(
        "org.apache.kafka.tools.GetOffsetShell",
        &["--topic", "doctor-untouched"],
    );
    assert_eq!(ends.trim(), "doctor-untouched:0:1");
}

#[test]
fn a_group_that_falls_behind_is_a_warning_with_the_number_that_waits() {
    let broker = secured();
    let properties = properties(&broker, "plaintext");
    create_topic(&properties, "doctor-behind", 1, &[]);
    // Given a group that stopped long ago, at a topic that is still written to
    let consumer: BaseConsumer = config(&properties)
        .set("group.id", "doctor-sleeper")
        .create()
        .unwrap();
    let mut stored = TopicPartitionList::new();
    stored
        .add_partition_offset("doctor-behind", 0, Offset::Offset(1))
        .unwrap();
    consumer.commit(&stored, CommitMode::Sync).unwrap();
    let producer: BaseProducer = config(&properties).set("linger.ms", "0").create().unwrap();
    let send = |number: u32| {
        let value = number.to_string();
        producer
            .send(
                BaseRecord::<(), str>::to("doctor-behind")
                    .partition(0)
                    .payload(&value),
            )
            .unwrap();
        producer.poll(Duration::ZERO);
    };
    (0..2_000).for_each(send);
    producer.flush(Duration::from_secs(20)).unwrap();
    // When it is looked at while more comes in
    let group = "doctor-sleeper".to_owned();
    let reads = vec![ReadNeed {
        group,
        topic: "doctor-behind".to_owned(),
        stores_offsets: true,
    }];
    let needs = Needs {
        reads,
        ..Needs::default()
    };
    let stop = AtomicBool::new(false);
    let findings = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                send(0);
                producer.flush(Duration::from_millis(50)).ok();
                thread::park_timeout(Duration::from_millis(20));
            }
        });
        let findings = examined(&properties, &needs);
        stop.store(true, Ordering::Relaxed);
        findings
    });
    // Then that is reported
    let warning = only(&findings, Outcome::Warning);
    assert!(
        warning.subject == "group \"doctor-sleeper\"" && warning.detail.contains("falls behind"),
        "{warning:?}"
    );
}
