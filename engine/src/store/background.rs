//! Background work: long work runs on the runtime of `Config::background`, whose threads may have a
//! lower priority than those that call the engine.

use datafusion::common::runtime::SpawnedTask;
use tokio::runtime::Handle;

use crate::error::{Error, Result};

/// The two runtimes of an engine.
#[derive(Debug)]
pub(crate) struct Background {
    /// None when there is one runtime for everything.
    background: Option<Handle>,
    /// The runtime that opened the engine.
    calls: Handle,
}

impl Background {
    /// To be called on the runtime of calls.
    pub(super) fn new(background: Option<Handle>) -> Background {
        Background { background, calls: Handle::current() }
    }

    /// Starts work in the background; dropping the task cancels it.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> SpawnedTask<T> {
        let _entered = self.background.as_ref().map(Handle::enter);
        SpawnedTask::spawn(work)
    }

    /// Runs long work in the background.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.background.is_none() {
            return work.await;
        }
        let done = self.spawn(work).join().await;
        done.map_err(|error| Error::Internal(format!("work in the background: {error}")))?
    }

    /// Runs a short step of background work at the priority of calls, because calls wait for it.
    pub(crate) async fn run_with_calls<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.background.is_none() {
            return work.await;
        }
        let done = {
            let _entered = self.calls.enter();
            SpawnedTask::spawn(work)
        };
        done.join().await.map_err(|error| Error::Internal(format!("work for calls: {error}")))?
    }
}
