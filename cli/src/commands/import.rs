//! `mrrow import`: imports files or standard input as one snapshot.

mod inputs;
mod progress_bar;
mod summary;

use std::collections::HashMap;
use std::io::Write;

use mrrow_engine::Engine;
use mrrow_engine::import::{ImportOptions, ImportSummary, Input};
use mrrow_server::local::LocalClient;

use super::running_server;
use crate::args::ImportArgs;
use crate::exit::{Code, Failure};

pub(super) async fn run(engine: &Engine, args: &ImportArgs) -> Result<Code, Failure> {
    let inputs = inputs::parse(args)?;
    let bar = progress_bar::new(inputs::total_bytes(&inputs));
    let options = ImportOptions {
        data_source: args.source.clone(),
        map: field_renames(&args.map)?,
        on_error: args.on_error,
        dry_run: args.dry_run,
        rejects: args.rejects.clone(),
        progress: Some(progress_bar::listener(&bar)),
        ..ImportOptions::default()
    };
    let imported = import(engine, inputs, &options).await;
    bar.finish_and_clear();
    let summary = imported?;
    // The import is complete: a closed standard error must not change its exit code.
    let _ = summary::print(&summary, args, &mut std::io::stderr());
    if args.json {
        let json =
            serde_json::to_string(&summary).map_err(|error| Failure::other(error.to_string()))?;
        writeln!(std::io::stdout(), "{json}")?;
    }
    Ok(if summary.total().rejected > 0 { Code::Rejected } else { Code::Done })
}

/// Imports in this process, or in the server that holds the directory.
async fn import(
    engine: &Engine,
    inputs: Vec<Input>,
    options: &ImportOptions,
) -> Result<ImportSummary, Failure> {
    let Some(server) = LocalClient::connect(engine).await else {
        return Ok(engine.import(inputs, options).await?);
    };
    let (request, stream) = running_server::import_request(inputs, options)?;
    let progress = |step| options.progress.iter().for_each(|listener| listener(step));
    Ok(server.import(&request, stream, progress).await?)
}

/// The renames of `--map`; each name may stand in one rename only.
pub(super) fn field_renames(
    pairs: &[(String, String)],
) -> Result<HashMap<String, String>, Failure> {
    let mut map = HashMap::new();
    for (theirs, ours) in pairs {
        let taken = map.values().any(|other| other == ours);
        if taken || map.insert(theirs.clone(), ours.clone()).is_some() {
            return Err(Failure::usage(format!(
                "--map {theirs}={ours}: one of the two names is already mapped"
            )));
        }
    }
    Ok(map)
}
