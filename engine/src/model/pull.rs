//! Pulls: where and how a data source is fetched.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// How a data source is fetched. Settings and credentials are their writer's: nothing here looks
/// into them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pull {
    /// The data source's id.
    pub data_source: String,
    /// What may be shown.
    pub settings: Value,
    /// The credentials, encrypted by who wrote them.
    #[serde(skip)]
    pub sealed_credentials: Option<Vec<u8>>,
    /// When it was last set.
    pub updated_at: DateTime<Utc>,
}
