//! The object types a sender can send.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the three kinds of record; also the name of its table and of its import files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectType {
    /// Who is billed.
    Customers,
    /// What is sold, and its billing cycle.
    Plans,
    /// Subscription, one-time, refund and cancellation records.
    Invoices,
}

impl ObjectType {
    /// All types, in the order in which they are imported.
    pub const ALL: [ObjectType; 3] =
        [ObjectType::Customers, ObjectType::Plans, ObjectType::Invoices];

    /// The table's name, which is also the plural used in paths, files and envelopes.
    pub fn name(self) -> &'static str {
        match self {
            ObjectType::Customers => "customers",
            ObjectType::Plans => "plans",
            ObjectType::Invoices => "invoices",
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ObjectType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|object| object.name() == text)
            .ok_or_else(|| format!("\"{text}\" is not a type; use customers, plans or invoices"))
    }
}
