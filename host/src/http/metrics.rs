//! Serves `/metrics` to Prometheus and compatible collectors, always in OpenMetrics text.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::router::Shared;
use crate::observe::CONTENT_TYPE;

/// Returns all metrics.
pub(super) async fn metrics(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !shared.trusts(&headers) {
        let detail =
            "metrics need the token: send `Authorization: Bearer` with the value of api.token";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, detail));
    }
    let observed = shared.observed.clone();
    // Blocking: thousands of series take long, and some values are read from files.
    let text = tokio::task::spawn_blocking(move || observed.snapshot().exposition()).await;
    let failed = || {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the metrics cannot be written",
        )
    };
    let text = text.map_err(|_| failed())?.map_err(|_| failed())?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
