//! `mrrow sources`: the data sources.

use std::io::{Write, stderr, stdout};

use mrrow_engine::Engine;
use mrrow_engine::sources::{DataSource, NewDataSource};
use mrrow_server::local::{LocalClient, ResetRequest};

use super::listing::{self, instant, text};
use crate::args::{CreateSourceArgs, SourcesCommand};
use crate::exit::{Code, Failure};
use crate::output::Format;
use crate::random;

pub(super) async fn run(engine: &Engine, command: &SourcesCommand) -> Result<Code, Failure> {
    match command {
        SourcesCommand::Create(args) => create(engine, args).await?,
        SourcesCommand::List(output) => list(&engine.data_sources().await?, output.format)?,
        SourcesCommand::Show { source, output } => {
            list(&[find(engine, source).await?], output.format)?;
        }
        SourcesCommand::Rename { source, name } => {
            let id = find(engine, source).await?.id;
            engine
                .update_data_source(&id, Some(name), None)
                .await?
                .ok_or_else(|| not_found(source))?;
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
    // The engine allows equal names; on the command line a second one is a mistake, since commands
    // find a source by its name.
    if engine.data_sources().await?.iter().any(|source| source.name == name) {
        return Err(Failure::other(format!(
            "\"{name}\" is already the name of a data source; use that data source, or choose \
             another name"
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
        "deleted {deleted} records of \"{}\"; earlier numbers can still be read with --known-at",
        source.name
    )?;
    Ok(())
}

async fn find(engine: &Engine, source: &str) -> Result<DataSource, Failure> {
    engine.data_source(source).await?.ok_or_else(|| not_found(source))
}

fn not_found(source: &str) -> Failure {
    Failure::other(format!(
        "there is no data source \"{source}\"; \"mrrow sources list\" prints all data sources"
    ))
}

fn list(sources: &[DataSource], format: Option<Format>) -> Result<(), Failure> {
    listing::print(
        format,
        [
            ("id", text(sources, |source| Some(source.id.clone()))),
            ("name", text(sources, |source| Some(source.name.clone()))),
            ("kind", text(sources, |source| Some(source.kind.clone()))),
            ("created_at", text(sources, |source| Some(instant(source.created_at)))),
            ("updated_at", text(sources, |source| Some(instant(source.updated_at)))),
        ],
    )
}
