//! The inputs of an import: arguments to files and streams.

use std::path::Path;

use mrrow_engine::import::{Content, Input, inputs_of_path};
use mrrow_engine::model::ObjectType;

use crate::args::ImportArgs;
use crate::exit::Failure;

/// Parses the paths; the name of a type applies to the paths after it.
pub(super) fn parse(args: &ImportArgs) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    let mut object: Option<ObjectType> = None;
    for (at, word) in args.paths.iter().enumerate() {
        let is_last = at + 1 == args.paths.len();
        if let Ok(named) = word.parse()
            && !(is_last && Path::new(word).exists())
        {
            if is_last {
                return Err(Failure::usage(format!(
                    "name a file of {named}, or - for standard input"
                )));
            }
            object = Some(named);
            continue;
        }
        if word == "-" {
            let content = Content::Stream(Box::new(std::io::stdin()));
            inputs.push(Input {
                name: "standard input".to_string(),
                object,
                format: None,
                content,
            });
            continue;
        }
        let path = Path::new(word);
        if !path.exists() {
            return Err(Failure::usage(format!("there is no file or directory \"{word}\"")));
        }
        match object {
            Some(object) if path.is_dir() => {
                let message = format!(
                    "\"{word}\" is a directory, and the names of its files give their types; \
                     name a file of {object}"
                );
                return Err(Failure::usage(message));
            }
            Some(_) => inputs.push(Input::file(path, object)),
            None => inputs.extend(inputs_of_path(path)?),
        }
    }
    for input in &mut inputs {
        input.format = args.input_format.or(input.format);
    }
    Ok(inputs)
}

/// The size of all inputs; none if one of them is a stream.
pub(super) fn total_bytes(inputs: &[Input]) -> Option<u64> {
    inputs
        .iter()
        .map(|input| match &input.content {
            Content::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
            Content::Stream(_) => None,
        })
        .sum()
}
