//! Conversions for a running server: while one holds the data directory, it does the writes of a
//! command.

use std::io::Read;
use std::path::{Path, PathBuf};

use mrrow_engine::import::{Content, ImportOptions, Input};
use mrrow_server::local::{ImportRequest, InputRequest, LocalError};

use crate::exit::Failure;

/// The request for an import, and the one stream among its inputs.
pub(crate) fn import_request(
    inputs: Vec<Input>,
    options: &ImportOptions,
) -> Result<(ImportRequest, Option<Box<dyn Read + Send>>), Failure> {
    let mut stream = None;
    let mut requests = Vec::with_capacity(inputs.len());
    for input in inputs {
        let path = match input.content {
            Content::File(path) => Some(absolute(&path)?),
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
        rejects: options.rejects.as_deref().map(absolute).transpose()?,
    };
    Ok((request, stream))
}

/// The absolute path, since the server has another working directory.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    if path.to_str().is_none() {
        let message = format!(
            "{path:?} is not UTF-8 and cannot be sent to the running server; rename it, or stop \
             the server"
        );
        return Err(Failure::usage(message));
    }
    std::path::absolute(path).map_err(|error| {
        Failure::other(format!("resolve the path \"{}\": {error}", path.display()))
    })
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Failure {
        match error {
            LocalError::Usage(message) => Failure::usage(message),
            error => Failure::other(error.to_string()),
        }
    }
}
