//! The errors of the command line's client.

use std::io;

/// Why the server did not finish a command.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The request is invalid.
    #[error("{0}")]
    Usage(String),
    /// The command failed.
    #[error("{0}")]
    Failed(String),
    /// The connection broke; the outcome of the command is unknown.
    #[error(
        "the connection to the server that holds the data directory broke: {0}; see its log, then \
         run the command again: rows that are stored already change nothing"
    )]
    Disconnected(#[from] io::Error),
}
