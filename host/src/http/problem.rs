//! Errors as problem documents (RFC 9457).

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// What went wrong this time, and what to do about it.
    pub(super) detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, detail } = self;
        let title = status.canonical_reason().unwrap_or("Error");
        let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        // RFC 9110 requires this header with status 401.
        let challenge: Option<[(HeaderName, &str); 1]> =
            (status == StatusCode::UNAUTHORIZED).then_some([(header::WWW_AUTHENTICATE, "Bearer")]);
        match challenge {
            Some(challenge) => (status, content_type, challenge, body.to_string()).into_response(),
            None => (status, content_type, body.to_string()).into_response(),
        }
    }
}
