//! Recovery: acknowledged rows and settings that an ended writer has left are published, and its
//! unnamed files are removed.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::files::WriterLock;
use crate::store::Store;
use crate::write::flush::flush;
use crate::write::settings;

/// Removes the files of writes that did not end; the caller holds the lock.
pub(super) async fn sweep(store: &Store) -> Result<()> {
    store.catalog.settle().await?;
    let last_snapshot = store.pinned().await?.info.id;
    store.directory.sweep(&store.catalog.named_files().await?, last_snapshot)
}

/// Publishes acknowledged rows and wanted settings; the caller holds the lock.
pub(super) async fn finish(store: &Arc<Store>) -> Result<()> {
    while flush(store, &Arc::new(store.pinned().await?), i64::MAX).await?.is_some() {}
    settings::apply(store, &Mutex::new(())).await
}

/// Publishes what an ended writer has left, so that no reader sees numbers of other settings than
/// the wanted ones. While another process writes, it does that. A failure is logged only, because
/// published snapshots can be read in any case.
pub(crate) async fn recover(store: &Arc<Store>) -> Result<()> {
    if store.catalog.inbox_end().await?.is_none() && settings::to_apply(store).await?.is_none() {
        return Ok(());
    }
    // A writer of this process that was dropped releases its lock in a moment, and has not
    // published.
    let taken = match WriterLock::take(store.directory.root()) {
        Err(Error::WriterBusy { pid, .. }) if pid == std::process::id().to_string() => {
            WriterLock::take_soon(store.directory.root()).await
        }
        taken => taken,
    };
    let finished = match taken {
        Ok(_lock) => match sweep(store).await {
            Ok(()) => finish(store).await,
            Err(error) => Err(error),
        },
        Err(Error::WriterBusy { .. }) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = finished {
        tracing::warn!(%error, "publish what the last writer has left; the next one tries again");
    }
    Ok(())
}
