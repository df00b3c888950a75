//! Texts for verdicts, protocols and sizes.

use fedhost_domain::metrics::Interval;
use fedhost_domain::protocol::Protocol;

use crate::report::words::{NONE, count, number, span};
use fedhost_evaluate::{PluginResult, Status};
use fedhost_plugin::{ComponentVerdict, Limits};

/// A figure that is a number.
pub(super) fn finite(figure: Option<f64>) -> Option<f64> {
    figure.filter(|figure| figure.is_finite())
}

/// The ends of an interval that are numbers.
pub(super) fn ends(interval: Option<Interval>) -> Option<(f64, f64)> {
    interval
        .map(|interval| (interval.low, interval.high))
        .filter(|(low, high)| low.is_finite() && high.is_finite())
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NONE.to_owned();
    }
    let percent = share * 100.0;
    let text = match percent {
        0.0 | 100.0 => format!("{percent:.0}"),
        _ if percent < 9.95 => digits(percent),
        _ if percent < 99.0 => format!("{percent:.0}"),
        // Nearly all is not all.
        _ if percent < 99.95 => format!("{percent:.1}"),
        _ => "over 99.9".to_owned(),
    };
    format!("{text}\u{a0}%")
}

/// Two digits that matter.
fn digits(value: f64) -> String {
    let text = if value >= 0.995 {
        format!("{value:.1}")
    } else if value >= 0.0995 {
        format!("{value:.2}")
    } else if value >= 0.000_95 {
        format!("{value:.3}")
    } else {
        number(value)
    };
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// An amount of memory.
pub(super) fn bytes(bytes: u64) -> String {
    let size = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes}\u{a0}bytes"),
        1024..1_048_576 => format!("{:.0}\u{a0}KiB", size / 1024.0),
        _ => format!("{}\u{a0}MiB", digits(size / 1_048_576.0)),
    }
}

/// The time that a row takes, given in microseconds.
pub(super) fn per_row(us: f64) -> String {
    if us < 1000.0 {
        format!("{}\u{a0}µs", digits(us))
    } else {
        span(us / 1000.0)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Whether it ran to its end and broke a promise.
pub(super) fn is_unfair(result: &PluginResult) -> bool {
    result.status == Status::InvalidOutput
        && result
            .integrity
            .iter()
            .any(|finding| finding.kept == Some(false))
}

/// How a plug-in ended; follows its name.
pub(super) fn ending(result: &PluginResult, limits: &Limits) -> String {
    let refused = matches!(
        result.component.as_ref().map(|it| &it.verdict),
        Some(ComponentVerdict::Refused { .. })
    );
    match result.status {
        Status::Ok => "ran to the end and kept every promise that could be tried".to_owned(),
        Status::Trap => "crashed".to_owned(),
        Status::Deadline => {
            format!(
                "was stopped: a call took longer than {}",
                span(limits.call_deadline_ms as f64)
            )
        }
        Status::Fuel => "was stopped: a call did more work than it may".to_owned(),
        Status::Memory => format!(
            "was stopped: it wanted more memory than {}",
            bytes(limits.memory_bytes)
        ),
        Status::OutputTooLarge => format!(
            "was stopped: it answered with more than {}",
            bytes(limits.output_bytes)
        ),
        Status::InvalidOutput if is_unfair(result) => {
            "failed an integrity check: its scores depend on forbidden information".to_owned()
        }
        Status::InvalidOutput => "answered with something that cannot be used".to_owned(),
        Status::Refused if refused => "was not run: this host refuses such a component".to_owned(),
        Status::Refused => {
            "was not run to the end: it declined, or could not be given what it needs".to_owned()
        }
        Status::Interrupted => "was interrupted: the evaluation was stopped".to_owned(),
    }
}

/// Which rows are trained on, and which are scored.
pub(super) fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Given => {
            "One model is trained on the files with rows to train on, and scores all rows of the others."
                .to_owned()
        }
        Protocol::Prefix { rows } => format!(
            "Each file has a model of its own, which is trained on the first {} rows and scores the rest.",
            count(rows)
        ),
        Protocol::Split { fraction } => {
            format!(
                "One model is trained on the first {} of every file, and scores the rest of each.",
                percent(fraction)
            )
        }
        Protocol::ByFile { fraction } => format!(
            "One model is trained on the first {} of the files of each folder, in the order of their names, and scores \
             the other files.",
            percent(fraction)
        ),
        Protocol::Stratified { fraction } => format!(
            "Rows are shuffled by the seed; one model is trained on {} of the rows of either class, and scores the others.",
            percent(fraction)
        ),
        Protocol::Prequential { delay_rows } => format!(
            "Each file has a model of its own, which scores every row first, and learns from it, with its label, once {} \
             further rows are scored.",
            count(delay_rows)
        ),
        Protocol::ShuffledPrequential { delay_rows } => format!(
            "Rows are shuffled by the seed; one model scores every row first, and learns from it, with its label, once {} \
             further rows are scored.",
            count(delay_rows)
        ),
    }
}

/// What a baseline does.
pub(super) fn baseline(name: &str) -> &'static str {
    match name {
        "always" => "flags every row",
        "never" => "flags no row",
        "random" => "uses random scores",
        "repeat-last-label" => "repeats the label of the row before",
        "row-position" => "scores a row by its number in the file",
        _ => "needs no model",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(['\u{a0}', '\u{202f}'], " ")
    }

    #[test]
    fn shares_and_sizes_keep_the_digits_that_matter() {
        let shares = [
            (0.0, "0 %"),
            (0.001, "0.1 %"),
            (0.0426, "4.3 %"),
            (0.4273, "43 %"),
            (0.9974, "99.7 %"),
            (0.99999, "over 99.9 %"),
            (1.0, "100 %"),
            (1e-5, "0.001 %"),
        ];
        for (share, expected) in shares {
            assert_eq!(plain(&percent(share)), expected);
        }
        assert_eq!(plain(&bytes(512)), "512 bytes");
        assert_eq!(plain(&bytes(64 << 20)), "64 MiB");
        assert_eq!(plain(&bytes(1_363_149)), "1.3 MiB");
        assert_eq!(plain(&per_row(0.34)), "0.34 µs");
        assert_eq!(plain(&per_row(12_340.0)), "12 ms");
    }

    #[test]
    fn lists_read_as_people_write_them() {
        let names = |count: usize| {
            ["a", "b", "c"]
                .iter()
                .take(count)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (0..4)
                .map(|count| listed(&names(count)))
                .collect::<Vec<_>>(),
            ["", "a", "a and b", "a, b and c"]
        );
    }

    #[test]
    fn a_protocol_is_one_sentence() {
        assert_eq!(
            plain(&protocol(Protocol::Prefix { rows: 400 })),
            "Each file has a model of its own, which is trained on the first 400 rows and scores the rest."
        );
    }
}
