//! What an examination finds: of a bus, or of anything else that a run needs.

mod storage;

use serde::Serialize;

pub use storage::examine as examine_directory;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and will bite some day.
    Warning,
    /// It will not work.
    Failed,
    /// It could not be looked at; the detail says why.
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, for example `broker 1`.
    pub subject: String,
    /// How it is.
    pub outcome: Outcome,
    /// What was found, as text.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Receives the findings, one after the other.
pub type Tell<'a> = dyn FnMut(Finding) + 'a;

impl Finding {
    /// As it should be.
    pub fn ok(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            outcome: Outcome::Ok,
            detail: detail.into(),
            hint: None,
        }
    }

    /// It works, and will bite some day.
    pub fn warning(
        subject: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            outcome: Outcome::Warning,
            hint: Some(hint.into()),
            ..Self::ok(subject, detail)
        }
    }

    /// It will not work.
    pub fn failed(
        subject: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            outcome: Outcome::Failed,
            hint: Some(hint.into()),
            ..Self::ok(subject, detail)
        }
    }

    /// It could not be looked at.
    pub fn unknown(subject: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Unknown,
            ..Self::ok(subject, why)
        }
    }
}
