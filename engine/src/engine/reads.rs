//! Reads: snapshots of the present and the past, waits for a publication, checks.

use chrono::NaiveDate;

use super::Engine;
use crate::check::{self, SnapshotSummary, StoreStatus, Verification};
use crate::error::Result;
use crate::model::Past;
use crate::read::Snapshot;
use crate::store::NewestSnapshot;

impl Engine {
    /// The newest snapshot; `as_of` is today in the account's zone unless given.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn snapshot(&self, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        Snapshot::newest(&self.store, as_of).await
    }

    /// A snapshot of the past; `as_of` is the day of that moment unless given.
    ///
    /// # Errors
    /// When the snapshot never existed or is not retained, or the store cannot be read.
    pub async fn snapshot_of(&self, past: Past, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        Snapshot::past(&self.store, past, as_of).await
    }

    /// The version and the day of the snapshot that [`Engine::snapshot`] would return. It costs one
    /// read of the catalog.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn newest(&self) -> Result<NewestSnapshot> {
        self.store.newest_snapshot().await
    }

    /// Returns once a snapshot has everything that was acknowledged up to a sequence. It does not
    /// speed up the publication, and may be canceled at any time; for a sequence that is never
    /// acknowledged it waits without end.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn wait_published(&self, sequence: i64) -> Result<()> {
        self.store.sequences.wait_published(&self.store.catalog, sequence).await
    }

    /// The last sequence that this process has acknowledged or published; none before its first
    /// write.
    pub async fn last_acknowledged(&self) -> Option<i64> {
        self.store.sequences.acknowledged()
    }

    /// The contents of the store, their sizes, and warnings.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn status(&self) -> Result<StoreStatus> {
        check::status(&self.store).await
    }

    /// The retained snapshots, oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn snapshots(&self) -> Result<Vec<SnapshotSummary>> {
        check::snapshots(&self.store).await
    }

    /// Runs every check, recomputes everything from the records, and compares it with the stored
    /// rows.
    ///
    /// # Errors
    /// When the store cannot be read; differences are the result, not an error.
    pub async fn verify(&self) -> Result<Verification> {
        let (pinned, _pin) = self.store.pinned_for_reading().await?;
        check::verify(&self.store, &pinned).await
    }
}
