//! `mrrow sources`: where records come from.

use std::io::{Write, stderr, stdout};
use std::sync::Arc;

use mrrow_engine::Engine;
use mrrow_engine::arrow::array::{ArrayRef, RecordBatch, StringArray};
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::sources::{DataSource, NewDataSource};
use mrrow_server::local::{LocalClient, ResetRequest};

use crate::args::{CreateSourceArgs, OutputArgs, SourcesCommand};
use crate::exit::{Code, Failure};
use crate::moment::shown;
use crate::output::Output;
use crate::random;

pub(super) async fn run(engine: &Engine, command: &SourcesCommand) -> Result<Code, Failure> {
    match command {
        SourcesCommand::Create(args) => create(engine, args).await?,
        SourcesCommand::List(output) => print(output, &engine.data_sources().await?)?,
        SourcesCommand::Show { source, output } => print(output, &[find(engine, source).await?])?,
        SourcesCommand::Rename { source, name } => {
            let id = find(engine, source).await?.id;
            engine
                .update_data_source(&id, Some(name), None)
                .await?
                .ok_or_else(|| is_missing(source))?;
        }
        SourcesCommand::Reset { source } => {
            let source = find(engine, source).await?;
            reset(engine, &source).await?;
        }
        SourcesCommand::Delete { source, with_data } => {
            let source = find(engine, source).await?;
            if *with_data {
                reset(engine, &source).await?;
            }
            engine.delete_data_source(&source.id).await?;
        }
    }
    Ok(Code::Done)
}

async fn create(engine: &Engine, args: &CreateSourceArgs) -> Result<(), Failure> {
    let CreateSourceArgs { name, id, kind } = args.clone();
    // Here a name is what a source is called by; a second one is a mistake.
    if engine.data_sources().await?.iter().any(|source| source.name == name) {
        return Err(Failure::other(format!(
            "\"{name}\" is the name of a data source already; use that one, or another name"
        )));
    }
    let source =
        engine.create_data_source(NewDataSource { id, name, kind }, random::bytes()?).await?;
    writeln!(stdout(), "{}", source.id)?;
    Ok(())
}

async fn reset(engine: &Engine, source: &DataSource) -> Result<(), Failure> {
    let deleted = match LocalClient::connect(engine).await {
        Some(server) => server.reset(&ResetRequest { data_source: source.id.clone() }).await?,
        None => engine.reset_data_source(&source.id, |_| {}).await?,
    };
    writeln!(
        stderr(),
        "{deleted} records of \"{}\" are deleted; what was known before stays known",
        source.name
    )?;
    Ok(())
}

async fn find(engine: &Engine, source: &str) -> Result<DataSource, Failure> {
    engine.data_source(source).await?.ok_or_else(|| is_missing(source))
}

fn is_missing(source: &str) -> Failure {
    Failure::other(format!(
        "there is no data source \"{source}\"; \"mrrow sources list\" shows those there are"
    ))
}

fn print(output: &OutputArgs, sources: &[DataSource]) -> Result<(), Failure> {
    let rows = rows(sources).map_err(|error| Failure::other(error.to_string()))?;
    let mut output = Output::begin(output.format, rows.schema())?;
    output.write(&rows)?;
    output.finish()
}

fn rows(sources: &[DataSource]) -> Result<RecordBatch, ArrowError> {
    let text = |value: fn(&DataSource) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(sources.iter().map(value)))
    };
    RecordBatch::try_from_iter([
        ("id", text(|source| source.id.clone())),
        ("name", text(|source| source.name.clone())),
        ("kind", text(|source| source.kind.clone())),
        ("created_at", text(|source| shown(source.created_at))),
        ("updated_at", text(|source| shown(source.updated_at))),
    ])
}
