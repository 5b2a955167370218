//! What a statement may use.

use std::path::PathBuf;
use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// The limits of statements over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlLimits {
    /// Bytes of a statement.
    pub statement_bytes: usize,
    /// How long a statement may take unless it tells, without the time its client takes to read.
    pub time_default: Duration,
    /// How long it may ask for.
    pub time_max: Duration,
    /// How long a client may take nothing of an answer.
    pub pause: Duration,
    /// Memory of a statement in bytes; what is above fails.
    pub memory_bytes: usize,
    /// Threads of a statement.
    pub threads: usize,
    /// Rows of a JSON answer unless it tells.
    pub rows_default: u64,
    /// Rows that an answer may ask for.
    pub rows_max: u64,
    /// Bytes of a JSON answer, which is held until it is whole.
    pub json_bytes: usize,
    /// Bytes of an answer in another form.
    pub stream_bytes: u64,
    /// Statements that run at once.
    pub at_once: usize,
    /// Statements that wait for their turn; beyond it they are told to come again.
    pub waiting: usize,
    /// How long they wait.
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

/// The program that carries out statements: one whose `main` calls [`crate::run_sql_worker`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlWorker {
    /// The binary.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}
