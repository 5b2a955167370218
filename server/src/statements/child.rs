//! The server's side of a child: begun, told what to do, listened to, and ended when nobody waits
//! for it any more.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use mrrow_engine::Snapshot;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::failure;
use super::wire::{self, Frame, Job, Statement};
use crate::app::App;
use crate::config::{SqlLimits, SqlWorker};
use crate::error::{ApiError, Result};

/// What is read of what a child says besides: enough for the reason of its death.
const SAID_BYTES_MAX: u64 = 8 * 1024;
/// How long a child that said nothing more may take to end.
const END_TIME: Duration = Duration::from_secs(1);
/// How long a child may take to begin and to take its request.
const TAKE_TIME: Duration = Duration::from_secs(20);
/// How soon a statement that found no place may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The children: so many at once, and a spare one that is begun before it is needed.
pub(crate) struct Workers {
    worker: Option<SqlWorker>,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    spare: Mutex<Option<Process>>,
}

/// A process that waits for a request, or works on one. It is killed when this is dropped.
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

/// The right to run a statement.
pub(crate) struct Place(#[allow(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Workers {
    pub(crate) fn new(worker: Option<SqlWorker>, limits: &SqlLimits) -> Workers {
        let places = Arc::new(Semaphore::new(limits.at_once.max(1)));
        Workers { worker, places, waiting: AtomicUsize::new(0), spare: Mutex::default() }
    }

    /// A place among the statements that run, waited for not too long, with not too many others.
    pub(crate) async fn place(&self, limits: &SqlLimits) -> Result<Place> {
        if self.worker.is_none() {
            let message =
                "this server was begun without a program for statements; \"mrrow serve\" has one";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "sql_unavailable", message));
        }
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Place(place));
        }
        let busy = || {
            let message = "too many statements are at work; send it again in a second";
            ApiError::try_again("overloaded", message, RETRY_AFTER)
        };
        let _waiting = Waiting::among(&self.waiting, limits.waiting).ok_or_else(busy)?;
        match timeout(limits.wait_time, Arc::clone(&self.places).acquire_owned()).await {
            Ok(place) => Ok(Place(place.map_err(ApiError::internal)?)),
            Err(_) => Err(busy()),
        }
    }

    /// The spare process, or a new one.
    async fn process(&self) -> Result<Process> {
        match self.spare.lock().await.take() {
            Some(process) => Ok(process),
            None => self.begin().map_err(|error| {
                ApiError::internal(format!("begin a statement's process: {error}"))
            }),
        }
    }

    fn begin(&self) -> io::Result<Process> {
        let worker = self
            .worker
            .as_ref()
            .ok_or_else(|| io::Error::other("this server is not configured with one"))?;
        let mut child = Command::new(&worker.program)
            .args(&worker.arguments)
            .env_clear()
            // Address space is limited, and each arena takes much of it: glibc's, and mimalloc's,
            // which has a GiB set aside unless told how many KiB.
            .env("MALLOC_ARENA_MAX", "2")
            .env("MIMALLOC_ARENA_RESERVE", "65536")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => {
                Ok(Process { child, stdin, stdout: BufReader::new(stdout), stderr })
            }
            _ => Err(io::Error::other("a child has no pipes")),
        }
    }

    /// Begins a spare process, if there is none.
    async fn keep_spare(&self) {
        let mut spare = self.spare.lock().await;
        if spare.is_none() {
            match self.begin() {
                Ok(process) => *spare = Some(process),
                Err(error) => tracing::warn!(%error, "begin a spare process for statements"),
            }
        }
    }
}

/// One of those who wait, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicUsize, waiting_max: usize) -> Option<Waiting<'a>> {
        let others = waiting.fetch_add(1, Ordering::AcqRel);
        let one = Waiting(waiting);
        (others < waiting_max).then_some(one)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A statement at work.
pub(crate) struct Running {
    process: Process,
    time: Duration,
    time_left: Duration,
    snapshot: Arc<Snapshot>,
    _place: Place,
}

/// Begins a statement.
pub(crate) async fn start(
    app: &App,
    place: Place,
    statement: Statement,
    snapshot: Arc<Snapshot>,
) -> Result<Running> {
    let limits = &app.config.sql;
    let time = statement.time;
    let job = Job {
        statement,
        snapshot: snapshot.portable(),
        memory_bytes: limits.memory_bytes,
        threads: limits.threads,
    };
    let bytes = wire::job_bytes(&job).map_err(ApiError::internal)?;
    let mut process = app.sql.process().await?;
    if !process.take(&bytes).await? {
        // A spare one may have been ended by somebody.
        process = app.sql.process().await?;
        if !process.take(&bytes).await? {
            return Err(process.last_words(time).await);
        }
    }
    let next = app.clone();
    tokio::spawn(async move { next.sql.keep_spare().await });
    Ok(Running { process, time, time_left: time, snapshot, _place: place })
}

impl Process {
    /// Gives it its request; false when it is not there to take it.
    async fn take(&mut self, bytes: &[u8]) -> Result<bool> {
        let taking = async {
            self.stdin.write_all(bytes).await?;
            self.stdin.flush().await?;
            self.frame().await
        };
        match timeout(TAKE_TIME, taking).await {
            Ok(Ok(Some(Frame::Taken))) => Ok(true),
            Ok(Ok(Some(Frame::Failure(failure)))) => Err(failure::told(failure)),
            Ok(Ok(Some(_))) => {
                Err(ApiError::internal("a statement's process answers before it is asked"))
            }
            Ok(Ok(None) | Err(_)) => Ok(false),
            Err(_) => Err(ApiError::internal("a statement's process does not begin")),
        }
    }

    /// The next frame; none when the child has ended without one.
    async fn frame(&mut self) -> io::Result<Option<Frame>> {
        let mut head = [0; 5];
        match self.stdout.read_exact(&mut head).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let (is_word, length) = wire::frame_head(head)?;
        let mut body = vec![0; length];
        match self.stdout.read_exact(&mut body).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => read.and_then(|_| wire::frame(is_word, body).map(Some)),
        }
    }

    /// Why the child died, as far as it can be known.
    async fn last_words(&mut self, time: Duration) -> ApiError {
        let mut said = Vec::new();
        let mut saying = (&mut self.stderr).take(SAID_BYTES_MAX);
        // What it did not say in time is not waited for.
        let _ = timeout(END_TIME, saying.read_to_end(&mut said)).await;
        let status = timeout(END_TIME, self.child.wait()).await.ok().and_then(io::Result::ok);
        failure::died(status, &String::from_utf8_lossy(&said), time)
    }
}

impl Running {
    /// The snapshot that is read.
    pub(crate) fn snapshot(&self) -> i64 {
        self.snapshot.id()
    }

    /// What the child says next, within the statement's time.
    pub(crate) async fn next(&mut self) -> Result<Frame> {
        let begun = Instant::now();
        let frame = timeout(self.time_left, self.process.frame()).await;
        self.time_left = self.time_left.saturating_sub(begun.elapsed());
        match frame {
            Ok(Ok(Some(Frame::Failure(failure)))) => Err(failure::told(failure)),
            Ok(Ok(Some(frame))) => Ok(frame),
            Ok(Ok(None)) => Err(self.process.last_words(self.time).await),
            Ok(Err(error)) => Err(ApiError::internal(format!("listen to a statement: {error}"))),
            Err(_) => Err(failure::timeout(self.time)),
        }
    }
}
