//! A push: small batches, acknowledged when they are durable, published with their movements a moment later.

mod acknowledger;
mod admission;
mod flush;
mod limits;
mod pending;
mod request;
mod unpublished;
mod wire;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize};

use crate::import::OnError;
use crate::ingest::{Format, Rejection, WarningCode};
use crate::model::ObjectType;
use crate::versions::Status;

pub(crate) use acknowledger::Acknowledger;
pub(crate) use flush::flush;
pub use limits::PushLimits;
pub(crate) use request::{Decoder, Deletion, Request};

/// How pushed bytes are read, and what happens to a request with rejected rows.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// Renames: a sender's field or column to ours.
    pub map: HashMap<String, String>,
    /// The format; found out from the first bytes unless given.
    pub format: Option<Format>,
    /// What to do when rows are rejected.
    pub on_error: OnError,
}

/// What became of one row of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedRow {
    /// The row's type.
    pub object: ObjectType,
    /// The record's id.
    pub id: String,
    /// What the row did.
    pub status: Status,
    /// What is odd about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "of_codes")]
    pub warnings: Vec<&'static str>,
}

/// The acknowledgement of a request: what it did is durable, and in every snapshot from the next publication on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// The accepted rows, customers first, then plans, then invoices, each in the order in which they were sent; none when nothing is
    /// stored.
    pub result: Vec<PushedRow>,
    /// The rejected rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
    /// Fields that are not ours, with the number of rows that had them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored_fields: BTreeMap<String, u64>,
    /// Whether the accepted rows are stored.
    pub stored: bool,
    /// A snapshot whose `last_sequence` is at least this has everything that was acknowledged so far.
    pub sequence: i64,
}

fn of_codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'static str>, D::Error> {
    let codes = Vec::<WarningCode>::deserialize(deserializer)?;
    Ok(codes.into_iter().map(WarningCode::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::Pushed;

    #[test]
    fn an_acknowledgement_is_read_as_it_was_written() {
        for text in [
            r#"{"result":[],"stored":false,"sequence":0}"#,
            r#"{"result":[{"object":"invoices","id":"1","status":"updated","warnings":["unknown_plan"]}],"stored":true,"sequence":7}"#,
        ] {
            let pushed: Option<Pushed> = serde_json::from_str(text).ok();
            assert_eq!(serde_json::to_string(&pushed).ok().as_deref(), Some(text));
        }
    }
}
