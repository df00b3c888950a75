//! Maps paths to handlers, and sets the limits of all paths.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::problem::Problem;
use super::server::{Limits, Routers};
use super::{metrics, probes};
use crate::observe::Observed;
use fedhost_base::secrets::Secret;

/// The state that all handlers share.
pub(super) struct Shared {
    pub(super) observed: Observed,
    pub(super) token: Option<Secret>,
}

impl Shared {
    /// Whether the client may see metrics and reasons.
    pub(super) fn trusts(&self, headers: &HeaderMap) -> bool {
        self.token
            .as_ref()
            .is_none_or(|token| bearer(headers).is_some_and(|shown| token.is(shown)))
    }
}

pub(super) fn routers(shared: Shared, limits: &Limits) -> Routers {
    let shared = Arc::new(shared);
    let probes = Router::new()
        .route("/livez", get(probes::live))
        .route("/readyz", get(probes::ready))
        .method_not_allowed_fallback(not_allowed);
    let all = probes
        .clone()
        .route("/metrics", get(metrics::metrics))
        .fallback(unknown);
    Routers {
        all: bounded(all.with_state(Arc::clone(&shared)), limits),
        probes: bounded(probes.fallback(busy).with_state(shared), limits),
    }
}

/// Applies the limits of all paths.
pub(super) fn bounded(router: Router, limits: &Limits) -> Router {
    let answer_within = limits.answer;
    router
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(middleware::from_fn(move |request, next| {
            in_time(answer_within, request, next)
        }))
}

/// Ends a handler that does not begin its response in time.
async fn in_time(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!(
                "there is no answer within {} ms; try again later",
                limit.as_millis()
            );
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
        }
    }
}

async fn busy() -> Problem {
    let detail = "all connections but those for probes are in use; try again later";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

async fn unknown(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {}", uri.path()),
    )
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{} does not take {method}", uri.path()),
    )
}

/// Returns the `Accept` header; empty if there is none.
pub(super) fn accept(headers: &HeaderMap) -> &str {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .as_bytes()
        .split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}
