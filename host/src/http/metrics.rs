//! `/metrics`, for Prometheus and those that read the same.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::router::{Shared, accept};
use crate::observe::Format;

/// All figures, in the format that the client asks for.
pub(super) async fn metrics(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !shared.trusts(&headers) {
        let detail = "figures are told to those who show the token: send `Authorization: Bearer` and api.token";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, detail));
    }
    let format = Format::accepted(accept(&headers));
    let observed = shared.observed.clone();
    // Thousands of series take their time, and some come from files.
    let text = tokio::task::spawn_blocking(move || observed.snapshot().exposition(format)).await;
    let failed = || {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the figures cannot be written",
        )
    };
    let text = text.map_err(|_| failed())?.map_err(|_| failed())?;
    Ok(([(header::CONTENT_TYPE, format.content_type())], text).into_response())
}
