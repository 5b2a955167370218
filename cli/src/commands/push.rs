//! `mrrow push`: sends records in small requests, each with an acknowledgement.

use std::fs::File;
use std::io::{Read, Write};

use mrrow_engine::push::{PushOptions, PushResult};
use mrrow_engine::{Engine, RowStatus};
use mrrow_server::local::{LocalClient, PushRequest};

use super::import::field_renames;
use crate::args::PushArgs;
use crate::exit::{Code, Failure};

/// Counts over all requests.
#[derive(Default)]
struct PushTotals {
    requests: u64,
    stored: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    rejected: u64,
}

pub(super) async fn run(engine: &Engine, args: &PushArgs) -> Result<Code, Failure> {
    let options = PushOptions {
        map: field_renames(&args.map)?,
        format: args.input_format,
        on_error: args.on_error,
        ..PushOptions::default()
    };
    let input = input(&args.path)?;
    let mut totals = PushTotals::default();
    let mut printed = Ok(());
    let acknowledged = |pushed: PushResult| {
        totals.add(&pushed);
        // A closed standard output does not undo an acknowledgement: go on without printing.
        if printed.is_ok() {
            printed = print(&pushed);
        }
    };
    push(engine, args, options, input, acknowledged).await?;
    printed?;
    totals.report(&mut std::io::stderr())?;
    Ok(if totals.rejected > 0 { Code::Rejected } else { Code::Done })
}

/// Pushes and publishes in this process, or in the server that holds the directory.
async fn push(
    engine: &Engine,
    args: &PushArgs,
    options: PushOptions,
    input: Box<dyn Read + Send>,
    mut acknowledged: impl FnMut(PushResult),
) -> Result<(), Failure> {
    let rows_each = args.batch as usize;
    if let Some(server) = LocalClient::connect(engine).await {
        let PushOptions { map, format, on_error, .. } = options;
        let data_source = args.source.clone();
        let request =
            PushRequest { data_source, object: args.object, rows_each, map, format, on_error };
        return Ok(server.push(&request, input, acknowledged).await?);
    }
    let acknowledge = |pushed| {
        acknowledged(pushed);
        Ok(())
    };
    engine.push_stream(&args.source, args.object, input, rows_each, &options, acknowledge).await?;
    Ok(engine.flush().await?)
}

fn input(path: &str) -> Result<Box<dyn Read + Send>, Failure> {
    if path == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    let file =
        File::open(path).map_err(|error| Failure::usage(format!("open \"{path}\": {error}")))?;
    Ok(Box::new(file))
}

/// Prints an acknowledgement and flushes it, so that a reader in a pipe gets it at once.
pub(super) fn print(pushed: &PushResult) -> Result<(), Failure> {
    let json = serde_json::to_string(pushed).map_err(|error| Failure::other(error.to_string()))?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{json}")?;
    Ok(stdout.flush()?)
}

impl PushTotals {
    fn add(&mut self, pushed: &PushResult) {
        self.requests += 1;
        self.rejected += pushed.rejections.len() as u64;
        if !pushed.stored {
            return;
        }
        self.stored += 1;
        for row in &pushed.result {
            match row.status {
                RowStatus::Created => self.created += 1,
                RowStatus::Updated => self.updated += 1,
                _ => self.unchanged += 1,
            }
        }
    }

    fn report(&self, out: &mut impl Write) -> Result<(), Failure> {
        let PushTotals { requests, stored, created, updated, unchanged, rejected } = self;
        writeln!(
            out,
            "{stored} of {requests} requests stored: {created} created, {updated} updated, \
             {unchanged} unchanged; {rejected} rows rejected"
        )?;
        Ok(())
    }
}
