//! The account's settings.

use super::Engine;
use crate::error::{Error, Result};
use crate::model::Settings;
use crate::write::settings;

impl Engine {
    /// The account's settings, as they were last set.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn settings(&self) -> Result<Settings> {
        self.store.lookups.settings().await
    }

    /// Sets one setting; see [`Engine::set_settings`].
    ///
    /// # Errors
    /// When there is no such setting, or it does not take the value.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.set_settings(&[(name, value)]).await
    }

    /// Sets some settings, all or none, and recomputes the numbers that depend on them. If another
    /// process writes, that one recomputes within moments; until then, readers see the old numbers
    /// with the old settings.
    ///
    /// # Errors
    /// When there is no such setting, or it does not take the value.
    pub async fn set_settings(&self, changes: &[(&str, &str)]) -> Result<()> {
        let before = settings::change(&self.store, changes).await?;
        let applied = match self.writer().await {
            Ok(writer) => {
                self.store.background.run(async move { writer.apply_settings().await }).await
            }
            Err(Error::WriterBusy { .. }) => Ok(()),
            Err(error) => Err(error),
        };
        if applied.is_err() {
            settings::take_back(&self.store, changes, &before).await?;
        }
        applied
    }
}
