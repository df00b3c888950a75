//! The outcome of an evaluation as one HTML page that needs no server, no script and no network:
//! the answer first, then what speaks against it, then everything it rests on.

mod calibration;
mod confusion;
mod curves;
mod files;
mod glossary;
mod head;
mod limits;
mod method;
mod ranking;
mod spread;
mod standing;
mod traces;
mod verdicts;
mod warnings;
mod words;

use fedhost_base::text::visible;
use maud::html;

use super::chart::strips;
use super::frame::frame;
use fedhost_evaluate::Document;
use standing::standings;

const STYLE: &str = include_str!("evaluation/style.css");

/// The page.
#[must_use]
pub fn render(document: &Document) -> String {
    let standings = standings(document);
    let title = head::title(document);
    let body = html! {
        (strips::patterns())
        header { h1 { (title) } (head::lead(document, &standings)) }
        main {
            (warnings::warnings(document, &standings))
            (ranking::ranking(document, &standings))
            (spread::spread(document, &standings))
            (curves::curves(document, &standings))
            (traces::traces(&standings))
            (confusion::confusion(&standings))
            (files::files(document, &standings))
            (calibration::calibration(&standings))
            (verdicts::verdicts(document, &standings))
            (method::method(document))
            (glossary::glossary())
        }
        footer { p { "Made by fedhost " (document.version) "." } }
    };
    visible(&frame(&title, STYLE, &body).into_string()).into_owned()
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
