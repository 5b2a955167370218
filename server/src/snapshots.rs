//! The snapshot that a request reads: which one, opened once for all requests of it, and the ETag
//! of an answer made from it.

mod moment;
mod opened;
mod parameters;

use std::sync::Arc;

use mrrow_engine::Snapshot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;

pub(crate) use moment::{Entity, Moment};
pub(crate) use opened::Opened;
pub(crate) use parameters::{ReadParams, date};

/// What reads share.
pub(crate) struct Reads {
    opened: Opened,
    at_once: Arc<Semaphore>,
}

impl Reads {
    pub(crate) fn new(at_once: usize) -> Reads {
        Reads { opened: Opened::default(), at_once: Arc::new(Semaphore::new(at_once)) }
    }

    /// The right to read tables until it is dropped; too many at once are told to come again.
    pub(crate) fn begin(&self) -> Result<OwnedSemaphorePermit> {
        const SOON: std::time::Duration = std::time::Duration::from_secs(1);
        Arc::clone(&self.at_once).try_acquire_owned().map_err(|_| {
            ApiError::try_again(
                "overloaded",
                "too many reads are being answered; send it again in a second",
                SOON,
            )
        })
    }
}

/// The snapshot that a request asks for, with the rows that the caller sees. It is opened once for
/// all requests of its moment.
pub(crate) async fn pinned(
    app: &App,
    caller: &Caller,
    parameters: &ReadParams,
) -> Result<Arc<Snapshot>> {
    Moment::of(app, parameters).await?.open(app, caller).await
}
