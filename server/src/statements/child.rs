//! The server's end of a worker process.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::failure::StatementFailure;
use super::protocol::{FrameHead, WorkerFrame};
use crate::config::SqlWorker;

/// Bytes of stderr that are read: enough for the cause of a worker's death.
const STDERR_BYTES_MAX: u64 = 8 * 1024;
/// The time for a worker without a last frame to exit.
const EXIT_TIME: Duration = Duration::from_secs(1);
/// The time for a worker to start, read its request and confine itself.
const CONFINE_TIME: Duration = Duration::from_secs(20);

/// A worker process; dropping it kills the process.
pub(super) struct WorkerProcess {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

impl WorkerProcess {
    /// Starts a worker, which waits for a request.
    pub(super) fn spawn(worker: &SqlWorker) -> io::Result<WorkerProcess> {
        let mut child = Command::new(&worker.program)
            .args(&worker.arguments)
            .env_clear()
            // The worker limits its address space, of which allocators reserve much: glibc for each
            // arena, mimalloc a GiB unless this says how many KiB.
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
                Ok(WorkerProcess { child, stdin, stdout: BufReader::new(stdout), stderr })
            }
            _ => Err(io::Error::other("a worker process has no pipes")),
        }
    }

    /// Sends the request and waits until the worker is confined; false if the process is dead.
    pub(super) async fn send(&mut self, request: &[u8]) -> Result<bool, StatementFailure> {
        let confined = async {
            self.stdin.write_all(request).await?;
            self.stdin.flush().await?;
            self.next_frame().await
        };
        match timeout(CONFINE_TIME, confined).await {
            Ok(Ok(Some(WorkerFrame::Confined))) => Ok(true),
            Ok(Ok(Some(WorkerFrame::Failure(failure)))) => Err(failure),
            Ok(Ok(Some(WorkerFrame::Event(_)))) => {
                let message = "the SQL worker answers before it is confined";
                Err(StatementFailure::internal(message))
            }
            Ok(Ok(None) | Err(_)) => Ok(false),
            Err(_) => Err(StatementFailure::internal("the SQL worker does not start")),
        }
    }

    /// The next frame; none if the process ended without a last frame.
    pub(super) async fn next_frame(&mut self) -> io::Result<Option<WorkerFrame>> {
        let mut head = [0; 5];
        match self.stdout.read_exact(&mut head).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let head = FrameHead::decode(head)?;
        let mut body = vec![0; head.length];
        match self.stdout.read_exact(&mut body).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => read.and_then(|_| head.decode_body(body).map(Some)),
        }
    }

    /// The cause of the process's death, as far as its exit status and stderr show it.
    pub(super) async fn cause_of_death(&mut self, time: Duration) -> StatementFailure {
        let mut stderr = Vec::new();
        let mut reader = (&mut self.stderr).take(STDERR_BYTES_MAX);
        // On a timeout, the bytes so far are used.
        let _ = timeout(EXIT_TIME, reader.read_to_end(&mut stderr)).await;
        let status = timeout(EXIT_TIME, self.child.wait()).await.ok().and_then(io::Result::ok);
        StatementFailure::of_exit(status, &String::from_utf8_lossy(&stderr), time)
    }
}
