//! The requests and events of the local protocol.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use mrrow_engine::import::{ImportSummary, OnError, Progress};
use mrrow_engine::ingest::Format;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushResult;
use mrrow_engine::{Compaction, Error};
use serde::{Deserialize, Serialize};

/// The bytes that follow a request.
pub(super) type InputStream = Box<dyn Read + Send>;

/// An import of files, which the server opens, and of a stream, whose bytes follow the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The id or name of the data source.
    pub data_source: String,
    /// The inputs in their order.
    pub inputs: Vec<InputRequest>,
    /// Renamed fields or columns: the sender's name to ours.
    pub map: HashMap<String, String>,
    /// The reaction to rejected rows.
    pub on_error: OnError,
    /// Whether to validate and count only.
    pub dry_run: bool,
    /// The absolute path of a file for the rejected rows.
    pub rejects: Option<PathBuf>,
}

/// One input of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRequest {
    /// Its name in messages.
    pub name: String,
    /// The type of its records; none if the input names the types.
    pub object: Option<ObjectType>,
    /// Its format; detected by default.
    pub format: Option<Format>,
    /// The file's absolute path; none for the stream.
    pub path: Option<PathBuf>,
}

/// A stream of records, pushed in small requests. Its bytes follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRequest {
    /// The id or name of the data source.
    pub data_source: String,
    /// The records' type.
    pub object: ObjectType,
    /// The most rows of one request.
    pub rows_each: usize,
    /// Renamed fields or columns: the sender's name to ours.
    pub map: HashMap<String, String>,
    /// The format; detected by default.
    pub format: Option<Format>,
    /// The reaction to rejected rows of a request.
    pub on_error: OnError,
}

/// Records to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// The id or name of the data source.
    pub data_source: String,
    /// The records' type.
    pub object: ObjectType,
    /// Their ids.
    pub ids: Vec<String>,
}

/// A data source to reset: all of its records are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetRequest {
    /// Its id.
    pub data_source: String,
}

/// A line of a response. Progress and acknowledgements are followed by one last event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CommandEvent {
    Progress(Progress),
    Acknowledged(PushResult),
    Imported(ImportSummary),
    /// All acknowledged rows are published.
    Published,
    Deleted(PushResult),
    Compacted(Compaction),
    /// The number of deleted records of a data source.
    Reset(u64),
    Failed(CommandFailure),
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CommandFailure {
    /// Whether the request is invalid.
    pub(super) is_usage: bool,
    pub(super) message: String,
}

impl CommandFailure {
    pub(super) fn usage(message: impl Into<String>) -> CommandFailure {
        CommandFailure { is_usage: true, message: message.into() }
    }
}

impl From<Error> for CommandFailure {
    fn from(error: Error) -> CommandFailure {
        let is_usage = matches!(error, Error::Argument(_) | Error::Setting(_));
        CommandFailure { is_usage, message: error.to_string() }
    }
}
