//! `mrrow serve`: the HTTP face.

use std::io::Write;

use crate::args::ServeArgs;
use crate::exit::{Code, Failure};

pub(super) async fn run(args: &ServeArgs) -> Result<Code, Failure> {
    let server = mrrow_server::Server::bind(args.listen)
        .await
        .map_err(|error| Failure::other(format!("listen on {}: {error}", args.listen)))?;
    writeln!(std::io::stderr(), "listening on http://{}", server.address())?;
    let stopped = async {
        // Where the signal cannot be waited for, the server runs until it is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    server.run(stopped).await.map_err(|error| Failure::other(format!("serve: {error}")))?;
    Ok(Code::Done)
}
