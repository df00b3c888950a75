//! Tables of text.

/// How the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table whose columns are as wide as their widest cell, under a line of names.
pub(super) fn columns<const N: usize>(head: [(&str, Align); N], rows: &[[String; N]]) -> String {
    let names = head.map(|(name, _)| name.to_owned());
    let lines = || std::iter::once(&names).chain(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        lines()
            .filter_map(|cells| Some(cells.get(column)?.chars().count()))
            .max()
            .unwrap_or(0)
    });
    let mut text = String::new();
    for line in lines() {
        let cells =
            line.iter()
                .zip(widths)
                .zip(head)
                .map(|((cell, width), (_, align))| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right_under_their_names() {
        let rows = [
            ["ä".to_owned(), "7".to_owned(), "x".to_owned()],
            ["topic-1".to_owned(), "1000".to_owned(), String::new()],
        ];
        let text = columns(
            [
                ("topic", Align::Left),
                ("records", Align::Right),
                ("for", Align::Left),
            ],
            &rows,
        );
        assert_eq!(
            text,
            "topic    records  for\nä              7  x\ntopic-1     1000\n"
        );
    }
}
