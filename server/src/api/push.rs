//! Records in: GrowPanel's Custom API, and the API of its client libraries.

mod body;
mod content_type;
mod rejections;
mod response;

mod client_push;
mod custom_push;

pub(crate) use client_push::routes as client_routes;
pub(crate) use custom_push::routes;
pub(crate) use rejections::{RecordPointer, invalid_records};

use std::sync::Arc;

use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushResult;
use mrrow_engine::{Engine, RowStatus};

use crate::error::{ApiError, Result};
use crate::http::body::Bodies;
use crate::metrics::Metrics;

#[derive(Clone)]
pub(crate) struct PushState {
    pub(crate) engine: Arc<Engine>,
    pub(crate) bodies: Bodies,
    pub(crate) metrics: Arc<Metrics>,
}

impl PushState {
    /// Counts the objects of a request, unless it is a repetition.
    fn count(&self, object: ObjectType, pushed: &PushResult) {
        if pushed.replayed {
            return;
        }
        for status in [RowStatus::Created, RowStatus::Updated, RowStatus::Unchanged] {
            let count = pushed.result.iter().filter(|row| row.status == status).count() as u64;
            self.metrics.pushed(object.name(), status.as_str(), count);
        }
        self.metrics.pushed(object.name(), "rejected", pushed.rejections.len() as u64);
    }
}

/// The largest body that is scanned in less time than a change of threads takes.
const SCAN_INLINE_BYTES_MAX: usize = 64 * 1024;

/// Scans a body, a large one on a thread that may block.
async fn scan<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if bytes <= SCAN_INLINE_BYTES_MAX {
        return work();
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::internal(format!("scan a body: {error}")))?
}
