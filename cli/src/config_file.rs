//! `mrrow.toml`: what is configured once and not typed each time. A flag or a variable of the
//! environment goes before it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::Failure;

/// The file that is read where no other is named.
const DEFAULT: &str = "mrrow.toml";

/// The file's content.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigFile {
    /// The data directory.
    pub(crate) data: Option<PathBuf>,
    /// Memory in MiB that computations use before they spill.
    pub(crate) memory_mib: Option<u32>,
    pub(crate) serve: Serve,
}

/// How to serve.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Serve {
    pub(crate) listen: Option<String>,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) pull_allow: Option<Vec<String>>,
    pub(crate) secret_key_file: Option<PathBuf>,
    pub(crate) log: Option<String>,
    pub(crate) log_format: Option<String>,
    /// The limits that are not the defaults, by name.
    pub(crate) limits: BTreeMap<String, u64>,
}

/// Reads the file that is named, or the one in the working directory if there is one.
pub(crate) fn read(named: Option<&Path>) -> Result<ConfigFile, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(ConfigFile::default());
        }
        Err(error) => return Err(Failure::usage(format!("read \"{}\": {error}", path.display()))),
    };
    toml::from_str(&text)
        .map_err(|error| Failure::usage(format!("\"{}\": {error}", path.display())))
}
