//! The inputs of an import: files and streams of one record type, or documents that name the types.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::ingest::Format;
use crate::model::ObjectType;

/// The source of the bytes.
pub enum Content {
    /// A file.
    File(PathBuf),
    /// A stream that is read once, such as standard input.
    Stream(Box<dyn Read + Send>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::File(path) => write!(f, "File({})", path.display()),
            Content::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// One input of an import.
#[derive(Debug)]
pub struct Input {
    /// The name in messages.
    pub name: String,
    /// The type of its records; none if the input names the types: `{"customers": […], "invoices":
    /// […]}`.
    pub object: Option<ObjectType>,
    /// Its format; none to detect it from the name and the first bytes.
    pub format: Option<Format>,
    /// Its bytes.
    pub content: Content,
}

impl Input {
    /// A file; the type comes from its name (`invoices.csv.gz`) unless given.
    pub fn file(path: &Path, object: Option<ObjectType>) -> Input {
        Input {
            name: path.display().to_string(),
            object: object.or_else(|| type_of_name(path)),
            format: format_of_name(path),
            content: Content::File(path.to_path_buf()),
        }
    }

    /// Bytes in memory.
    pub fn bytes(name: &str, object: Option<ObjectType>, bytes: Vec<u8>) -> Input {
        let content = Content::Stream(Box::new(std::io::Cursor::new(bytes)));
        Input { name: name.to_string(), object, format: None, content }
    }
}

/// The inputs of a path: the file, or the `customers.*`, `plans.*` and `invoices.*` of a directory,
/// in that order.
pub fn inputs_of_path(path: &Path) -> Result<Vec<Input>> {
    if !path.is_dir() {
        return Ok(vec![Input::file(path, None)]);
    }
    let mut named: Vec<(ObjectType, PathBuf)> = Vec::new();
    for entry in path.read_dir().map_err(Error::file("list", path))? {
        let file = entry.map_err(Error::file("list", path))?.path();
        let Some(object) = type_of_name(&file) else { continue };
        if !file.is_file() {
            let message = format!(
                "\"{}\" is not a file that can be read; mend it or move it away",
                file.display()
            );
            return Err(Error::Argument(message));
        }
        named.push((object, file));
    }
    if named.is_empty() {
        let message =
            format!("\"{}\" has no file customers.*, plans.* or invoices.*", path.display());
        return Err(Error::Argument(message));
    }
    named.sort();
    Ok(named.into_iter().map(|(object, file)| Input::file(&file, Some(object))).collect())
}

fn type_of_name(path: &Path) -> Option<ObjectType> {
    let name = path.file_name()?.to_str()?;
    let (stem, _extensions) = name.split_once('.')?;
    stem.parse().ok()
}

fn format_of_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = [".gz", ".zst", ".zstd"]
        .into_iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "json" => Some(Format::Json),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        "csv" => Some(Format::Csv),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}
