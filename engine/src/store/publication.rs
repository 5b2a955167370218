//! Waiting for a publication, and what is known of the newest one without its tables.

use std::time::Duration;

use chrono::NaiveDate;

use crate::engine::Engine;
use crate::error::Result;

/// What the newest snapshot is, without its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Newest {
    /// The catalog version; 0 before the first write.
    pub snapshot: i64,
    /// Everything that was acknowledged up to this sequence is in it.
    pub last_sequence: i64,
    /// Today in the account's zone: the day that [`Engine::snapshot`] is as of unless told.
    pub as_of: NaiveDate,
}

/// How often a process that does not write looks whether another one has published.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often the process that writes looks though it would have been told.
const LOOK_SURELY_EVERY: Duration = Duration::from_secs(1);

impl Engine {
    /// What [`Engine::snapshot`] would give now. It costs one look-up in the catalog.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn newest(&self) -> Result<Newest> {
        let newest = self.store.newest().await?;
        let as_of = self.store.today(&newest.settings);
        Ok(Newest { snapshot: newest.id, last_sequence: newest.last_sequence, as_of })
    }

    /// Returns once a snapshot has everything that was acknowledged up to a sequence. It hurries
    /// nobody, and may be given up at any time; for a sequence that is never acknowledged it waits
    /// without end.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn published(&self, sequence: i64) -> Result<()> {
        let mut told = self.store.published.subscribe();
        while self.store.newest().await?.last_sequence < sequence {
            // While a writer begins it has not told anything either.
            let writes_here = self.writer.try_lock().is_ok_and(|writer| writer.is_some());
            let look_again = if writes_here { LOOK_SURELY_EVERY } else { LOOK_EVERY };
            if let Ok(Ok(_)) =
                tokio::time::timeout(look_again, told.wait_for(|last| *last >= sequence)).await
            {
                break;
            }
        }
        Ok(())
    }

    /// The last sequence that this process has acknowledged or published; none before it first
    /// writes.
    pub async fn last_acknowledged(&self) -> Option<i64> {
        self.writer.lock().await.as_ref().map(|writer| writer.last_acknowledged())
    }
}
