//! `mrrow openapi`: prints the OpenAPI document without a server.

use std::io::{self, Write};

use crate::exit::{Code, Failure};

pub(super) fn run() -> Result<Code, Failure> {
    let document = mrrow_server::openapi()
        .to_pretty_json()
        .map_err(|error| Failure::other(format!("write the OpenAPI document: {error}")))?;
    writeln!(io::stdout(), "{document}")?;
    Ok(Code::Done)
}
