//! `mrrow openapi`: the contract of the HTTP face, without a server.

use std::io::{self, Write};

use crate::exit::{Code, Failure};

pub(super) fn run() -> Result<Code, Failure> {
    let document = mrrow_server::openapi()
        .to_pretty_json()
        .map_err(|error| Failure::other(format!("write the document: {error}")))?;
    writeln!(io::stdout(), "{document}")?;
    Ok(Code::Done)
}
