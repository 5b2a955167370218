//! `mrrow compact`: small files become few.

use std::io::Write;

use mrrow_engine::Engine;
use mrrow_server::local::LocalClient;

use crate::exit::{Code, Failure};

pub(super) async fn run(engine: &Engine) -> Result<Code, Failure> {
    let done = match LocalClient::connect(engine).await {
        Some(server) => server.compact().await?,
        None => engine.compact().await?,
    };
    writeln!(
        std::io::stderr(),
        "{} files became {} with {} rows; {} files that nobody needs were removed",
        done.files_replaced,
        done.files_written,
        done.rows_written,
        done.files_removed
    )?;
    Ok(Code::Done)
}
