//! Plug-ins in their order, each with the sign that it has all over the page.

use maud::{Markup, html};

use super::words;
use crate::report::chart::sign::Sign;
use crate::report::words::short;
use fedhost_evaluate::{Document, PluginResult, Status};

/// Of a name within a table.
const NAME_CHARS: usize = 32;

/// A plug-in and its place.
pub(super) struct Standing<'a> {
    /// Its place, counted from 1.
    pub(super) sign: Sign,
    /// How it fared.
    pub(super) result: &'a PluginResult,
}

/// The best first, those that failed, or failed an integrity check, last.
pub(super) fn standings(document: &Document) -> Vec<Standing<'_>> {
    let ranked = document.ranked().into_iter().enumerate();
    ranked
        .map(|(index, result)| Standing {
            sign: Sign(index + 1),
            result,
        })
        .collect()
}

impl Standing<'_> {
    pub(super) fn name(&self) -> &str {
        &self.result.card.plugin
    }

    /// Where its verdict is on the page.
    pub(super) fn anchor(&self) -> String {
        format!("plugin-{}", self.sign.0)
    }

    /// Whether its figures count.
    pub(super) fn is_believed(&self) -> bool {
        self.result.status == Status::Ok
    }

    /// A figure, if it is a number.
    pub(super) fn roc_auc(&self) -> Option<f64> {
        words::finite(self.result.figures.roc_auc)
    }

    /// The 95 % interval of its ROC AUC.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        words::ends(self.result.figures.intervals.roc_auc)
    }

    /// Its sign and name, leading to its verdict.
    pub(super) fn link(&self) -> Markup {
        html! {
            a href={ "#" (self.anchor()) } title=(self.name()) { (self.sign.inline()) " " (short(self.name(), NAME_CHARS)) }
        }
    }

    /// Its sign and name.
    pub(super) fn title(&self) -> Markup {
        html! { (self.sign.inline()) " " span title=(self.name()) { (short(self.name(), NAME_CHARS)) } }
    }
}
