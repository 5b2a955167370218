//! `mrrow import`: files or standard input, as one snapshot.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use mrrow_engine::Engine;
use mrrow_engine::import::{
    Content, ImportOptions, ImportSummary, Input, OnError, RejectedRow, inputs_of_path,
};
use mrrow_engine::model::ObjectType;
use mrrow_server::local::LocalClient;

use crate::args::{self, ImportArgs};
use crate::beside;
use crate::exit::{Code, Failure};
use crate::progress;

pub(super) async fn run(engine: &Engine, args: &ImportArgs) -> Result<Code, Failure> {
    let inputs = inputs(args)?;
    let bar = progress::bar(total_bytes(&inputs));
    let options = ImportOptions {
        data_source: args.source.clone(),
        map: renames(&args.map)?,
        on_error: on_error(args.on_error),
        dry_run: args.dry_run,
        rejects: args.rejects.clone(),
        progress: Some(progress::listener(&bar)),
        ..ImportOptions::default()
    };
    let imported = import(engine, inputs, &options).await;
    bar.finish_and_clear();
    let summary = imported?;
    // The rows are stored or refused by now, and the exit code says so; a reader of standard error
    // that has gone changes neither.
    let _ = report(&summary, args, &mut std::io::stderr());
    if args.json {
        let json =
            serde_json::to_string(&summary).map_err(|error| Failure::other(error.to_string()))?;
        writeln!(std::io::stdout(), "{json}")?;
    }
    Ok(if summary.total().rejected > 0 { Code::Rejected } else { Code::Done })
}

/// Imports here, or by the server that holds the directory.
async fn import(
    engine: &Engine,
    inputs: Vec<Input>,
    options: &ImportOptions,
) -> Result<ImportSummary, Failure> {
    let Some(server) = LocalClient::connect(engine).await else {
        return Ok(engine.import(inputs, options).await?);
    };
    let (request, stream) = beside::import_request(inputs, options)?;
    let progress = |step| options.progress.iter().for_each(|listener| listener(step));
    Ok(server.import(&request, stream, progress).await?)
}

/// The inputs that were typed: a type's name is that of the paths after it.
fn inputs(args: &ImportArgs) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    let mut object: Option<ObjectType> = None;
    for (at, word) in args.paths.iter().enumerate() {
        let is_last = at + 1 == args.paths.len();
        if let Ok(named) = word.parse()
            && !(is_last && Path::new(word).exists())
        {
            if is_last {
                return Err(Failure::usage(format!(
                    "name a file of {named}, or - for standard input"
                )));
            }
            object = Some(named);
            continue;
        }
        if word == "-" {
            let content = Content::Stream(Box::new(std::io::stdin()));
            inputs.push(Input {
                name: "standard input".to_string(),
                object,
                format: None,
                content,
            });
            continue;
        }
        let path = Path::new(word);
        if !path.exists() {
            return Err(Failure::usage(format!("there is no file or directory \"{word}\"")));
        }
        match object {
            Some(object) if path.is_dir() => {
                let message = format!(
                    "\"{word}\" is a directory, whose files name their types; name a file of {object}"
                );
                return Err(Failure::usage(message));
            }
            Some(_) => inputs.push(Input::file(path, object)),
            None => inputs.extend(inputs_of_path(path)?),
        }
    }
    for input in &mut inputs {
        input.format = args.input_format.or(input.format);
    }
    Ok(inputs)
}

pub(super) fn on_error(choice: args::OnError) -> OnError {
    match choice {
        args::OnError::Abort => OnError::Abort,
        args::OnError::Skip => OnError::Skip,
    }
}

/// The renames; each name of ours and of theirs once.
pub(super) fn renames(pairs: &[(String, String)]) -> Result<HashMap<String, String>, Failure> {
    let mut map = HashMap::new();
    for (theirs, ours) in pairs {
        let taken = map.values().any(|other| other == ours);
        if taken || map.insert(theirs.clone(), ours.clone()).is_some() {
            return Err(Failure::usage(format!(
                "--map {theirs}={ours}: one of the two names is mapped already"
            )));
        }
    }
    Ok(map)
}

/// The bytes of all inputs, where all are files.
fn total_bytes(inputs: &[Input]) -> Option<u64> {
    inputs
        .iter()
        .map(|input| match &input.content {
            Content::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
            Content::Stream(_) => None,
        })
        .sum()
}

/// The summary, for eyes.
fn report(summary: &ImportSummary, args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    for rejected in &summary.rejections {
        report_rejection(rejected, out)?;
    }
    let total = summary.total();
    let shown = summary.rejections.len() as u64;
    if total.rejected > shown {
        let all = if args.rejects.is_some() {
            "in the rejects file"
        } else {
            "listed with --rejects FILE"
        };
        writeln!(out, "… and {} more rejected rows, all {all}", total.rejected - shown)?;
    }
    for (object, counts) in &summary.counts {
        writeln!(
            out,
            "{object}: {} read, {} accepted ({} created, {} updated, {} unchanged), {} rejected",
            counts.read,
            counts.accepted,
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.rejected
        )?;
    }
    for warning in &summary.warnings {
        let text = explanation(&warning.code);
        writeln!(
            out,
            "warning {}: {} rows, such as \"{}\": {text}",
            warning.code, warning.rows, warning.example
        )?;
    }
    if !summary.ignored_fields.is_empty() {
        let fields: Vec<_> = summary
            .ignored_fields
            .iter()
            .map(|(field, rows)| format!("{field} ({rows})"))
            .collect();
        writeln!(out, "ignored fields that are not ours: {}", fields.join(", "))?;
    }
    writeln!(out, "{}", outcome(summary, args))?;
    Ok(())
}

fn report_rejection(rejected: &RejectedRow, out: &mut impl Write) -> Result<(), Failure> {
    let rejection = &rejected.rejection;
    let line = rejection.line.map(|line| format!(":{line}")).unwrap_or_default();
    let id = rejection.id.as_ref().map(|id| format!(" \"{id}\"")).unwrap_or_default();
    for error in &rejection.errors {
        let value =
            error.value.as_ref().map(|value| format!(" (it is {value})")).unwrap_or_default();
        let (code, pointer) = (error.code.as_str(), &error.pointer);
        writeln!(
            out,
            "rejected {}{line}{id} {pointer} [{code}]: {}{value}",
            rejected.input, error.message
        )?;
    }
    Ok(())
}

fn explanation(code: &str) -> &'static str {
    match code {
        "unknown_plan" => "no MRR until that plan arrives",
        "currency_differs" => "the invoice's currency is used, not its plan's",
        "proration_without_period" => "no MRR: a proration needs period_start and period_end",
        "cancellation_amount" => "the amount of a cancellation is ignored",
        _ => "see the README",
    }
}

fn outcome(summary: &ImportSummary, args: &ImportArgs) -> String {
    match summary.snapshot {
        Some(snapshot) => format!("stored as snapshot {snapshot}"),
        None if !summary.stored
            && summary.total().rejected > 0
            && matches!(args.on_error, args::OnError::Abort) =>
        {
            "nothing was stored; mend the rejected rows, or store the others with --on-error skip"
                .to_string()
        }
        None if args.dry_run => "dry run: nothing was stored".to_string(),
        None if summary.total().accepted > 0 => {
            "nothing new: all of it was stored before".to_string()
        }
        None => "nothing to store".to_string(),
    }
}
