//! What can go wrong, in the caller's language.

use std::path::PathBuf;

use datafusion::common::DataFusionError;

/// An engine call that could not be carried out; nothing of it is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process writes this data directory.
    #[error("the data directory \"{dir}\" is being written by process {pid}; wait for it or stop it", dir = dir.display())]
    WriterBusy {
        /// The data directory.
        dir: PathBuf,
        /// Who holds it.
        pid: String,
    },
    /// More is pushed than is published; nothing of this request is stored.
    #[error("too many pushes wait to be published; push it again in a second")]
    Overloaded,
    /// The request could not be made durable; nothing of it is stored.
    #[error("store the request: {0}")]
    NotAcknowledged(String),
    /// The engine was closed before the request was acknowledged; it may be stored or not.
    #[error("the engine was closed; push it again, which does no harm if it is stored already")]
    Closed,
    /// The caller canceled the work; nothing of it is stored.
    #[error("canceled; nothing of it is stored")]
    Canceled,
    /// A request's idempotency key was used for another request; nothing was done.
    #[error(
        "the idempotency key \"{key}\" was used for a request with another content; give this request a key of its own"
    )]
    IdempotencyConflict {
        /// The sender's key.
        key: String,
    },
    /// A record was changed after it was read to be written back; nothing was done.
    #[error("\"{id}\" was changed by somebody else meanwhile; read it again and repeat the change")]
    Changed {
        /// The record's id.
        id: String,
    },
    /// An SQL statement is wrong.
    #[error("{0}")]
    Sql(String),
    /// An SQL statement is more than a query.
    #[error("{0}")]
    SqlNotAllowed(String),
    /// An SQL statement is longer or nested deeper than one may be, or needs more memory.
    #[error("{0}")]
    SqlTooLarge(String),
    /// An argument makes no sense; nothing was done.
    #[error("{0}")]
    Argument(String),
    /// There is one already that takes its place; nothing was done.
    #[error("{0}")]
    Conflict(String),
    /// A request is larger than one may be; nothing of it is stored.
    #[error("{0}")]
    TooLarge(String),
    /// A setting is unknown or does not take the value.
    #[error("{0}")]
    Setting(String),
    /// The data directory is not as its catalog says; a backup is needed.
    #[error("the data directory is damaged: {0}")]
    Damaged(String),
    /// The rules could not be carried out for one customer; its records must be corrected.
    #[error("compute customer \"{customer_id}\" of data source \"{data_source}\": {reason}")]
    Customer {
        /// The customer's data source.
        data_source: String,
        /// The customer's id.
        customer_id: String,
        /// What failed.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{action} \"{path}\": {source}", path = path.display())]
    File {
        /// What was being done, such as "read".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A newer program wrote the store; nothing was changed.
    #[error(
        "\"{path}\" has version {stored}, and this program, Mrrow {program}, reads versions up to \
         {newest}; use a newer program, or restore a backup of version {newest}",
        path = path.display(),
        program = env!("CARGO_PKG_VERSION")
    )]
    NewerStore {
        /// The catalog.
        path: PathBuf,
        /// Its version.
        stored: usize,
        /// The newest version that this program reads.
        newest: usize,
    },
    /// The catalog could not be read or written.
    #[error("use the catalog: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// The catalog could not be migrated to this program's version.
    #[error("migrate the catalog: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    /// A query failed while it ran.
    #[error("run the query: {0}")]
    Query(#[from] DataFusionError),
    /// A Parquet file could not be read or written.
    #[error("use a Parquet file: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A column is not as expected.
    #[error("use a record batch: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Something that cannot be went wrong; a defect of Mrrow.
    #[error("internal: {0}")]
    Internal(String),
}

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Adds what was being done with which file to an input or output error.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::File { action, path, source }
    }
}
