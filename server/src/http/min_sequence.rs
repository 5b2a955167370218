//! `?min_sequence=N`: whoever names what was acknowledged is answered once that is published.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;
use crate::http::extract::Query;

/// How soon a client that waited in vain may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Named {
    min_sequence: Option<i64>,
}

/// The layer that waits before a request is carried out. The document tells of the parameter in
/// words: whoever makes up values for it would wait for what nobody sends.
pub(crate) async fn wait_where_named(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response> {
    if !request.uri().query().is_some_and(|query| query.contains("min_sequence")) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    // Who has no key does not wait; the route says so, if it needs one.
    if Caller::from_request_parts(&mut parts, &app).await.is_ok() {
        let Query(Named { min_sequence }) = Query::from_request_parts(&mut parts, &app).await?;
        if let Some(sequence) = min_sequence {
            wait(&app, sequence).await?;
        }
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Waits until what was acknowledged up to a sequence is published.
pub(crate) async fn wait(app: &App, sequence: i64) -> Result<()> {
    let wait_time = app.config.limits.wait_time;
    match tokio::time::timeout(wait_time, app.engine.published(sequence)).await {
        Ok(published) => Ok(published?),
        Err(_) => {
            let seconds = wait_time.as_secs();
            let message = format!(
                "sequence {sequence} was not published within {seconds} seconds; read it again in a second"
            );
            Err(ApiError::try_again("not_yet_published", message, RETRY_AFTER))
        }
    }
}
