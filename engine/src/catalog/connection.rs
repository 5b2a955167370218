//! Connections to the catalog's file, each on a thread of its own.
//!
//! SQLite blocks the thread that calls it, so calls leave the async runtime. The threads start when
//! the catalog is opened: a thread inherits the priority of the one that starts it, and work in the
//! background has a low one, at which a transaction would hold up acknowledgements.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params, Row, TransactionBehavior};
use tokio::sync::oneshot;

use crate::catalog::wal::LOG_PRAGMAS;
use crate::error::{Error, Result};

/// How long a transaction waits for one of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements that a connection keeps at most; the catalog has fewer.
const STATEMENTS_CACHED_MAX: usize = 64;

/// Connections that read at the same time.
const READERS: usize = 3;

/// The connections of a process to one catalog, but for that of the commit loop.
#[derive(Debug)]
pub(super) struct Connections {
    readers: ConnectionThreads,
    writer: ConnectionThreads,
    /// Held by a transaction that writes. SQLite would let the writers of this process retry at
    /// growing intervals instead of queueing them.
    writing: Arc<WriteLock>,
}

/// Serializes the writers of a process, first come, first served.
pub(super) type WriteLock = tokio::sync::Mutex<()>;

impl Connections {
    /// Opens the connections and starts their threads; the first one is open already.
    pub(super) fn open(path: &Path, first: Connection) -> Result<Connections> {
        let readers = (0..READERS).map(|_| connect(path)).collect::<Result<_>>()?;
        Ok(Connections {
            readers: ConnectionThreads::start(readers)?,
            writer: ConnectionThreads::start(vec![first])?,
            writing: Arc::default(),
        })
    }

    pub(super) fn write_lock(&self) -> Arc<WriteLock> {
        Arc::clone(&self.writing)
    }

    /// Reads the catalog as it is at one moment.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.run(|connection, _| work(&*connection.transaction()?)).await
    }

    /// Runs one durable transaction. A call that is canceled before it begins changes nothing; one
    /// that is canceled later is carried through, and [`Connections::write`] of any process waits
    /// for its end.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let writing = self.write_lock();
        let write = move |connection: &mut Connection, is_canceled: &dyn Fn() -> bool| {
            let _writing = writing.blocking_lock();
            // It rolls back when it is dropped.
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Checked while SQLite's lock is held: a later `write` cannot miss this transaction.
            if is_canceled() {
                return Err(Error::Canceled);
            }
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        self.writer.run(write).await
    }

    /// Runs work without a transaction, beside other writers.
    pub(super) async fn run_beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.run(|connection, _| work(connection)).await
    }

    /// Runs work without a transaction, while no other writer of this process runs.
    pub(super) async fn run_alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let writing = self.write_lock();
        let alone = move |connection: &mut Connection, _: &dyn Fn() -> bool| {
            let _writing = writing.blocking_lock();
            work(connection)
        };
        self.writer.run(alone).await
    }

    /// Closes the connections once their jobs are done; it blocks.
    pub(super) fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The queue, and the threads that read it.
type RunningThreads = (Sender<Job>, Vec<JoinHandle<()>>);

/// Threads that take jobs from one queue and run them on their connections.
#[derive(Debug)]
struct ConnectionThreads {
    running: Mutex<Option<RunningThreads>>,
}

impl ConnectionThreads {
    /// Starts a thread for each connection.
    fn start(connections: Vec<Connection>) -> Result<ConnectionThreads> {
        let (sender, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let start = |connection| {
            let receiver = Arc::clone(&receiver);
            let builder = thread::Builder::new().name("catalog".to_string());
            builder.spawn(move || run_jobs(connection, &receiver))
        };
        let threads: std::io::Result<Vec<_>> = connections.into_iter().map(start).collect();
        let threads = threads
            .map_err(|error| Error::Internal(format!("start a thread of the catalog: {error}")))?;
        Ok(ConnectionThreads { running: Mutex::new(Some((sender, threads))) })
    }

    /// Runs work on a connection and returns its value. `work` gets a function that returns whether
    /// the caller was canceled; work that has begun runs to its end in any case.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &dyn Fn() -> bool) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, value) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !reply.is_closed() {
                let done = work(connection, &|| reply.is_closed());
                // A canceled caller needs no value.
                let _ = reply.send(done);
            }
        });
        let closed = || Error::Internal("the catalog is closed".to_string());
        {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let (sender, _) = running.as_ref().ok_or_else(closed)?;
            sender.send(job).map_err(|_| closed())?;
        }
        let panicked = |_| Error::Internal("work on the catalog panicked".to_string());
        value.await.map_err(panicked)?
    }

    /// Closes the connections once their jobs are done.
    fn close(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, threads)) = running {
            drop(sender);
            // A thread catches the panics of its jobs.
            threads.into_iter().for_each(|thread| drop(thread.join()));
        }
    }
}

/// Runs jobs until the queue is closed and empty.
fn run_jobs(mut connection: Connection, queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { break };
        // Unwinding rolls the transaction back and leaves the connection usable; the caller sees
        // that the reply is missing.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
    }
    // Everything that was committed is durable, however the connection ends.
    let _ = connection.close();
}

/// Opens a connection, creating the file where it is missing.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    // Other threads have connections of their own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    for (name, value) in LOG_PRAGMAS {
        connection.pragma_update(None, name, value)?;
    }
    Ok(connection)
}

/// The rows of a query.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_and_then(parameters, read)?.collect()
}

/// The first row of a query, if there is one.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query(parameters)?.next()?.map(read).transpose()
}

/// Whether a query has a row.
pub(super) fn exists(connection: &Connection, sql: &str, parameters: impl Params) -> Result<bool> {
    Ok(connection.prepare_cached(sql)?.exists(parameters)?)
}

/// Runs a statement and returns how many rows it changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<usize> {
    Ok(connection.prepare_cached(sql)?.execute(parameters)?)
}
