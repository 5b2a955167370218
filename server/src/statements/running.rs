//! The statements that run: a few at once, others wait for a place, and a spare worker is started
//! before it is needed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mrrow_engine::Snapshot;
use mrrow_engine::budget::{Budget, Permit};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::child::WorkerProcess;
use super::failure::StatementFailure;
use super::protocol::{Statement, StatementEvent, WorkerFrame, WorkerRequest, encode_request};
use crate::config::{SqlLimits, SqlWorker};

/// The state of the room; cheap to clone.
#[derive(Clone)]
pub(crate) struct Statements {
    limits: Arc<SqlLimits>,
    worker: Option<Arc<SqlWorker>>,
    places: Budget,
    spare: Arc<Mutex<Option<WorkerProcess>>>,
}

/// The right to run a statement, until it is dropped.
pub(crate) struct StatementPlace(#[allow(dead_code, reason = "it is held")] Permit);

/// A statement that runs; dropping it kills its process.
pub(crate) struct RunningStatement {
    process: WorkerProcess,
    time: Duration,
    time_left: Duration,
    /// Keeps the files that the worker reads.
    snapshot: Arc<Snapshot>,
    _place: StatementPlace,
}

impl Statements {
    pub(crate) fn new(worker: Option<SqlWorker>, limits: SqlLimits) -> Statements {
        let places = Budget::new(limits.at_once.max(1) as u64).with_waiting_max(limits.waiting);
        Statements {
            limits: Arc::new(limits),
            worker: worker.map(Arc::new),
            places,
            spare: Arc::default(),
        }
    }

    pub(crate) fn limits(&self) -> &SqlLimits {
        &self.limits
    }

    /// Waits for a place among the statements that run, if few others wait and for a limited time.
    pub(crate) async fn place(&self) -> Result<StatementPlace, StatementFailure> {
        if self.worker.is_none() {
            return Err(StatementFailure::Unavailable);
        }
        match timeout(self.limits.wait_time, self.places.take(1)).await {
            Ok(Ok(permit)) => Ok(StatementPlace(permit)),
            Ok(Err(_)) | Err(_) => Err(StatementFailure::Busy),
        }
    }

    /// Starts a statement on a snapshot.
    pub(crate) async fn start(
        &self,
        place: StatementPlace,
        statement: Statement,
        snapshot: Arc<Snapshot>,
    ) -> Result<RunningStatement, StatementFailure> {
        let time = statement.time;
        let request = WorkerRequest {
            statement,
            snapshot: snapshot.portable(),
            memory_bytes: self.limits.memory_bytes,
            threads: self.limits.threads,
        };
        let request = encode_request(&request)
            .map_err(|error| StatementFailure::internal(error.to_string()))?;
        let mut process = self.worker_process().await?;
        if !process.send(&request).await? {
            // The spare worker may have been killed since it was started: try a new one.
            process = self.worker_process().await?;
            if !process.send(&request).await? {
                return Err(process.cause_of_death(time).await);
            }
        }
        let statements = self.clone();
        tokio::spawn(async move { statements.start_spare().await });
        Ok(RunningStatement { process, time, time_left: time, snapshot, _place: place })
    }

    /// The spare worker, or a new one.
    async fn worker_process(&self) -> Result<WorkerProcess, StatementFailure> {
        if let Some(process) = self.spare.lock().await.take() {
            return Ok(process);
        }
        let worker = self.worker.as_deref().ok_or(StatementFailure::Unavailable)?;
        WorkerProcess::spawn(worker).map_err(|error| {
            StatementFailure::internal(format!("start a statement's process: {error}"))
        })
    }

    /// Starts a spare worker, unless there is one.
    async fn start_spare(&self) {
        let Some(worker) = self.worker.as_deref() else { return };
        let mut spare = self.spare.lock().await;
        if spare.is_none() {
            match WorkerProcess::spawn(worker) {
                Ok(process) => *spare = Some(process),
                Err(error) => tracing::warn!(%error, "start a spare process for statements"),
            }
        }
    }
}

impl RunningStatement {
    /// The snapshot that is read.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The next event, within the statement's time. The time between two calls is not counted.
    pub(crate) async fn next(&mut self) -> Result<StatementEvent, StatementFailure> {
        let started = Instant::now();
        let frame = timeout(self.time_left, self.process.next_frame()).await;
        self.time_left = self.time_left.saturating_sub(started.elapsed());
        match frame {
            Ok(Ok(Some(WorkerFrame::Event(event)))) => Ok(event),
            Ok(Ok(Some(WorkerFrame::Failure(failure)))) => Err(failure),
            Ok(Ok(Some(WorkerFrame::Confined))) => {
                Err(StatementFailure::internal("the SQL worker is confined twice"))
            }
            Ok(Ok(None)) => Err(self.process.cause_of_death(self.time).await),
            Ok(Err(error)) => {
                Err(StatementFailure::internal(format!("read a statement's answer: {error}")))
            }
            Err(_) => Err(StatementFailure::Timeout(self.time)),
        }
    }
}
