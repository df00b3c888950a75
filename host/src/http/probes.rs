//! Serves `/livez` and `/readyz` to process supervisors.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::router::{Shared, accept};
use crate::observe::NotReady;

/// Any response means that the process is alive.
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// Returns whether the process is ready. Only trusted clients see the reasons.
pub(super) async fn ready(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let mut troubles = shared.observed.troubles();
    let is_ready = troubles.is_empty();
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if !shared.trusts(&headers) {
        troubles.clear();
    }
    if accept(&headers).contains("application/json") {
        let body = json!({ "ready": is_ready, "troubles": troubles }).to_string();
        return (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    }
    (status, text(is_ready, &troubles)).into_response()
}

/// Formats the reasons, one a line.
fn text(is_ready: bool, troubles: &[NotReady]) -> String {
    match (is_ready, troubles) {
        (true, _) => "ready\n".to_owned(),
        (false, []) => "not ready\n".to_owned(),
        (false, troubles) => {
            let line = |NotReady { part, reason }: &NotReady| {
                format!("{part}: {}\n", reason.replace('\n', " "))
            };
            troubles.iter().map(line).collect()
        }
    }
}
