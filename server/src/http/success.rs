//! The response to a change that has nothing else to say.

use serde::Serialize;
use utoipa::ToSchema;

/// The change was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Success {
    /// Always true.
    success: bool,
    /// The id of the changed object.
    id: String,
    /// The sequence of a change of records: a read with `?min_sequence=` this sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<i64>,
}

impl Success {
    /// A change of the object with this id.
    pub(crate) fn of(id: String) -> Success {
        Success { success: true, id, sequence: None }
    }

    /// A change of a record, acknowledged under a sequence.
    pub(crate) fn acknowledged(id: String, sequence: i64) -> Success {
        Success { sequence: Some(sequence), ..Success::of(id) }
    }
}
