use fedhost_base::event::{PluginEvent, RunEvent};
use fedhost_domain::event::{Durations, FederationEvent, RoundClosed};
use fedhost_domain::model::{NodeId, Sha256Hex};

use super::store::SERIES_MAX;
use super::*;
use fedhost_base::metric;

fn working() -> Observed {
    let observed = Observed::new();
    observed.enter(Phase::Working);
    observed
}

/// The value of the series with these labels, in the order of their names.
fn value(observed: &Observed, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let snapshot = observed.snapshot();
    let metric = snapshot
        .metrics
        .into_iter()
        .find(|metric| metric.name == name)?;
    let is_it = |series: &&Series| {
        series
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .eq(labels.iter().copied())
    };
    metric.series.iter().find(is_it).map(|series| series.value)
}

fn announce(observed: &Observed, event: Event) {
    Announcer::new(vec![Box::new(observed.clone())]).announce(event);
}

#[test]
fn it_is_ready_while_it_works_and_no_part_is_in_trouble() {
    let observed = Observed::new();
    assert_eq!(
        observed.troubles(),
        [NotReady::new("process", "it is starting")]
    );
    observed.enter(Phase::Working);
    assert!(observed.troubles().is_empty() && observed.snapshot().ready);

    observed.condition("writer of fog-node-1", Some("all brokers are down"));
    observed.condition("reader of fog-node-1", Some("not authorized"));
    observed.condition("reader of fog-node-1", None);
    assert_eq!(
        observed.troubles(),
        [NotReady::new(
            "writer of fog-node-1",
            "all brokers are down"
        )]
    );
    assert!(!observed.snapshot().ready);

    observed.condition("writer of fog-node-1", None);
    assert!(observed.troubles().is_empty());
    observed.enter(Phase::Stopping);
    assert_eq!(
        observed.troubles(),
        [NotReady::new("process", "it is stopping")]
    );
}

#[test]
fn gauges_are_set_and_counts_are_added_up() {
    let (observed, labels) = (working(), [("topic", "t")]);
    for number in [3_u32, 4] {
        observed.gauge(metric::SPOOL_RECORDS, &labels, f64::from(number));
        observed.count(metric::RECORDS_READ, &labels, u64::from(number));
    }
    assert_eq!(value(&observed, "spool_records", &labels), Some(4.0));
    assert_eq!(value(&observed, "records_read", &labels), Some(7.0));
}

#[test]
fn gauges_of_a_removed_partition_go_and_counters_stay() {
    let observed = working();
    for partition in ["0", "1"] {
        let labels = [("group", "g"), ("partition", partition)];
        observed.gauge(metric::CONSUMER_LAG_RECORDS, &labels, 5.0);
        observed.count(metric::RECORDS_READ, &labels, 5);
    }
    observed.forget(&[("partition", "1")]);
    let [kept, gone] = ["0", "1"].map(|partition| [("group", "g"), ("partition", partition)]);
    assert_eq!(value(&observed, "consumer_lag_records", &kept), Some(5.0));
    assert_eq!(value(&observed, "consumer_lag_records", &gone), None);
    assert_eq!(value(&observed, "records_read", &gone), Some(5.0));

    observed.forget(&[("group", "g")]);
    assert!(
        observed
            .snapshot()
            .metrics
            .iter()
            .all(|metric| metric.name != "consumer_lag_records")
    );
}

#[test]
fn series_beyond_the_limit_are_left_out_and_counted() {
    let observed = working();
    for number in 0..SERIES_MAX + 3 {
        observed.gauge(metric::SPOOL_RECORDS, &[("part", &number.to_string())], 1.0);
    }
    observed.gauge(metric::SPOOL_RECORDS, &[("part", "0")], 2.0);
    assert_eq!(
        value(&observed, "spool_records", &[("part", "0")]),
        Some(2.0),
        "a known series is still updated"
    );
    let snapshot = observed.snapshot();
    assert_eq!(
        (snapshot.metrics[0].series.len(), snapshot.metrics_left_out),
        (SERIES_MAX, 3)
    );

    observed.forget(&[("part", "7")]);
    observed.gauge(metric::SPOOL_RECORDS, &[("part", "new")], 3.0);
    assert_eq!(
        value(&observed, "spool_records", &[("part", "new")]),
        Some(3.0),
        "there is room again"
    );
}

#[test]
fn a_label_with_an_illegal_name_is_left_out() {
    let observed = working();
    for name in ["", "9_lives", "with space", "Upper", "naïve"] {
        observed.count(metric::RECORDS_READ, &[(name, "x")], 1);
    }
    let snapshot = observed.snapshot();
    assert_eq!((snapshot.metrics.len(), snapshot.metrics_left_out), (0, 5));
}

#[test]
fn events_become_metrics() {
    let observed = working();
    let closed = RoundClosed {
        round: 7,
        participants: vec![],
        missing: vec![],
        rejected: 0,
        closed_by: "complete".into(),
        samples: 10,
        loss: 0.25,
        weights_sha256: Sha256Hex::of(b""),
        norm: 1.0,
        durations: Durations {
            gathering_ms: 1500.0,
            aggregating_ms: 2.0,
            publishing_ms: 3.0,
        },
    };
    announce(
        &observed,
        Event::Federation(FederationEvent::RoundClosed(closed)),
    );
    for samples in [30, 12] {
        let (node, round, loss, train_ms) = (NodeId::fog(2), 7, 0.5, 1);
        announce(
            &observed,
            Event::Federation(FederationEvent::NodeTrained {
                node,
                round,
                samples,
                loss,
                train_ms,
            }),
        );
    }
    let (plugin, call, kind, detail) = ("p".into(), "load".into(), "trap".into(), String::new());
    announce(
        &observed,
        Event::Plugin(PluginEvent::PluginFailed {
            plugin,
            call,
            kind,
            detail,
        }),
    );

    let value = |name, labels: &[(&str, &str)]| value(&observed, name, labels);
    assert_eq!(value("rounds_closed", &[]), Some(1.0));
    assert_eq!(value("round", &[]), Some(7.0));
    assert_eq!(value("round_loss", &[]), Some(0.25));
    assert_eq!(
        value("round_duration_seconds", &[("phase", "gathering")]),
        Some(1.5)
    );
    assert_eq!(value("trainings", &[("node", "fog-node-2")]), Some(2.0));
    assert_eq!(value("samples", &[("node", "fog-node-2")]), Some(42.0));
    assert_eq!(
        value("plugin_failures", &[("kind", "trap"), ("plugin", "p")]),
        Some(1.0)
    );
}

#[test]
fn a_quarantined_plug_in_keeps_the_process_from_being_ready() {
    let observed = working();
    let (plugin, part) = ("p".to_owned(), "detector".to_owned());
    let (call, detail) = ("detector.score".to_owned(), String::new());
    let began = Event::Plugin(PluginEvent::PluginQuarantined {
        plugin: plugin.clone(),
        part: part.clone(),
        call,
        failures: 5,
        pause_ms: 1000,
        detail,
    });
    announce(&observed, began);
    let labels = [("part", "detector"), ("plugin", "p")];
    assert_eq!(value(&observed, "plugin_quarantined", &labels), Some(1.0));
    assert_eq!(value(&observed, "plugin_quarantines", &labels), Some(1.0));
    assert_eq!(observed.troubles()[0].part, "plug-in p (detector)");
    announce(
        &observed,
        Event::Plugin(PluginEvent::PluginReleased { plugin, part }),
    );
    assert_eq!(value(&observed, "plugin_quarantined", &labels), Some(0.0));
    assert!(observed.troubles().is_empty());
}

#[test]
fn an_event_that_a_clone_announces_is_counted_once() {
    let observed = working();
    let announcing = observed.announcing(Announcer::new(vec![Box::new(observed.clone())]));
    announcing.announce(Event::Run(RunEvent::RoleRestarted {
        role: "aggregator".into(),
        reason: "fenced".into(),
    }));
    assert_eq!(
        value(&observed, "role_restarts", &[("role", "aggregator")]),
        Some(1.0)
    );
}

#[test]
fn a_snapshot_can_be_read_again() {
    let observed = working();
    observed.condition("reader", Some("away"));
    observed.gauge(metric::ROUND_LOSS, &[("a", "b")], 0.5);
    let snapshot = observed.snapshot();
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);

    observed.gauge(metric::ROUND_LOSS, &[("a", "b")], f64::NAN);
    let text = serde_json::to_string(&observed.snapshot()).unwrap();
    let read: Snapshot = serde_json::from_str(&text).unwrap();
    assert!(read.metrics[0].series[0].value.is_nan(), "{text}");
}

/// A process with something of everything, and values that differ from run to run put in their
/// places.
fn eventful() -> Snapshot {
    let observed = working();
    observed.count(metric::BYTES_WRITTEN, &[("client", "a")], 10);
    observed.count(
        metric::RECORDS_SKIPPED,
        &[
            ("source", "a \"quoted\\\" name\nin two lines"),
            ("reason", "not_json"),
        ],
        2,
    );
    observed.gauge(metric::CONSUMER_LAG_SECONDS, &[], 1.5);
    observed.gauge(metric::ROUND_LOSS, &[], f64::NAN);
    let process = Some(Process {
        resident_memory_bytes: 4096,
        cpu_seconds: 2.5,
    });
    Snapshot {
        started_ms: 1500,
        version: "1.2.3".into(),
        process,
        ..observed.snapshot()
    }
}

#[test]
fn open_metrics_match_the_expected_text() {
    let expected = r#"# HELP fedhost_build_info Always 1; its label is the version of this program
# TYPE fedhost_build_info gauge
fedhost_build_info{version="1.2.3"} 1.0
# HELP fedhost_ready 1 when the process is at work and has no trouble, otherwise 0
# TYPE fedhost_ready gauge
fedhost_ready 1.0
# HELP fedhost_metrics_left_out Reports of metrics that were dropped because there were too many series
# TYPE fedhost_metrics_left_out counter
fedhost_metrics_left_out_total 0.0
# HELP fedhost_bytes_written Bytes of keys and values that were written and acknowledged
# TYPE fedhost_bytes_written counter
fedhost_bytes_written_total{client="a"} 10.0
# HELP fedhost_consumer_lag_seconds Age of the oldest record of a partition that its group has not read yet
# TYPE fedhost_consumer_lag_seconds gauge
# UNIT fedhost_consumer_lag_seconds seconds
fedhost_consumer_lag_seconds 1.5
# HELP fedhost_records_skipped Records and lines of files that could not be used
# TYPE fedhost_records_skipped counter
fedhost_records_skipped_total{reason="not_json",source="a \"quoted\\\" name\nin two lines"} 2.0
# HELP fedhost_round_loss Sample-weighted mean of the training losses in the newest closed round
# TYPE fedhost_round_loss gauge
fedhost_round_loss NaN
# HELP process_start_time_seconds When the process was started, since the Unix epoch
# TYPE process_start_time_seconds gauge
# UNIT process_start_time_seconds seconds
process_start_time_seconds 1.5
# HELP process_resident_memory_bytes Memory in use
# TYPE process_resident_memory_bytes gauge
# UNIT process_resident_memory_bytes bytes
process_resident_memory_bytes 4096.0
# HELP process_cpu_seconds Time spent computing, by all threads together
# TYPE process_cpu_seconds counter
# UNIT process_cpu_seconds seconds
process_cpu_seconds_total 2.5
# EOF
"#;
    assert_eq!(eventful().exposition().unwrap(), expected);
}
