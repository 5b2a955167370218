//! `?min_sequence=N`: a request waits until an acknowledged sequence is published.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use mrrow_engine::Engine;
use serde::Deserialize;

use super::caller::{Caller, KeyLookup};
use super::extract::Query;
use crate::error::{ApiError, Result};

/// The pause before a client sends the request again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Waits for publications, for a limited time.
#[derive(Clone)]
pub(crate) struct PublicationWait {
    engine: Arc<Engine>,
    time_max: Duration,
}

/// The state of the layer.
#[derive(Clone)]
pub(crate) struct MinSequenceLayer {
    pub(crate) wait: PublicationWait,
    pub(crate) keys: KeyLookup,
}

#[derive(Deserialize)]
struct MinSequenceQuery {
    min_sequence: Option<i64>,
}

impl FromRef<MinSequenceLayer> for KeyLookup {
    fn from_ref(layer: &MinSequenceLayer) -> KeyLookup {
        layer.keys.clone()
    }
}

/// The layer before the handlers. The OpenAPI document describes the parameter in words: tools that
/// invent values would wait for a sequence that never comes.
pub(crate) async fn wait_for_min_sequence(
    State(layer): State<MinSequenceLayer>,
    request: Request,
    next: Next,
) -> Result<Response> {
    if !request.uri().query().is_some_and(|query| query.contains("min_sequence")) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    // A request without a key does not wait; its handler refuses it if it needs one.
    if Caller::from_request_parts(&mut parts, &layer).await.is_ok() {
        let Query(query) = Query::<MinSequenceQuery>::from_request_parts(&mut parts, &()).await?;
        if let Some(sequence) = query.min_sequence {
            layer.wait.until_published(sequence).await?;
        }
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

impl PublicationWait {
    pub(crate) fn new(engine: Arc<Engine>, time_max: Duration) -> PublicationWait {
        PublicationWait { engine, time_max }
    }

    /// Waits until a sequence, and all before it, are published.
    pub(crate) async fn until_published(&self, sequence: i64) -> Result<()> {
        match tokio::time::timeout(self.time_max, self.engine.wait_published(sequence)).await {
            Ok(published) => Ok(published?),
            Err(_) => {
                let seconds = self.time_max.as_secs();
                let message = format!(
                    "sequence {sequence} was not published within {seconds} seconds; read it \
                        again in a second"
                );
                Err(ApiError::try_again("not_yet_published", message, RETRY_AFTER))
            }
        }
    }

    /// Waits until everything that is acknowledged now is published.
    pub(crate) async fn until_all_published(&self) -> Result<()> {
        self.until_published(self.engine.last_acknowledged().await.unwrap_or_default()).await
    }
}
