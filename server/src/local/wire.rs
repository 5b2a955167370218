//! What the command line and the server say to each other.

use std::collections::HashMap;
use std::path::PathBuf;

use mrrow_engine::import::{ImportSummary, OnError, Progress};
use mrrow_engine::ingest::Format;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::Pushed;
use mrrow_engine::{Compaction, Error};
use serde::{Deserialize, Serialize};

/// An import of files, which the server opens itself, and of a stream, whose bytes follow the
/// request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The id or name of the data source.
    pub data_source: String,
    /// What is read, in this order.
    pub inputs: Vec<InputRequest>,
    /// Renames: a sender's field or column to ours.
    pub map: HashMap<String, String>,
    /// What to do when rows are rejected.
    pub on_error: OnError,
    /// Validate and count, but store nothing.
    pub dry_run: bool,
    /// A file that takes the rejected rows; a full path.
    pub rejects: Option<PathBuf>,
}

/// One input of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRequest {
    /// What messages call it.
    pub name: String,
    /// The type of its records, unless it names the types itself.
    pub object: Option<ObjectType>,
    /// Its format, unless it is to be found out.
    pub format: Option<Format>,
    /// The file's full path; the stream without.
    pub path: Option<PathBuf>,
}

/// A stream of records in small requests; its bytes follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRequest {
    /// The id or name of the data source.
    pub data_source: String,
    /// The records' type.
    pub object: ObjectType,
    /// Rows of one request at most.
    pub rows_each: usize,
    /// Renames: a sender's field or column to ours.
    pub map: HashMap<String, String>,
    /// The format, unless it is to be found out.
    pub format: Option<Format>,
    /// What to do when rows of a request are rejected.
    pub on_error: OnError,
}

/// Records to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// The id or name of the data source.
    pub data_source: String,
    /// The records' type.
    pub object: ObjectType,
    /// Their ids.
    pub ids: Vec<String>,
}

/// A data source whose records are to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetRequest {
    /// Its id.
    pub data_source: String,
}

/// A line of an answer. The last one is not progress and not an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    Progress(Progress),
    Acknowledged(Pushed),
    Imported(ImportSummary),
    /// Everything that was acknowledged is published.
    Published,
    Deleted(Pushed),
    Compacted(Compaction),
    /// So many records of a data source are deleted.
    Reset(u64),
    Failed(Failed),
}

/// Why the work was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failed {
    /// The request makes no sense; else something went wrong with it.
    pub(super) is_usage: bool,
    pub(super) message: String,
}

impl Failed {
    pub(super) fn usage(message: impl Into<String>) -> Failed {
        Failed { is_usage: true, message: message.into() }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        let is_usage = matches!(error, Error::Argument(_) | Error::Setting(_));
        Failed { is_usage, message: error.to_string() }
    }
}
