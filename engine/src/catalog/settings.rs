//! The settings as they were last set. The writer recomputes what depends on them.

use rusqlite::{Connection, Row};

use super::{Catalog, snapshots};
use crate::catalog::connection::{execute, first};
use crate::error::{Error, Result};
use crate::model::Settings;

impl Catalog {
    /// The settings as they were last set; none when they never were.
    pub(crate) async fn wanted_settings(&self) -> Result<Option<Settings>> {
        self.connections.read(wanted).await
    }

    /// Changes the settings of the next snapshots, and returns those before the change.
    pub(crate) async fn change_settings(
        &self,
        change: impl FnOnce(&mut Settings) -> Result<()> + Send + 'static,
    ) -> Result<Settings> {
        self.connections
            .write(|connection| {
                let before = match wanted(connection)? {
                    Some(wanted) => wanted,
                    None => snapshots::newest(connection)?
                        .map(|newest| newest.settings)
                        .unwrap_or_default(),
                };
                let mut settings = before.clone();
                change(&mut settings)?;
                let sql = "insert into wanted_settings (only_row, settings) values (1, ?1)
                           on conflict do update set settings = excluded.settings";
                execute(connection, sql, [settings_text(&settings)?])?;
                Ok(before)
            })
            .await
    }
}

fn wanted(connection: &Connection) -> Result<Option<Settings>> {
    first(connection, "select settings from wanted_settings", [], settings_of)
}

/// The settings in a row.
pub(super) fn settings_of(row: &Row<'_>) -> Result<Settings> {
    let settings: String = row.get("settings")?;
    serde_json::from_str(&settings).map_err(|_| unreadable("settings"))
}

pub(super) fn settings_text(settings: &Settings) -> Result<String> {
    serde_json::to_string(settings)
        .map_err(|error| Error::Internal(format!("write the settings: {error}")))
}

pub(super) fn unreadable(what: &str) -> Error {
    Error::Damaged(format!(
        "a snapshot in the catalog has no readable {what}; restore the catalog from a backup"
    ))
}
