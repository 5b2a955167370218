//! The limits of statements, and the program that runs them.

use std::path::PathBuf;
use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// The limits of statements over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlLimits {
    /// Bytes of a statement.
    pub statement_bytes: usize,
    /// The default time of a statement, without the pauses of its client.
    pub time_default: Duration,
    /// The longest time that a statement can request.
    pub time_max: Duration,
    /// The longest pause of a client that reads an answer.
    pub pause: Duration,
    /// Bytes of memory of a statement; a statement that needs more fails.
    pub memory_bytes: usize,
    /// Threads of a statement.
    pub threads: usize,
    /// The default for the most rows of a JSON answer.
    pub rows_default: u64,
    /// The most rows that a statement can request.
    pub rows_max: u64,
    /// Bytes of a JSON answer, which is sent whole.
    pub json_bytes: usize,
    /// Bytes of an answer in another format.
    pub stream_bytes: u64,
    /// Statements that run at once.
    pub at_once: usize,
    /// Statements that wait for their turn; further ones are refused with Retry-After.
    pub waiting: usize,
    /// The longest wait for a turn.
    pub wait_time: Duration,
}

impl Default for SqlLimits {
    fn default() -> Self {
        SqlLimits {
            statement_bytes: mrrow_engine::SQL_BYTES_MAX,
            time_default: Duration::from_secs(30),
            time_max: Duration::from_secs(120),
            pause: Duration::from_secs(30),
            memory_bytes: 512 * MIB,
            threads: 2,
            rows_default: 10_000,
            rows_max: 100_000,
            json_bytes: 32 * MIB,
            stream_bytes: 8 * 1024 * MIB as u64,
            at_once: 2,
            waiting: 32,
            wait_time: Duration::from_secs(10),
        }
    }
}

/// The program that runs statements: its `main` calls [`crate::run_sql_worker`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlWorker {
    /// The binary.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}
