//! What an import or a push does with rejected rows.

use serde::{Deserialize, Serialize};

/// What an import does when rows are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Nothing is stored.
    #[default]
    Abort,
    /// The valid rows are stored.
    Skip,
}
