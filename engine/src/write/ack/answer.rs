//! The acknowledgement of a push.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ingest::{Rejection, WarningCode};
use crate::model::ObjectType;
use crate::records::RowStatus;

/// The result of one row of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedRow {
    /// The row's type.
    pub object: ObjectType,
    /// The record's id.
    pub id: String,
    /// The effect of the row.
    pub status: RowStatus,
    /// Warnings about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningCode>,
    /// Where the row is in what was sent, as in [`Rejection::line`]; none of a record that was
    /// deleted by its id.
    #[serde(skip)]
    pub line: Option<u64>,
}

/// The acknowledgement of a request: its rows are durable, and every snapshot from the next
/// publication on has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushResult {
    /// The accepted rows, customers first, then plans, then invoices, each in the order in which
    /// they were sent; none when nothing is stored.
    pub result: Vec<PushedRow>,
    /// The rejected rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
    /// Fields that are not ours, with the number of rows that had them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored_fields: BTreeMap<String, u64>,
    /// Whether the accepted rows are stored.
    pub stored: bool,
    /// A snapshot whose `last_sequence` is at least this has everything that was acknowledged so
    /// far.
    pub sequence: i64,
    /// The newest snapshot when the request was acknowledged; it may not have its rows yet.
    #[serde(skip)]
    pub snapshot: i64,
    /// This is the stored response to an earlier request under the same idempotency key; nothing was
    /// done.
    #[serde(skip)]
    pub replayed: bool,
}

#[cfg(test)]
mod tests {
    use super::PushResult;

    #[test]
    fn acknowledgement_is_read_as_it_was_written() {
        for text in [
            r#"{"result":[],"stored":false,"sequence":0}"#,
            r#"{"result":[{"object":"invoices","id":"1","status":"updated","warnings":["unknown_plan"]}],"stored":true,"sequence":7}"#,
        ] {
            let pushed: Option<PushResult> = serde_json::from_str(text).ok();
            assert_eq!(serde_json::to_string(&pushed).ok().as_deref(), Some(text));
        }
    }
}
