//! Beside a server: while one holds the data directory, what a command wants written is written by
//! it, as the command would have done it.

use std::io::Read;
use std::path::{Path, PathBuf};

use mrrow_engine::import::{Content, ImportOptions, Input};
use mrrow_server::local::{ImportRequest, InputRequest, LocalError};

use crate::exit::Failure;

/// An import for a server, and the stream among its inputs.
pub(crate) fn import_request(
    inputs: Vec<Input>,
    options: &ImportOptions,
) -> Result<(ImportRequest, Option<Box<dyn Read + Send>>), Failure> {
    let mut stream = None;
    let mut requests = Vec::with_capacity(inputs.len());
    for input in inputs {
        let path = match input.content {
            Content::File(path) => Some(full(&path)?),
            Content::Stream(content) => {
                stream.get_or_insert(content);
                None
            }
        };
        requests.push(InputRequest {
            name: input.name,
            object: input.object,
            format: input.format,
            path,
        });
    }
    let request = ImportRequest {
        data_source: options.data_source.clone(),
        inputs: requests,
        map: options.map.clone(),
        on_error: options.on_error,
        dry_run: options.dry_run,
        rejects: options.rejects.as_deref().map(full).transpose()?,
    };
    Ok((request, stream))
}

/// The server stands in another working directory.
fn full(path: &Path) -> Result<PathBuf, Failure> {
    if path.to_str().is_none() {
        let message = format!(
            "{path:?} is not UTF-8, which a running server cannot be told; rename it, or stop the server"
        );
        return Err(Failure::usage(message));
    }
    std::path::absolute(path)
        .map_err(|error| Failure::other(format!("find \"{}\": {error}", path.display())))
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Failure {
        match error {
            LocalError::Usage(message) => Failure::usage(message),
            error => Failure::other(error.to_string()),
        }
    }
}
