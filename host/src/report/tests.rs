use std::fs;

use fedhost_base::event::{Event, PluginEvent, RunEvent, Stamped};
use fedhost_domain::event::FederationEvent;
use proptest::prelude::*;

use super::sample::{Sample, SampleLog};
use super::summary::RunSummary;

fn summarise(logs: &[SampleLog]) -> Vec<RunSummary> {
    super::with_names(logs.iter().map(SampleLog::summary).collect())
}

fn render(logs: &[SampleLog]) -> String {
    super::render(&summarise(logs))
}

fn stamped(event: Event) -> Stamped {
    Stamped {
        time_ms: 1_767_261_600_000,
        event,
    }
}

#[test]
fn any_size_of_run_makes_a_readable_page() {
    for (nodes, rounds, most_bytes) in [
        (3, 0, 20_000),
        (3, 1, 40_000),
        (3, 200, 300_000),
        (50, 1_000, 800_000),
    ] {
        let page = render(&[Sample {
            silent_node: true,
            ..Sample::new(nodes, rounds)
        }
        .log("a.jsonl")]);
        assert!(
            page.len() < most_bytes,
            "{nodes} nodes, {rounds} rounds: {} bytes",
            page.len()
        );
        assert!(
            !page.contains("NaN") && !page.contains("inf "),
            "{nodes} nodes, {rounds} rounds"
        );
    }
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let page = render(&[Sample::new(3, 5).log("a.jsonl")]);
    for outside in [
        "http:", "https:", "src=", "href=", "url(", "@import", "<link", "<script", "<iframe",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn untrusted_text_is_shown_and_never_interpreted() {
    let evil = "</style></title><script>alert('1')</script>\" onload=\"x".to_owned();
    let mut log = Sample::new(2, 2).log(&evil);
    log.events.extend([
        stamped(Event::Plugin(PluginEvent::PluginFailed {
            plugin: evil.clone(),
            call: evil.clone(),
            kind: evil.clone(),
            detail: evil.clone(),
        })),
        stamped(Event::Federation(FederationEvent::UpdateRejected {
            round: 1,
            node: None,
            reason: evil.clone(),
            detail: evil.clone(),
        })),
        stamped(Event::Federation(FederationEvent::UpdateRejected {
            round: 1,
            node: None,
            reason: "other".into(),
            detail: evil.clone(),
        })),
        stamped(Event::Run(RunEvent::RunFinished {
            round: 2,
            outcome: evil.clone(),
            weights_sha256: None,
        })),
    ]);
    for page in [render(&[log.clone()]), render(&[log.clone(), log])] {
        assert!(page.contains("&lt;script&gt;alert"));
        assert!(!page.contains("<script") && !page.contains("\" onload"));
        assert_eq!(page.matches("</style>").count(), 1);
    }
}

#[test]
fn every_picture_has_words_and_every_table_a_caption() {
    let page = render(&[Sample::new(3, 20).log("a.jsonl")]);
    assert_eq!(
        page.matches("role=\"img\"").count(),
        page.matches("role=\"img\" aria-label=\"").count()
    );
    assert!(
        page.contains("aria-label=\"ROC AUC by round; 0.5") && page.contains(" in round 20\""),
        "{page}"
    );
    assert_eq!(
        page.matches("<table>").count(),
        page.matches("<table><caption>").count()
    );
}

#[test]
fn lines_differ_in_colour_and_dash() {
    let page = render(&[Sample::new(3, 20).log("a.jsonl")]);
    for style in ["line thin s0", "line thin s1", "line thin s2", "line ink"] {
        assert!(page.contains(&format!("<g class=\"{style}\">")), "{style}");
    }
    // A second class attribute of one element would be ignored.
    assert!(page.split('<').all(|tag| tag.matches("class=").count() < 2));
}

#[test]
fn several_runs_share_pictures_under_their_short_names() {
    let logs = [
        Sample::new(3, 9).log("runs/mean/log.jsonl"),
        Sample::new(3, 12).log("runs/median/log.jsonl"),
    ];
    let page = render(&logs);
    assert!(page.contains("<h1>2 runs compared</h1>"));
    assert_eq!(page.matches("<h2>Loss by round</h2>").count(), 1);
    assert!(page.contains("Participation, mean") && page.contains("Participation, median"));
    assert!(page.contains("fedhost report runs/mean/log.jsonl runs/median/log.jsonl"));
}

#[test]
fn a_run_without_scores_shows_everything_else() {
    let page = render(&[Sample {
        scored: false,
        ..Sample::new(3, 6)
    }
    .log("a.jsonl")]);
    assert!(
        page.contains("<h2>ROC AUC by round</h2><p class=\"none\">"),
        "{page}"
    );
    assert_eq!(
        page.matches("role=\"img\" aria-label=\"Loss by round")
            .count(),
        1
    );
}

#[test]
fn a_node_that_never_answers_is_in_the_picture_and_the_table() {
    let page = render(&[Sample {
        silent_node: true,
        ..Sample::new(3, 6)
    }
    .log("a.jsonl")]);
    assert!(page.contains("fog-node-3, round 6: did not answer") && page.contains(">never<"));
}

#[test]
fn a_log_with_garbage_is_reported_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    let events = Sample::new(3, 4).log("").events;
    let mut lines: Vec<String> = events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap())
        .collect();
    lines.insert(3, "{\"time_ms\": 1, \"event\": \"round_clo".into());
    lines.insert(9, r#"{"time_ms": 1, "event": "moon_landed"}"#.into());
    fs::write(&path, lines.join("\n")).unwrap();

    let runs = super::read(&[path]).unwrap();
    assert_eq!(runs[0].rounds.len(), 4);
    let page = super::render(&runs);
    assert!(page.contains("not JSON, most likely torn by a crash") && page.contains("moon_landed"));
}

#[test]
fn warnings_and_restarts_are_shown_with_their_number_and_the_last_reason() {
    let mut log = Sample::new(3, 4).log("a.jsonl");
    assert!(render(std::slice::from_ref(&log)).contains("no role began again"));
    for reason in [
        "its transactions were taken over",
        "the group continued without this reader",
    ] {
        log.events.push(stamped(Event::Run(RunEvent::RoleRestarted {
            role: "fog-node-2".into(),
            reason: reason.into(),
        })));
    }
    let detail = "the cluster does not show the settings of some topics".to_owned();
    log.events.push(stamped(Event::Run(RunEvent::Warned {
        part: "kafka at broker:9092".into(),
        detail,
    })));

    let summary = &summarise(std::slice::from_ref(&log))[0];
    assert_eq!(
        (summary.restarts[0].what.as_str(), summary.restarts[0].count),
        ("fog-node-2", 2)
    );
    assert_eq!(
        (summary.warnings[0].what.as_str(), summary.warnings[0].count),
        ("kafka at broker:9092", 1)
    );
    let page = render(&[log]);
    assert!(
        page.contains("the group continued without this reader")
            && !page.contains("were taken over"),
        "{page}"
    );
    assert!(
        page.contains("does not show the settings of some topics")
            && !page.contains("no role began again")
    );
}

#[test]
fn no_log_at_all_is_still_a_page() {
    assert!(render(&[]).contains("<h1>No run</h1>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_order_or_loss_of_events_stops_the_report(
        seed in any::<u64>(),
        keep in proptest::collection::vec(any::<bool>(), 200),
    ) {
        let mut log = Sample { seed, ..Sample::new(4, 8) }.log("a.jsonl");
        let mut keep = keep.into_iter();
        log.events.retain(|_| keep.next().unwrap_or(true));
        log.events.sort_by_key(|event| event.time_ms.wrapping_mul(seed | 1));
        let closed = log.events.iter().filter(|event| matches!(event.event, Event::Federation(FederationEvent::RoundClosed(_)))).count();

        prop_assert_eq!(summarise(std::slice::from_ref(&log))[0].rounds.len(), closed);
        prop_assert!(render(&[log]).ends_with("</html>"));
    }
}
