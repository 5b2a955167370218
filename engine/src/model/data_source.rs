//! Data sources: the named origins of records.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// A named origin of records, whose ids are unique inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataSource {
    /// Its id, which a sender names and records carry.
    pub id: String,
    /// What people call it; several may have one name, and are then told apart by their ids.
    pub name: String,
    /// What feeds it: api, csv, manual, or the name of a billing system.
    pub kind: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When what is said of it here was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a data source is to be.
#[derive(Debug, Clone, Default)]
pub struct NewDataSource {
    /// Its id; made up unless given.
    pub id: Option<String>,
    /// What people call it.
    pub name: String,
    /// What feeds it; `api` unless given.
    pub kind: Option<String>,
}
