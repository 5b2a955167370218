//! API keys: role, data sources and lifetime.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Read.
    Viewer,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 2] = [Role::Admin, Role::Viewer];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Viewer => "viewer",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let role = Role::ALL.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| format!("\"{text}\" is not a role; use admin or viewer"))
    }
}

/// What a key is to be for.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose key it is, for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The ids or names of the data sources it is restricted to; without, it sees all.
    pub data_sources: Option<Vec<String>>,
    /// When it ends; never unless given.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// What it is called where it may be shown.
    pub id: String,
    /// Whose key it is, for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The ids of the data sources it is restricted to; none when it sees all.
    pub data_sources: Option<Vec<String>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The first instant at which it is not valid any more.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// Whether it opens anything at this instant.
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    /// Whether it reaches the data source with this id.
    pub fn sees(&self, source: &str) -> bool {
        self.data_sources.as_ref().is_none_or(|sources| sources.iter().any(|seen| seen == source))
    }
}
