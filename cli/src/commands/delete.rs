//! `mrrow delete`: deletes records by their ids.

use mrrow_engine::push::PushResult;
use mrrow_engine::{Engine, RowStatus};
use mrrow_server::local::{DeleteRequest, LocalClient};

use super::push;
use crate::args::DeleteArgs;
use crate::exit::{Code, Failure};

pub(super) async fn run(engine: &Engine, args: &DeleteArgs) -> Result<Code, Failure> {
    let deleted = delete(engine, args).await?;
    push::print(&deleted)?;
    engine.flush().await?;
    let missing: Vec<_> =
        deleted.result.iter().filter(|row| row.status == RowStatus::NotFound).collect();
    if missing.is_empty() {
        return Ok(Code::Done);
    }
    let ids: Vec<_> = missing.iter().map(|row| format!("\"{}\"", row.id)).collect();
    Err(Failure::other(format!(
        "data source \"{}\" has no {} {}",
        args.source,
        args.object,
        ids.join(", ")
    )))
}

/// Deletes in this process, or in the server that holds the directory.
async fn delete(engine: &Engine, args: &DeleteArgs) -> Result<PushResult, Failure> {
    let Some(server) = LocalClient::connect(engine).await else {
        return Ok(engine.delete(&args.source, args.object, &args.ids).await?);
    };
    let request = DeleteRequest {
        data_source: args.source.clone(),
        object: args.object,
        ids: args.ids.clone(),
    };
    Ok(server.delete(&request).await?)
}
