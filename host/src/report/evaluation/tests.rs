use std::collections::HashSet;

use proptest::prelude::*;

use super::render;
use super::sample::Sample;
use fedhost_evaluate::{Document, Figures, Status};

/// Everything between `before` and the next `"`.
fn values<'a>(page: &'a str, before: &str) -> Vec<&'a str> {
    page.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

/// Elements that are open where the page ends, or closed without being open.
fn unbalanced(page: &str) -> Vec<String> {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let mut wrong = Vec::new();
    let body = page.split_once("</style>").map_or(page, |(_, body)| body);
    for tag in body
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
    {
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or_default();
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                wrong.push(format!("</{name}>"));
            }
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    wrong.extend(
        open.into_iter()
            .filter(|name| !["html", "head"].contains(name))
            .map(ToOwned::to_owned),
    );
    wrong.retain(|name| !["</html>", "</head>"].contains(&name.as_str()));
    wrong
}

fn without_figures(document: &mut Document) {
    for result in &mut document.results {
        result.figures = Figures {
            rows: result.figures.rows,
            ..Figures::none()
        };
        result.rows_per_second = None;
        result.component = None;
        (result.files, result.traces, result.integrity) = (vec![], vec![], vec![]);
    }
    document
        .baselines
        .iter_mut()
        .for_each(|baseline| baseline.figures = Figures::none());
}

#[test]
fn the_page_tells_everything_that_was_found_out() {
    let page = render(
        &Sample {
            seeds: 3,
            ..Sample::new(6, 5)
        }
        .document(),
    );
    for expected in [
        "<h1>6\u{a0}plug-ins on 5\u{a0}files</h1>",
        "<h2>Ranking</h2>",
        "<h2>Over 3\u{a0}seeds</h2>",
        "<h2>ROC curves</h2>",
        "<h2>Precision and recall</h2>",
        "<h2>Quality against cost</h2>",
        "<h2>Scores over time</h2>",
        "<h2>At the threshold</h2>",
        "<h2>File by file</h2>",
        "<h2>Calibration</h2>",
        "<h2>In the sandbox</h2>",
        "fedhost evaluate --plugin 'ewma'",
        "repeat the label seen last",
        "info: hello",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert_eq!(page.matches("class=\"verdict\"").count(), 6);
    assert_eq!(page.matches("class=\"confusion\"").count(), 6);
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let page = render(&Sample::new(4, 5).document());
    for outside in [
        "http:", "https:", "src=", "@import", "<link", "<script", "<iframe",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(
        values(&page, "href=\"")
            .iter()
            .all(|target| target.starts_with('#'))
    );
    assert!(
        page.split("url(")
            .skip(1)
            .all(|target| target.starts_with('#'))
    );
}

#[test]
fn every_reference_has_one_target() {
    let page = render(
        &Sample {
            failing: 2,
            ..Sample::new(14, 6)
        }
        .document(),
    );
    let ids = values(&page, " id=\"");
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    assert!(
        values(&page, "href=\"#")
            .iter()
            .all(|target| unique.contains(target))
    );
}

#[test]
fn untrusted_text_is_shown_and_never_interpreted() {
    let evil = "</style></title></pre><script>alert('1')</script>\" onload=\"x".to_owned();
    let page = render(
        &Sample {
            text: evil,
            failing: 1,
            unfair: true,
            ..Sample::new(3, 3)
        }
        .document(),
    );
    assert!(page.contains("&lt;script&gt;alert"));
    assert!(!page.contains("<script") && !page.contains("\" onload"));
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(unbalanced(&page), Vec::<String>::new());
}

#[test]
fn every_picture_has_words_and_every_table_a_caption() {
    let page = render(&Sample::new(6, 5).document());
    assert_eq!(
        page.matches("role=\"img\"").count(),
        page.matches("role=\"img\" aria-label=\"").count()
    );
    assert_eq!(
        page.matches("<svg").count(),
        page.matches("role=\"img\"").count() + page.matches("aria-hidden").count()
    );
    assert_eq!(
        page.matches("<table").count(),
        page.matches("<caption>").count()
    );
    assert!(page.contains("aria-label=\"ROC curves; plugin-1 0.900; plugin-2 0.890"));
}

#[test]
fn elements_are_closed_in_the_order_in_which_they_were_opened() {
    for sample in [
        Sample::new(1, 1),
        Sample::new(14, 34),
        Sample {
            failing: 2,
            seeds: 2,
            ..Sample::new(2, 3)
        },
    ] {
        assert_eq!(
            unbalanced(&render(&sample.document())),
            Vec::<String>::new(),
            "{sample:?}"
        );
    }
}

#[test]
fn whatever_is_missing_the_page_stands() {
    let mut samples = vec![
        Sample::new(0, 0).document(),
        Sample::new(1, 1).document(),
        Sample {
            one_class: true,
            ..Sample::new(3, 3)
        }
        .document(),
        Sample {
            failing: 3,
            ..Sample::new(3, 3)
        }
        .document(),
        Sample {
            unfair: true,
            half_width: f64::NAN,
            ..Sample::new(2, 3)
        }
        .document(),
    ];
    let mut bare = Sample::new(3, 3).document();
    without_figures(&mut bare);
    samples.push(bare);
    for document in samples {
        let page = render(&document);
        assert!(page.ends_with("</html>"));
        for nonsense in ["NaN", "\"inf", "-inf", ">inf<", " inf<", " inf "] {
            assert!(!page.contains(nonsense), "{nonsense} in {page}");
        }
    }
}

#[test]
fn a_failed_plugin_stands_in_the_ranking_with_its_reason() {
    let page = render(
        &Sample {
            failing: 1,
            ..Sample::new(3, 3)
        }
        .document(),
    );
    let ranking = page
        .split("<h2>Ranking</h2>")
        .nth(1)
        .and_then(|rest| rest.split("</section>").next())
        .unwrap();
    assert!(
        ranking.contains("Failed, or failed an integrity check")
            && ranking.contains(">crashed</td>"),
        "{ranking}"
    );
}

#[test]
fn every_status_has_words_of_its_own() {
    let endings: HashSet<String> = [
        Status::Ok,
        Status::Trap,
        Status::Deadline,
        Status::Fuel,
        Status::Memory,
        Status::OutputTooLarge,
        Status::InvalidOutput,
        Status::Refused,
        Status::Interrupted,
    ]
    .into_iter()
    .map(|status| {
        let mut document = Sample::new(1, 1).document();
        document.results[0].status = status;
        super::words::ending(&document.results[0], &document.limits)
    })
    .collect();
    assert_eq!(endings.len(), 9);
}

#[test]
fn a_large_evaluation_makes_a_page_that_opens_at_once() {
    let page = render(
        &Sample {
            seeds: 5,
            ..Sample::new(14, 34)
        }
        .document(),
    );
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_figure_stops_the_report(
        plugins in 0_usize..5,
        files in 0_usize..4,
        failing in 0_usize..5,
        half_width in any::<f64>(),
        observed in any::<f64>(),
        always_f1 in any::<f64>(),
        seeds in 1_u32..4,
    ) {
        let failing = failing.min(plugins);
        let sample = Sample { failing, half_width, observed, always_f1, seeds, ..Sample::new(plugins, files) };
        let page = render(&sample.document());
        prop_assert!(page.ends_with("</html>"));
        prop_assert!(!page.contains("NaN"));
        prop_assert_eq!(unbalanced(&page), Vec::<String>::new());
    }
}
