//! `mrrow compact`: merges small files and removes unused ones.

use std::io::Write;

use mrrow_engine::Engine;
use mrrow_server::local::LocalClient;

use crate::exit::{Code, Failure};

pub(super) async fn run(engine: &Engine) -> Result<Code, Failure> {
    let compaction = match LocalClient::connect(engine).await {
        Some(server) => server.compact().await?,
        None => engine.compact().await?,
    };
    writeln!(
        std::io::stderr(),
        "merged {} files into {} with {} rows; removed {} unused files",
        compaction.files_replaced,
        compaction.files_written,
        compaction.rows_written,
        compaction.files_removed
    )?;
    Ok(Code::Done)
}
