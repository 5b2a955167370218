//! Options of a push.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ingest::{Dialect, Format, RowSources};
use crate::model::OnError;

/// The reading of pushed bytes, and the treatment of rejected rows.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// Renames: a sender's field or column to ours.
    pub map: HashMap<String, String>,
    /// The format; detected from the first bytes unless given.
    pub format: Option<Format>,
    /// The fields that a sender may leave out.
    pub dialect: Dialect,
    /// Each row names its data source, one of these; then that of the request has no effect.
    pub row_sources: Option<Arc<RowSources>>,
    /// The treatment of rejected rows.
    pub on_error: OnError,
    /// A repetition of the request under this key is answered and not carried out again.
    pub idempotency: Option<IdempotencyKey>,
    /// The request is refused as [`crate::Error::Changed`] if a record that it names was changed
    /// after this sequence: it was read from a snapshot with this
    /// [`crate::Snapshot::last_sequence`], and is written back.
    pub unchanged_since: Option<i64>,
}

/// The name that a sender gives a request, so that it can be repeated without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The owner of the key. A key is unique in its scope only.
    pub scope: String,
    /// The sender's name for the request.
    pub key: String,
    /// A hash of the whole request; under its key no other request can be sent.
    pub fingerprint: [u8; 32],
}
