//! `mrrow delete`: records are deleted by their ids.

use mrrow_engine::{Engine, RowStatus};

use super::push;
use crate::args::DeleteArgs;
use crate::exit::{Code, Failure};

pub(super) async fn run(engine: &Engine, args: &DeleteArgs) -> Result<Code, Failure> {
    let deleted = engine.delete(&args.source, args.object, &args.ids).await?;
    push::print(&deleted)?;
    engine.flush().await?;
    let missing: Vec<_> = deleted.result.iter().filter(|row| row.status == RowStatus::NotFound).collect();
    if missing.is_empty() {
        return Ok(Code::Done);
    }
    let ids: Vec<_> = missing.iter().map(|row| format!("\"{}\"", row.id)).collect();
    Err(Failure::other(format!("data source \"{}\" has no {} {}", args.source, args.object, ids.join(", "))))
}
