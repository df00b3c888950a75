//! How numbers, times and names are written for people.

use jiff::Timestamp;

/// Stands where there is no value.
pub(super) const NONE: &str = "–";

/// A whole number with its thousands apart: `12 400`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 round`, `2 rounds`.
pub(super) fn plural(value: u64, noun: &str) -> String {
    format!(
        "{}\u{a0}{noun}{}",
        count(value),
        if value == 1 { "" } else { "s" }
    )
}

/// A number to three or four significant digits, without needless exponents.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => NONE.to_owned(),
        0.0 => "0".to_owned(),
        _ if !(1e-4..1e7).contains(&size) => format!("{value:.2e}"),
        _ => format!("{value:.*}", decimals(size)),
    }
}

fn decimals(size: f64) -> usize {
    [
        (1000.0, 0),
        (100.0, 1),
        (10.0, 2),
        (0.1, 3),
        (0.01, 4),
        (0.001, 5),
    ]
    .into_iter()
    .find(|&(least, _)| size >= least)
    .map_or(6, |(_, decimals)| decimals)
}

/// A share or a score between 0 and 1.
pub(super) fn score(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.3}")
    } else {
        NONE.to_owned()
    }
}

/// What `write` makes of the value, or a dash.
pub(super) fn or_none<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), write)
}

/// A duration in its two largest units: `0.42 ms`, `12.3 s`, `4 min 5 s`.
pub(super) fn span(ms: f64) -> String {
    let whole = |large: f64, large_unit: &str, per: f64, small_unit: &str| {
        let (large_part, small_part) = ((large / per).floor(), (large % per).floor());
        format!("{large_part:.0}\u{a0}{large_unit} {small_part:.0}\u{a0}{small_unit}")
    };
    match ms {
        _ if !ms.is_finite() => NONE.to_owned(),
        0.0 => "0\u{a0}ms".to_owned(),
        _ if ms < 10.0 => format!("{}\u{a0}ms", trimmed(ms, 2)),
        _ if ms < 1e3 => format!("{ms:.0}\u{a0}ms"),
        _ if ms < 60e3 => format!("{}\u{a0}s", trimmed(ms / 1e3, 1)),
        _ if ms < 3_600e3 => whole(ms / 1e3, "min", 60.0, "s"),
        _ if ms < 48.0 * 3_600e3 => whole(ms / 60e3, "h", 60.0, "min"),
        _ => whole(ms / 3_600e3, "d", 24.0, "h"),
    }
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A moment, to the second, in UTC.
pub(super) fn moment(ms: u64) -> String {
    written(ms, "%Y-%m-%d %H:%M:%S")
}

/// Its day.
pub(super) fn day(ms: u64) -> String {
    written(ms, "%Y-%m-%d")
}

/// Its time of day.
pub(super) fn time_of_day(ms: u64) -> String {
    written(ms, "%H:%M:%S")
}

fn written(ms: u64, format: &str) -> String {
    or_none(timestamp(ms), |moment| moment.strftime(format).to_string())
}

/// A moment for machines: RFC 3339.
pub(super) fn machine_moment(ms: u64) -> String {
    or_none(timestamp(ms), |moment| moment.to_string())
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

/// At most `chars` characters of a name: its beginning and its end, which is where names differ.
pub(super) fn short(name: &str, chars: usize) -> String {
    let length = name.chars().count();
    if length <= chars {
        return name.to_owned();
    }
    let tail = chars / 2;
    let head = chars.saturating_sub(tail + 1);
    name.chars()
        .take(head)
        .chain(['…'])
        .chain(name.chars().skip(length - tail))
        .collect()
}

/// Paths without what they share: `runs/a/log.jsonl` and `runs/b/log.jsonl` become `a` and `b`.
/// Whole paths when that leaves nothing of one, or when they are the same.
pub(super) fn distinct(paths: &[&str]) -> Vec<String> {
    let parts: Vec<Vec<&str>> = paths.iter().map(|path| path.split('/').collect()).collect();
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let shared = |part: fn(&[&str], usize) -> Option<String>| {
        (0..shortest)
            .take_while(|&index| {
                parts
                    .windows(2)
                    .all(|pair| matches!(pair, [a, b] if part(a, index) == part(b, index)))
            })
            .count()
    };
    let head = shared(|parts, index| parts.get(index).map(ToString::to_string));
    let tail = shared(|parts, index| parts.iter().nth_back(index).map(ToString::to_string));
    if paths.len() < 2 || head + tail >= shortest {
        return paths.iter().map(ToString::to_string).collect();
    }
    let middle = |parts: &Vec<&str>| {
        parts
            .get(head..parts.len() - tail)
            .unwrap_or_default()
            .join("/")
    };
    parts.iter().map(middle).collect()
}

/// A sorting key that puts `fog-node-2` before `fog-node-10`.
pub(super) fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (head, tail) = rest.split_at(text);
        let digits = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(digits);
        parts.push((head.to_owned(), number.parse().unwrap_or(u64::MAX)));
        rest = tail;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        let cases = [
            (0.0, "0"),
            (0.683_147, "0.683"),
            (0.051_234, "0.0512"),
            (12.345, "12.35"),
            (1234.5, "1234"),
            (1e-9, "1.00e-9"),
            (3e12, "3.00e12"),
            (f64::NAN, "–"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(
            (plural(1, "round"), plural(2, "round")),
            ("1\u{a0}round".into(), "2\u{a0}rounds".into())
        );
    }

    #[test]
    fn time_is_told_in_fitting_units() {
        let cases = [
            (0.0, "0 ms"),
            (0.42, "0.42 ms"),
            (420.0, "420 ms"),
            (12_340.0, "12.3 s"),
            (30_000.0, "30 s"),
            (245_000.0, "4 min 5 s"),
            (7_380_000.0, "2 h 3 min"),
            (90.0 * 3_600e3, "3 d 18 h"),
        ];
        for (ms, expected) in cases {
            assert_eq!(span(ms).replace('\u{a0}', " "), expected);
        }
        assert_eq!(moment(1_640_995_200_000), "2022-01-01 00:00:00");
        assert_eq!(moment(u64::MAX), "–");
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(short("fog-node-1", 12), "fog-node-1");
        assert_eq!(short("a-very-long-node-name-17", 10), "a-ve…me-17");
    }

    #[test]
    fn paths_lose_what_they_share() {
        assert_eq!(
            distinct(&["runs/a/log.jsonl", "runs/b/log.jsonl"]),
            ["a", "b"]
        );
        assert_eq!(
            distinct(&["a/x/log.jsonl", "a/log.jsonl"]),
            ["a/x/log.jsonl", "a/log.jsonl"]
        );
        assert_eq!(
            distinct(&["log.jsonl", "log.jsonl"]),
            ["log.jsonl", "log.jsonl"]
        );
        assert_eq!(distinct(&["runs/log.jsonl"]), ["runs/log.jsonl"]);
        assert!(distinct(&[]).is_empty());
    }

    #[test]
    fn names_are_sorted_as_people_count() {
        let mut names = [
            "fog-node-10",
            "press",
            "fog-node-2",
            "fog-node-99999999999999999999999",
        ];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(
            names,
            [
                "fog-node-2",
                "fog-node-10",
                "fog-node-99999999999999999999999",
                "press"
            ]
        );
    }
}
