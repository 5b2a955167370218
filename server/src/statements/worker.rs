//! The worker process: reads one statement from stdin, confines itself, and writes the answer to
//! stdout.

use std::io::{self, Read, StdoutLock, Write};
use std::process::ExitCode;
use std::thread;

use futures::TryStreamExt;
use mrrow_engine::Error;
use mrrow_engine::arrow::datatypes::Schema;

use super::confine::{FILE_THREADS, STACK_BYTES, confine};
use super::failure::StatementFailure;
use super::protocol::{
    StatementColumn, StatementEnd, StatementEvent, WorkerFrame, WorkerRequest, read_request,
    write_frame,
};
use crate::rows::{JsonRow, RowEncoder, sql_type_name};

/// The part of a statement's memory that its sorts, joins and groups may reserve, in percent. The
/// rest is for memory that is not accounted.
const RESERVED_PERCENT: usize = 75;

/// Runs one statement. It limits the whole process, and reads stdin until that is closed: call it
/// in a process of its own, and exit with its result.
pub fn run() -> ExitCode {
    let request = match read_request(&mut io::stdin().lock()) {
        Ok(request) => request,
        // The server dropped a spare worker.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return ExitCode::SUCCESS,
        Err(error) => {
            return fail(StatementFailure::internal(format!("read the request: {error}")));
        }
    };
    if let Err(error) = confine(&request) {
        return fail(StatementFailure::internal(error.to_string()));
    }
    if write_frame(&mut io::stdout().lock(), &WorkerFrame::Confined).is_err() {
        return ExitCode::FAILURE;
    }
    thread::spawn(exit_when_stdin_closes);
    let running =
        thread::Builder::new().stack_size(STACK_BYTES).spawn(move || run_request(request));
    match running.map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_panic)) => {
            let message = "the statement made the query engine fail; write it in another way";
            fail(StatementFailure::Invalid(message.to_string()))
        }
        Err(error) => fail(threads_failed(&error)),
    }
}

/// The server closes stdin when it needs no more of the answer; it also closes when the server
/// dies.
fn exit_when_stdin_closes() {
    let mut ignored = [0; 64];
    while matches!(io::stdin().lock().read(&mut ignored), Ok(1..)) {}
    std::process::exit(0);
}

fn fail(failure: StatementFailure) -> ExitCode {
    let sent = write_frame(&mut io::stdout().lock(), &WorkerFrame::Failure(failure));
    if sent.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn threads_failed(error: &io::Error) -> StatementFailure {
    StatementFailure::Limit(format!("start threads for the statement: {error}"))
}

fn run_request(request: WorkerRequest) -> ExitCode {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(request.threads)
        .max_blocking_threads(FILE_THREADS)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(threads_failed(&error)),
    };
    let mut out = io::stdout().lock();
    let last_frame = match runtime.block_on(send_answer(request, &mut out)) {
        Ok(end) => WorkerFrame::Event(StatementEvent::End(end)),
        Err(Stop::ReaderGone) => return ExitCode::SUCCESS,
        Err(Stop::Failed(failure)) => WorkerFrame::Failure(failure),
    };
    let sent = write_frame(&mut out, &last_frame);
    drop(out);
    // Tasks that still run end with the process.
    runtime.shutdown_background();
    if sent.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Why an answer has no end.
enum Stop {
    ReaderGone,
    Failed(StatementFailure),
}

impl From<StatementFailure> for Stop {
    fn from(failure: StatementFailure) -> Stop {
        Stop::Failed(failure)
    }
}

async fn send_answer(
    request: WorkerRequest,
    out: &mut StdoutLock<'_>,
) -> Result<StatementEnd, Stop> {
    let WorkerRequest { statement, snapshot, memory_bytes, threads } = request;
    let snapshot = snapshot
        .open(memory_bytes / 100 * RESERVED_PERCENT, threads)
        .map_err(StatementFailure::from)?;
    let mut rows = snapshot.sql(&statement.sql).await.map_err(StatementFailure::from)?;
    let mut encoder = RowEncoder::new(statement.format, &rows.schema(), JsonRow::Array, "")
        .map_err(not_encodable)?;
    send(out, StatementEvent::Columns(columns(&rows.schema())))?;
    let mut end = StatementEnd { row_count: 0, truncated: false };
    let failed = |error| StatementFailure::from(Error::of_statement(error));
    while let Some(batch) = rows.try_next().await.map_err(failed)? {
        let left = statement.rows_max.map_or(u64::MAX, |rows_max| rows_max - end.row_count);
        end.truncated = batch.num_rows() as u64 > left;
        let batch = if end.truncated { batch.slice(0, left as usize) } else { batch };
        end.row_count += batch.num_rows() as u64;
        send_rows(out, encoder.write(&batch).map_err(not_encodable)?)?;
        if end.truncated {
            break;
        }
    }
    send_rows(out, encoder.finish("").map_err(not_encodable)?)?;
    Ok(end)
}

fn columns(schema: &Schema) -> Vec<StatementColumn> {
    let column = |field: &mrrow_engine::arrow::datatypes::FieldRef| StatementColumn {
        name: field.name().clone(),
        sql_type: sql_type_name(field.data_type()),
    };
    schema.fields().iter().map(column).collect()
}

fn not_encodable(error: impl std::fmt::Display) -> StatementFailure {
    StatementFailure::Invalid(format!(
        "the answer has a value that this format does not support: {error}; cast it, or choose \
         another format"
    ))
}

fn send_rows(out: &mut StdoutLock<'_>, bytes: Vec<u8>) -> Result<(), Stop> {
    if bytes.is_empty() {
        return Ok(());
    }
    send(out, StatementEvent::Rows(bytes))
}

fn send(out: &mut StdoutLock<'_>, event: StatementEvent) -> Result<(), Stop> {
    write_frame(out, &WorkerFrame::Event(event)).map_err(|_| Stop::ReaderGone)?;
    out.flush().map_err(|_| Stop::ReaderGone)
}
