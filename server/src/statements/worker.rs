//! The child: it reads one statement from standard input, gives up what it does not need, and
//! writes the answer to standard output.

use std::io::{self, Read, StdoutLock, Write};
use std::process::ExitCode;
use std::thread;

use futures::TryStreamExt;
use mrrow_engine::Error;
use mrrow_engine::arrow::datatypes::SchemaRef;

use super::confine::{FILE_THREADS, STACK_BYTES, confine};
use super::types::type_name;
use super::wire::{End, Failure, FailureKind, Frame, Job, Statement, read_job, write_frame};
use crate::rows::{Encoder, Format, JsonRow, json_text};

/// The share of a statement's memory that its sorts, joins and groups may reserve, in percent; the
/// rest is for what is not reserved.
const RESERVED_PERCENT: usize = 75;

/// Carries out one statement. It is meant for a process of its own, which ends with it: it limits
/// the whole process, and reads standard input until that is closed.
pub fn run() -> ExitCode {
    let job = match read_job(&mut io::stdin().lock()) {
        Ok(job) => job,
        // A spare child that is not needed any more.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return ExitCode::SUCCESS,
        Err(error) => return fail(FailureKind::Internal, format!("read the request: {error}")),
    };
    if let Err(error) = confine(&job) {
        return fail(FailureKind::Internal, error.to_string());
    }
    if write_frame(&mut io::stdout().lock(), &Frame::Taken).is_err() {
        return ExitCode::FAILURE;
    }
    thread::spawn(end_with_the_server);
    let running = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || carry_out(job));
    match running.map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_panic)) => fail(
            FailureKind::Invalid,
            "the statement made the query engine fail; write it in another way",
        ),
        Err(error) => {
            fail(FailureKind::Limit, format!("start a thread for the statement: {error}"))
        }
    }
}

/// Standard input is closed when the server has no use for the answer any more, or is gone.
fn end_with_the_server() {
    let mut nothing = [0; 64];
    while matches!(io::stdin().lock().read(&mut nothing), Ok(1..)) {}
    std::process::exit(0);
}

fn fail(kind: FailureKind, message: impl Into<String>) -> ExitCode {
    let told = write_frame(
        &mut io::stdout().lock(),
        &Frame::Failure(Failure { kind, message: message.into() }),
    );
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn carry_out(job: Job) -> ExitCode {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(job.threads)
        .max_blocking_threads(FILE_THREADS)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(FailureKind::Limit, format!("start threads for the statement: {error}"));
        }
    };
    let mut out = io::stdout().lock();
    let ended = match runtime.block_on(answer(job, &mut out)) {
        Ok(end) => Frame::End(end),
        Err(Stop::NobodyReads) => return ExitCode::SUCCESS,
        Err(Stop::Failed(failure)) => Frame::Failure(failure),
    };
    let told = write_frame(&mut out, &ended);
    drop(out);
    // What still runs ends with the process.
    runtime.shutdown_background();
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Why an answer was not finished.
enum Stop {
    NobodyReads,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let kind = match error {
            Error::Sql(_) => FailureKind::Invalid,
            Error::SqlNotAllowed(_) => FailureKind::NotAllowed,
            Error::SqlTooLarge(_) => FailureKind::Limit,
            _ => FailureKind::Internal,
        };
        Failure { kind, message: error.to_string() }
    }
}

async fn answer(job: Job, out: &mut StdoutLock<'_>) -> Result<End, Stop> {
    let Job { statement, snapshot, memory_bytes, threads } = job;
    let snapshot =
        snapshot.open(memory_bytes / 100 * RESERVED_PERCENT, threads).map_err(Failure::from)?;
    let mut rows = snapshot.sql(&statement.sql).await.map_err(Failure::from)?;
    let mut encoder = begin(&statement, &rows.schema())?;
    let (mut row_count, mut truncated) = (0, false);
    while let Some(batch) =
        rows.try_next().await.map_err(|error| Failure::from(Error::of_statement(error)))?
    {
        let left = statement.rows_max.map_or(u64::MAX, |rows_max| rows_max - row_count);
        truncated = batch.num_rows() as u64 > left;
        let batch = if truncated { batch.slice(0, left as usize) } else { batch };
        row_count += batch.num_rows() as u64;
        send(out, encoder.write(&batch).map_err(not_in_this_form)?)?;
        if truncated {
            break;
        }
    }
    let suffix = format!(
        "],\"row_count\":{row_count},\"truncated\":{truncated},\"snapshot\":{}}}",
        snapshot.id()
    );
    send(out, encoder.finish(Some(suffix)).map_err(not_in_this_form)?)?;
    Ok(End { truncated })
}

fn begin(statement: &Statement, schema: &SchemaRef) -> Result<Encoder, Failure> {
    if statement.format == Format::Json {
        let column = |field: &mrrow_engine::arrow::datatypes::Field| {
            let (name, kind) = (json_text(field.name()), json_text(&type_name(field.data_type())));
            format!("{{\"name\":{name},\"type\":{kind}}}")
        };
        let columns: Vec<String> = schema.fields().iter().map(|field| column(field)).collect();
        let prefix = format!("{{\"columns\":[{}],\"rows\":[", columns.join(","));
        return Encoder::begin(statement.format, schema, JsonRow::Array, (prefix, String::new()))
            .map_err(not_in_this_form);
    }
    Encoder::begin(statement.format, schema, JsonRow::Object, Default::default())
        .map_err(not_in_this_form)
}

fn not_in_this_form(error: impl std::fmt::Display) -> Failure {
    let message = format!(
        "the answer has a value that this form has no room for: {error}; cast it, or ask for another form"
    );
    Failure { kind: FailureKind::Invalid, message }
}

fn send(out: &mut StdoutLock<'_>, bytes: Vec<u8>) -> Result<(), Stop> {
    if bytes.is_empty() {
        return Ok(());
    }
    write_frame(out, &Frame::Data(bytes)).map_err(|_| Stop::NobodyReads)?;
    out.flush().map_err(|_| Stop::NobodyReads)
}
