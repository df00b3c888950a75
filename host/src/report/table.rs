//! Tables that scroll sideways on a phone, and keep their numbers to the right.

use maud::{Markup, html};

use super::words::short;

/// A column's name, and the unit of its numbers; text has none.
pub(super) struct Column<'a>(pub(super) &'a str, pub(super) Unit);

/// What is in a column.
pub(super) enum Unit {
    /// Words.
    Text,
    /// Numbers that need none.
    Number,
    /// Numbers of something.
    Of(&'static str),
}

impl Column<'_> {
    /// The class that puts numbers to the right.
    fn class(&self) -> Option<&'static str> {
        (!matches!(self.1, Unit::Text)).then_some("n")
    }
}

/// The first cell of a row is its name.
pub(super) fn table(
    caption: &str,
    columns: &[Column<'_>],
    rows: impl Iterator<Item = Vec<Markup>>,
) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for column in columns {
                            th scope="col" class=[column.class()] {
                                (column.0) @if let Unit::Of(unit) = column.1 { small { " " (unit) } }
                            }
                        }
                    }
                }
                tbody { @for cells in rows { (row(columns, &cells)) } }
            }
        }
    }
}

fn row(columns: &[Column<'_>], cells: &[Markup]) -> Markup {
    html! {
        tr {
            @for (index, (column, cell)) in columns.iter().zip(cells).enumerate() {
                @if index == 0 {
                    th scope="row" class=[column.class()] { (cell) }
                } @else {
                    td class=[column.class()] { (cell) }
                }
            }
        }
    }
}

/// A cell of words or numbers.
pub(super) fn text(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// A name, which reads better in one piece.
pub(super) fn name(name: impl AsRef<str>) -> Markup {
    html! { span.name title=(name.as_ref()) { (short(name.as_ref(), 40)) } }
}

/// A digest, cut for the eye and whole for the pointer.
pub(super) fn digest(sha256: &fedhost_domain::model::Sha256Hex) -> Markup {
    html! { code title=(sha256) { (sha256.short()) } }
}
